/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to gateways: an administrator asks whether a certificate would be let in, each gateway fetches the question
 * by its parked request and posts its verdict, and the administrator reads the answers. What gateways say is reduced to
 * known members.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mp/admin/admin.h"
#include "mp/answer/question.h"
#include "mp/content/put.h"
#include "mp/server/handlers.h"
#include "mp/server/parked.h"
#include "mp/status/report.h"
#include "pki/cert/cert.h"
#include "store/sequence.h"
#include "store/site/question.h"
#include "store/site/role.h"

enum { CERTIFICATES_MAX = PKI_SENT_MAX, CERTIFICATES_TEXT_MAX = 128 * 1024 };

/* --- gateways ask for questions, and answer them --- */

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

enum result mp_question_document(struct mp_request *r, json_t **ret, struct error *err)
{
    struct store_question *list;
    size_t count;
    int64_t sequence;
    json_t *array = json_array();
    enum result result = store_sequence_get(r->site->store, STORE_SEQUENCE_QUESTION, &sequence, NULL, err);
    if (result == OK)
        result = store_question_open(r->site->store, r->arena, r->parked.gateway, r->parked.after, clock_wall_s(),
                                     &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(array, json_pack("{s:I, s:s}", "id", (json_int_t)list[i].id, "certificates_pem", list[i].certificates));
    if (result == OK)
        *ret = json_pack("{s:I, s:o}", "sequence", (json_int_t)sequence, "questions", array);
    else
        json_decref(array);
    return result;
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

/* --- administrators --- */

static enum result check_certificates(const char *pem, char subject[256], struct error *err)
{
    STACK_OF(X509) *certs = NULL;
    if (strlen(pem) > CERTIFICATES_TEXT_MAX)
        return error_set(err, R_LIMIT, "certificate_pem is longer than %d bytes", CERTIFICATES_TEXT_MAX);
    enum result r = pki_cert_read_all(slice_of(pem), CERTIFICATES_MAX, &certs, err);
    if (r == OK)
        pki_cert_subject(sk_X509_value(certs, 0), subject, 256);
    sk_X509_pop_free(certs, X509_free);
    return r == OK ? OK : error_prefix(err, "certificate_pem");
}

/* The ids of those that are asked; R_NOTFOUND for one that there is not. */
static enum result asked_gateways(struct mp_request *r, const char *wanted, json_t **ret, struct error *err)
{
    struct store_gateway *list;
    size_t count;
    json_t *ids = json_array();
    enum result result = store_gateway_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (!*wanted || strcmp(list[i].id, wanted) == 0)
            mp_push(ids, json_string(list[i].id));
    }
    if (result == OK && json_array_size(ids) == 0)
        result = error_set(err, R_NOTFOUND, "there is no gateway %.64s", *wanted ? wanted : "at all");
    *ret = ids;
    return result;
}

static enum result ask(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_question q = {.gateway = json_opt_str(body, "gateway", ""), .caller = r->caller};
    char subject[256];
    json_t *gateways = NULL;
    enum result result = json_need_str(body, "certificate_pem", &q.certificates, err);
    if (result == OK)
        result = check_certificates(q.certificates, subject, err);
    if (result == OK)
        result = asked_gateways(r, q.gateway, &gateways, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result == OK)
        result = mp_admin_commit(r, store_question_add(r->site->store, &q, clock_wall_s(), err), "certificate.ask",
                                 *q.gateway ? q.gateway : "all gateways", subject, err);
    if (result == OK)
        *ret = json_pack("{s:I, s:I, s:O}", "id", (json_int_t)q.id, "expires", (json_int_t)q.expires, "gateways",
                         gateways);
    json_decref(gateways);
    return result;
}

void mp_admin_question_add(struct mp_request *r)
{
    struct error err;
    json_t *answer = NULL, *body = mp_admin_body(r);
    if (!body)
        return;
    if (ask(r, body, &answer, &err) == OK)
        mp_answer_json(r, 202, answer);
    else
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

static json_t *answer_json(const struct store_answer *x)
{
    json_t *o = NULL;
    if (json_parse(slice_of(x->verdict), strlen(x->verdict), &o, NULL) != OK)
        o = json_object();
    mp_put(o, "gateway", json_string(x->gateway));
    mp_put(o, "answered", json_integer((json_int_t)x->answered));
    return o;
}

void mp_admin_question_get(struct mp_request *r)
{
    uint64_t id = 0;
    struct store_question q;
    struct store_answer *list;
    size_t count = 0;
    struct error err;
    json_t *answers = json_array();
    (void)!slice_to_u64(slice_of(r->params[0]), &id);
    enum result result = store_question_get(r->site->store, r->arena, (int64_t)(id & INT64_MAX), &q, &err);
    if (result == OK)
        result = store_answer_list(r->site->store, r->arena, q.id, &list, &count, &err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(answers, answer_json(&list[i]));
    if (result == OK) {
        mp_answer_json(
            r, 200,
            json_pack("{s:I, s:I, s:o}", "id", (json_int_t)q.id, "expires", (json_int_t)q.expires, "answers", answers));
        return;
    }
    json_decref(answers);
    mp_admin_fail(r, &err, "ask again: a question is kept for some minutes");
}
