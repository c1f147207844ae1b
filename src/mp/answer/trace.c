/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes may have management points of the same ids: an answer is given where something is known alone. */
#include "mp/answer/trace.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "store/sequence.h"
#include "store/site/question.h"
#include "json/json.h"
#include "json/trail.h"

enum { ROWS_MAX = 8 * 1024 * 1024 };

static enum result answer_one(struct mp_site *site, const char *part, const struct store_question *q, struct error *err)
{
    json_t *steps = json_trail(q->request);
    enum result r = OK;
    if (json_array_size(steps)) {
        char *text = json_text(steps);
        r = store_answer_put(site->store, q->id, &(struct store_answer){part, text, 0}, clock_wall_s(), err);
        free(text);
    }
    json_decref(steps);
    return r;
}

static enum result answer_all(struct mp_site *site, struct arena *a, int64_t after, struct error *err)
{
    struct store_question *list;
    size_t count = 0;
    char part[128];
    (void)snprintf(part, sizeof part, "cmg-mp %ld (%s)", (long)getpid(),
                   site->config->points.count ? mp_config_points(site->config)[0].id : "no management point");
    enum result r = store_question_open(site->store, a, part, after, clock_wall_s(), &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        if (*list[i].request)
            r = answer_one(site, part, &list[i], err);
    }
    return r;
}

void mp_trace_answer(struct mp_site *site, int64_t *after)
{
    struct error err;
    int64_t sequence;
    enum result r = store_sequence_get(site->store, STORE_SEQUENCE_QUESTION, &sequence, NULL, &err);
    if (r == OK && sequence <= *after)
        return;
    if (r == OK) {
        struct arena *a = arena_new(ROWS_MAX);
        r = answer_all(site, a, *after, &err);
        arena_free(a);
    }
    if (r == OK)
        *after = sequence;
    else
        log_msg(LOG_WARN, "question", "what was asked about a request can't be answered: %s", err.text);
}
