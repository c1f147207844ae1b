/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways ask for questions of administrators (mp/admin/question.c), by a request that is parked until there is one,
 * and post their verdicts, which are reduced to known members. */
#include <stdlib.h>

#include "base/clock.h"
#include "mp/answer/handlers.h"
#include "mp/answer/parked.h"
#include "mp/status/report.h"
#include "store/site/question.h"

void mp_handle_site_questions(struct mp_request *r)
{
    uint64_t after = 0;
    struct slice text = mp_request_query(r, SLICE("after"));
    if (!mp_site_gateway(r, "/.cmg/questions", r->parked.gateway))
        return;
    if (!r->parked.gateway[0] || (text.ptr && (!slice_to_u64(text, &after) || after > INT64_MAX)))
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, "questions are for a gateway; 'after' is the number of the last one");
    else
        mp_parked_add(r, MP_PARKED_QUESTIONS, (int64_t)after);
}

static enum result take_answer(struct mp_request *r, const char *gateway, const json_t *body, struct error *err)
{
    int64_t id = json_opt_int(body, "id", 0);
    json_t *clean = mp_report_of_verdict(json_object_get(body, "verdict"));
    char *text = json_text(clean);
    struct store_answer answer = {.gateway = gateway, .verdict = text};
    enum result result = store_answer_put(r->site->store, id, &answer, clock_wall_s(), err);
    free(text);
    json_decref(clean);
    return result;
}

void mp_handle_site_answer(struct mp_request *r)
{
    char gateway[PKI_ROLE_ID_MAX];
    json_t *body = NULL;
    struct error err;
    if (!mp_site_gateway(r, "/.cmg/answer", gateway))
        return;
    enum result result = json_parse(buf_data(&r->body), r->body.max, &body, &err);
    if (result == OK && (!gateway[0] || !json_is_object(json_object_get(body, "verdict"))))
        result = error_set(&err, R_INVALID, "an answer is a gateway's, with 'id' and 'verdict'");
    if (result != OK)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else if ((result = take_answer(r, gateway, body, &err)) == OK || result == R_NOTFOUND) /* late: nobody asks */
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_refuse_fault(r, &err);
    json_decref(body);
}
