/* SPDX-License-Identifier: Apache-2.0 */
/* Anchors, intermediates and CRLs that devices' certificates are judged by. */
#include <stdlib.h>

#include "base/clock.h"
#include "mp/admin/admin.h"
#include "mp/admin/fetch_hosts.h"
#include "mp/content/crl.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "mp/sender/device.h"
#include "mp/status/trust_fault.h"
#include "store/site/trust.h"

enum { CERTIFICATES_MAX = 256, TOLD = 5 };

static json_t *trust_json(const struct store_trust *t)
{
    char number[PKI_LIST_NUMBER_TEXT] = "";
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:I, s:o}", "id", t->id, "kind", store_trust_kind_name(t->kind), "subject",
                  t->subject, "not_after", (json_int_t)t->not_after, "fetch_hosts", mp_content_words(t->fetch_hosts));
    if (t->kind != STORE_CRL)
        return o;
    if (t->number[0])
        pki_list_number_text(t->number, number);
    mp_put(o, "scope", json_string(t->scope));
    mp_put(o, "number", json_string(number));
    mp_put(o, "this_update", json_integer((json_int_t)t->this_update));
    mp_put(o, "delta", json_boolean(t->complete[0]));
    mp_put(o, "unproven", json_boolean(t->unproven));
    return o;
}

static void push_added(json_t *added, const struct store_trust *t, const char *warning)
{
    json_t *o = trust_json(t);
    mp_put(o, "warnings", warning[0] ? json_pack("[s]", warning) : json_array());
    mp_push(added, o);
}

static enum result put_certificate(struct mp_request *r, enum store_trust_kind kind, const char *fetch_hosts,
                                   X509 *cert, json_t *added, struct error *err)
{
    char id[PKI_HASH_HEX], subject[256], *pem = pki_cert_pem(cert);
    pki_cert_sha256_hex(cert, id);
    pki_cert_subject(cert, subject, sizeof subject);
    struct store_trust t = {.id = id,
                            .kind = kind,
                            .subject = subject,
                            .number = "",
                            .not_after = pki_cert_not_after(cert),
                            .fetch_hosts = fetch_hosts,
                            .data = pem};
    enum result result = store_trust_put(r->site->store, &t, err);
    char warning[256];
    mp_trust_fault(kind, cert, clock_wall_s(), warning, sizeof warning);
    if (result == OK)
        push_added(added, &t, warning);
    free(pem);
    return result;
}

static enum result put_certificates(struct mp_request *r, enum store_trust_kind kind, const char *fetch_hosts,
                                    struct slice data, json_t *added, struct error *err)
{
    STACK_OF(X509) *list = NULL;
    enum result result = pki_cert_read_given(data, CERTIFICATES_MAX, &list, err);
    if (result != OK)
        return result;
    for (int i = 0; i < sk_X509_num(list) && result == OK; i++)
        result = put_certificate(r, kind, fetch_hosts, sk_X509_value(list, i), added, err);
    sk_X509_pop_free(list, X509_free);
    return result == OK ? mp_crl_settle(r->site, err) : result;
}

static enum result put_crls(struct mp_request *r, struct slice data, json_t *added, struct error *err)
{
    struct mp_crls lists;
    enum result result = mp_crls_read(data, &lists, err);
    for (size_t i = 0; i < lists.count && result == OK; i++) {
        struct mp_crl_taken taken;
        result = mp_crl_put(r->site, r->arena, lists.list[i], &taken, err);
        if (result == OK)
            push_added(added, &taken.row, taken.warning);
        else if (lists.count > 1)
            (void)error_prefix(err, "list %zu of %zu", i + 1, lists.count);
    }
    mp_crls_free(&lists);
    return result;
}

static enum result put(struct mp_request *r, enum store_trust_kind kind, const char *fetch_hosts, const char *data,
                       json_t *added, struct error *err)
{
    enum result result;
    if (fetch_hosts[0] && kind != STORE_ANCHOR)
        result = error_set(err, R_INVALID, "'fetch_hosts' belong to an anchor");
    else if (kind == STORE_CRL)
        result = put_crls(r, slice_of(data), added, err);
    else
        result = put_certificates(r, kind, fetch_hosts, slice_of(data), added, err);
    return result == OK ? mp_documents_check(r->site, err) : result;
}

static enum result add(struct mp_request *r, const json_t *body, json_t *added, struct error *err)
{
    const char *word, *data, *fetch_hosts;
    enum store_trust_kind kind;
    enum result result = json_need_str(body, "kind", &word, err);
    if (result == OK && !store_trust_kind_parse(slice_of(word), &kind))
        result = error_set(err, R_INVALID, "'kind' is one of anchor, intermediate, crl");
    if (result == OK)
        result = json_need_str(body, "data", &data, err);
    if (result == OK)
        result = mp_admin_fetch_hosts_read(r, body, &fetch_hosts, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = put(r, kind, fetch_hosts, data, added, err);
    const json_t *first = json_array_get(added, 0);
    return mp_admin_commit(r, result, "trust.add", json_opt_str(first, "id", ""), json_opt_str(first, "subject", ""),
                           err);
}

/* The first one as the answer's members; of a PEM with several, all of them in `added`. */
void mp_admin_trust_add(struct mp_request *r)
{
    struct error err;
    json_t *body = mp_admin_body(r), *added = json_array();
    if (body && add(r, body, added, &err) == OK) {
        json_t *answer = json_deep_copy(json_array_get(added, 0));
        mp_put(answer, "added", json_incref(added));
        mp_answer_json(r, 201, answer);
    } else if (body) {
        mp_admin_fail(r, &err, NULL);
    }
    json_decref(added);
    json_decref(body);
}

void mp_admin_trust_list(struct mp_request *r)
{
    struct store_trust *list;
    size_t count;
    struct error err;
    if (store_trust_list(r->site->store, 0, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, trust_json(&list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "trust", array));
}

/* Whom other methods let in still, though the PKI that vouched for them is trusted no longer. */
static enum result still_let_in(struct mp_request *r, const char *anchor, json_t **ret, struct error *err)
{
    struct store_device *list;
    size_t count;
    int64_t all, not_known;
    json_t *devices = json_array();
    enum result result = store_anchored_by_token(r->site->store, r->arena, "", 0, &not_known, &list, &count, err);
    if (result == OK)
        result = store_anchored_by_token(r->site->store, r->arena, anchor, TOLD, &all, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(devices, json_pack("{s:s, s:s}", "guid", list[i].guid, "name", list[i].name));
    if (result == OK)
        *ret = json_pack("{s:I, s:O, s:I}", "count", (json_int_t)all, "devices", devices, "not_known",
                         (json_int_t)not_known);
    json_decref(devices);
    return result;
}

void mp_admin_trust_remove(struct mp_request *r)
{
    struct error err;
    json_t *let_in = NULL;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK) {
        result = store_trust_remove(r->site->store, r->params[0], &err);
        if (result == OK)
            result = still_let_in(r, r->params[0], &let_in, &err);
        result = mp_admin_commit(r, result, "trust.remove", r->params[0], "", &err);
    }
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:s, s:O}", "removed", r->params[0], "still_let_in", let_in));
    else
        mp_admin_fail(r, &err, "list them with: cmg trust list");
    json_decref(let_in);
}
