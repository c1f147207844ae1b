/* SPDX-License-Identifier: Apache-2.0 */
/* Open questions of administrators as one gateway hears them: not signed, for they grant nothing. */
#include <string.h>

#include "base/clock.h"
#include "mp/content/content.h"
#include "mp/put.h"
#include "store/sequence.h"
#include "store/site/question.h"

static json_t *question_json(const struct store_question *q)
{
    bool about_request = *q->request;
    return json_pack("{s:I, s:s}", "id", (json_int_t)q->id, about_request ? "request_id" : "certificates_pem",
                     about_request ? q->request : q->certificates);
}

enum result mp_content_questions(struct mp_site *site, struct arena *a, const char *part, int64_t after, json_t **ret,
                                 struct error *err)
{
    struct store_question *list;
    size_t count;
    int64_t sequence;
    json_t *array = json_array();
    enum result result = store_sequence_get(site->store, STORE_SEQUENCE_QUESTION, &sequence, NULL, err);
    if (result == OK)
        result = store_question_open(site->store, a, part, after, clock_wall_s(), &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (*list[i].request || !strchr(part, ' '))
            mp_push(array, question_json(&list[i]));
    }
    if (result == OK)
        *ret = json_pack("{s:I, s:o}", "sequence", (json_int_t)sequence, "questions", array);
    else
        json_decref(array);
    return result;
}
