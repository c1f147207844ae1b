/* SPDX-License-Identifier: Apache-2.0 */
/* Named sources. What gateways and connectors would refuse to read is refused here already. */
#include "store/site/source.h"
#include "mp/admin/admin.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "mp/sender/tenants.h"
#include "net/url.h"
#include "pki/cert/cert.h"

enum { CA_CERTIFICATES_MAX = 16 };

/* Readers see no passwords and keys in URLs. */
static json_t *source_json(const struct mp_request *r, const struct store_source *x)
{
    char shown[NET_URL_SHOWN_SIZE];
    net_url_shown(slice_of(x->url), shown);
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:b}", "id", x->id, "kind", x->kind, "url",
                     r->role < MP_OPERATOR ? shown : x->url, "via", store_via_name(x->via), "refresh_s",
                     (json_int_t)x->refresh_s, "own_ca", (int)(x->ca_pem[0] != '\0'));
}

static enum result check_ca(const struct store_source *x, struct error *err)
{
    STACK_OF(X509) *list = NULL;
    if (strncmp(x->url, "https://", 8) != 0 && strncmp(x->url, "ldaps://", 8) != 0)
        return error_set(err, R_INVALID, "a CA of its own is for https:// and ldaps://, which '%.128s' is not", x->url);
    enum result r = pki_cert_read_all(slice_of(x->ca_pem), CA_CERTIFICATES_MAX, &list, err);
    sk_X509_pop_free(list, X509_free);
    return r == OK ? OK : error_prefix(err, "ca_pem");
}

static enum result read_body(const json_t *body, struct store_source *ret, struct error *err)
{
    const char *via;
    enum result r = json_need_str(body, "id", &ret->id, err);
    if (r == OK)
        r = json_need_str(body, "kind", &ret->kind, err);
    if (r == OK)
        r = json_need_str(body, "url", &ret->url, err);
    if (r == OK)
        r = json_need_str(body, "via", &via, err);
    if (r == OK && !store_via_parse(slice_of(via), &ret->via))
        r = error_set(err, R_INVALID, "'via' is internet (the gateway fetches it) or connector");
    ret->refresh_s = json_opt_int(body, "refresh_s", 0);
    ret->ca_pem = json_opt_str(body, "ca_pem", "");
    return r == OK && *ret->ca_pem ? check_ca(ret, err) : r;
}

static enum result put(struct mp_request *r, const struct store_source *x, struct error *err)
{
    char shown[NET_URL_SHOWN_SIZE];
    net_url_shown(slice_of(x->url), shown);
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = store_source_put(r->site->store, x, err);
    if (result == OK)
        result = mp_documents_check(r->site, err);
    return mp_admin_commit(r, result, "source.add", x->id, shown, err);
}

void mp_admin_source_add(struct mp_request *r)
{
    struct store_source x = {0};
    struct error err;
    json_t *body = mp_admin_body(r);
    if (body && read_body(body, &x, &err) == OK && put(r, &x, &err) == OK) {
        mp_tenants_changed(r->site);
        mp_answer_json(r, 201, json_pack("{s:o}", "source", source_json(r, &x)));
    } else if (body)
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

void mp_admin_source_list(struct mp_request *r)
{
    struct store_source *list;
    size_t count;
    struct error err;
    if (store_source_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, source_json(r, &list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "sources", array));
}

void mp_admin_source_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_source_remove(r->site->store, r->params[0], &err), "source.remove",
                                 r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "list them with: cmg source list");
}
