/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to gateways: an administrator asks whether a certificate would be let in, each gateway fetches the question
 * and posts its verdict (mp/answer/question.c), and the administrator reads the answers. So it goes with what became of
 * a request, which connectors and management points are asked, too.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text/encode.h"
#include "mp/admin/admin.h"
#include "mp/put.h"
#include "pki/cert/cert.h"
#include "store/site/question.h"
#include "store/site/role.h"

enum { CERTIFICATES_MAX = PKI_SENT_MAX, CERTIFICATES_TEXT_MAX = 128 * 1024 };

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
    struct store_question q = {.gateway = json_opt_str(body, "gateway", ""), .caller = r->caller, .request = ""};
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

/* --- about a request --- */

/* Those that will answer, if they are up: ["gateway gw1", "connector cp1"]. */
static enum result list_parts(struct mp_request *r, json_t *ret, struct error *err)
{
    struct store_gateway *gateways;
    struct store_connector *connectors;
    size_t gateway_count, connector_count;
    enum result result = store_gateway_list(r->site->store, r->arena, &gateways, &gateway_count, err);
    if (result == OK)
        result = store_connector_list(r->site->store, r->arena, &connectors, &connector_count, err);
    for (size_t i = 0; result == OK && i < gateway_count; i++)
        mp_push(ret, json_sprintf("gateway %s", gateways[i].id));
    for (size_t i = 0; result == OK && i < connector_count; i++)
        mp_push(ret, json_sprintf("connector %s", connectors[i].id));
    return result;
}

static enum result trace(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_question q = {.gateway = "", .certificates = "", .caller = r->caller};
    json_t *parts = json_array();
    enum result result = json_need_str(body, "request_id", &q.request, err);
    if (result == OK && !guid_valid(slice_of(q.request)))
        result = error_set(err, R_INVALID, "request_id is a GUID in small letters");
    if (result == OK)
        result = list_parts(r, parts, err);
    if (result == OK)
        result = store_question_add(r->site->store, &q, clock_wall_s(), err);
    if (result == OK)
        *ret = json_pack("{s:I, s:I, s:O}", "id", (json_int_t)q.id, "expires", (json_int_t)q.expires, "parts", parts);
    json_decref(parts);
    return result;
}

/* Not in the audit: it changes nothing, and readers may. */
void mp_admin_trace_add(struct mp_request *r)
{
    struct error err;
    json_t *answer = NULL, *body = mp_admin_body(r);
    if (!body)
        return;
    if (trace(r, body, &answer, &err) == OK)
        mp_answer_json(r, 202, answer);
    else
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

/* --- the answers --- */

/* "gateway gw1": the others' names have their kind in them. */
static json_t *part_name(const char *of)
{
    return strchr(of, ' ') ? json_string(of) : json_sprintf("gateway %s", of);
}

static json_t *answer_json(const struct store_answer *x)
{
    json_t *o = NULL;
    if (json_parse(slice_of(x->verdict), strlen(x->verdict), &o, NULL) != OK)
        o = json_object();
    if (json_is_array(o)) /* of a request */
        o = json_pack("{s:o, s:o}", "part", part_name(x->gateway), "steps", o);
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
