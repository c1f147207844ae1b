/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways and connectors ask for questions of administrators (mp/admin/question.c), by a request that is parked until
 * there is one, and post their verdicts, and what they did with requests, which are reduced to known members. */
#include <stdlib.h>

#include "base/clock.h"
#include "mp/answer/handlers.h"
#include "mp/answer/parked.h"
#include "mp/status/report.h"
#include "store/site/question.h"

/* Who asks or answers, by the name that answers have (store/site/question.h). */
static bool read_part(struct mp_request *r, const char *route, char ret[MP_PART_SIZE])
{
    char gateway[PKI_ROLE_ID_MAX];
    if (!mp_site_gateway(r, route, gateway))
        return false;
    if (gateway[0])
        cstr_copy(ret, MP_PART_SIZE, gateway);
    else
        (void)snprintf(ret, MP_PART_SIZE, "connector %s", r->sender.identity.connector);
    return true;
}

void mp_handle_site_questions(struct mp_request *r)
{
    uint64_t after = 0;
    struct slice text = mp_request_query(r, SLICE("after"));
    if (!read_part(r, "/.cmg/questions", r->parked.part))
        return;
    if (text.ptr && (!slice_to_u64(text, &after) || after > INT64_MAX))
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, "'after' is the number of the last question");
    else
        mp_parked_add(r, MP_PARKED_QUESTIONS, (int64_t)after);
}

/* The answer's kind must be the question's. */
static enum result clean_answer(const struct store_question *q, const json_t *body, json_t **ret, struct error *err)
{
    const json_t *verdict = json_object_get(body, "verdict"), *trail = json_object_get(body, "trail");
    if (*q->request ? !json_is_array(trail) : !json_is_object(verdict))
        return error_set(err, R_INVALID, "question %lld wants '%s'", (long long)q->id,
                         *q->request ? "trail" : "verdict");
    *ret = *q->request ? mp_report_of_trail(trail) : mp_report_of_verdict(verdict);
    return OK;
}

static enum result take_answer(struct mp_request *r, const char *part, const json_t *body, struct error *err)
{
    struct store_question q;
    json_t *clean = NULL;
    int64_t id;
    enum result result = json_need_int(body, "id", &id, err);
    if (result == OK)
        result = store_question_get(r->site->store, r->arena, id, &q, err);
    if (result == OK)
        result = clean_answer(&q, body, &clean, err);
    if (result != OK)
        return result;
    char *text = json_text(clean);
    struct store_answer answer = {.gateway = part, .verdict = text};
    result = store_answer_put(r->site->store, q.id, &answer, clock_wall_s(), err);
    free(text);
    json_decref(clean);
    return result;
}

void mp_handle_site_answer(struct mp_request *r)
{
    char part[MP_PART_SIZE];
    json_t *body = NULL;
    struct error err;
    if (!read_part(r, "/.cmg/answer", part))
        return;
    enum result result = json_parse(buf_data(&r->body), r->body.max, &body, &err);
    if (result == OK)
        result = take_answer(r, part, body, &err);
    if (result == OK || result == R_NOTFOUND) /* late: nobody asks */
        mp_answer(r, &(struct mp_answer){.status = 204});
    else if (result == R_INVALID || result == R_LIMIT)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else
        mp_refuse_fault(r, &err);
    json_decref(body);
}
