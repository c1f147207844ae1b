/* SPDX-License-Identifier: Apache-2.0 */
/* Join strings for gateways and connectors (docs/protocol/wire.md 11). The string is told once; the store keeps the
 * public half of its key. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bundle/join/string.h"
#include "jose/jws/private.h"
#include "mp/admin/admin.h"
#include "mp/admin/role.h"
#include "mp/content/bootstrap.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "pki/issue/issue.h"
#include "store/site/join.h"

enum { JWK_MAX = 1024 };

enum result mp_role_join_valid(const json_t *body, int64_t *ret, struct error *err)
{
    *ret = json_opt_int(json_object_get(body, "join"), "valid_s", JOIN_VALID_S);
    if (*ret < JOIN_VALID_MIN_S || *ret > JOIN_VALID_MAX_S)
        return error_set(err, R_INVALID, "a join string may be valid for %d seconds to %d (7 days)", JOIN_VALID_MIN_S,
                         JOIN_VALID_MAX_S);
    return OK;
}

/* --- may one be made --- */

struct known {
    bool there;
    int64_t not_after, withdrawn;
};

/* The old certificates are withdrawn now, the new one is made by the machine's request later. */
static enum result check_known(struct mp_request *r, const struct known *k, const char *kind, const char *id,
                               const struct mp_role_wish *wish, struct error *err)
{
    bool alive = k->there && k->not_after > clock_wall_s() && k->not_after > k->withdrawn;
    if (!k->there && wish->renew)
        return error_set(err, R_NOTFOUND, "there is no %s '%s' to renew", kind, id);
    if (!alive || wish->renew)
        return mp_role_outlives(&r->site->keys, kind, id, wish->withdraw ? k->not_after : k->withdrawn, err);
    (void)error_set(err, R_CONFLICT, "the %s '%s' has joined already: its certificate counts", kind, id);
    error_remedy(err,
                 "take another id; or let a machine take its place: the same command with --renew (and --revoke-old "
                 "after a theft)");
    return R_CONFLICT;
}

/* --- the string --- */

struct making {
    enum join_kind kind;
    const char *id;
    int64_t valid_s;
    json_t *content; /* what is the kind's own */
    char *text;      /* of the string; a secret */
    int64_t expires;
};

static void making_done(struct making *m)
{
    json_decref(m->content);
    if (m->text)
        mem_free_secret(m->text, strlen(m->text));
}

/* The one-time key: its private half into the string, the public one into the store. */
static enum result make_key(struct mp_request *r, struct making *m, int64_t now, struct error *err)
{
    json_t *secret = NULL, *public = NULL;
    EVP_PKEY *key = pki_key_new();
    enum result result = jose_private_jwk(key, &secret, err);
    if (result == OK)
        result = jose_public_jwk(key, &public, err);
    EVP_PKEY_free(key);
    if (result != OK) {
        json_decref(secret);
        return result;
    }
    mp_put(m->content, "key", secret);
    char *jwk = json_text(public);
    json_decref(public);
    m->expires = now + m->valid_s;
    result = store_join_put(
        r->site->store,
        &(struct store_join){
            .kind = join_kind_info(m->kind)->name, .id = m->id, .jwk = jwk, .made = now, .expires = m->expires},
        err);
    free(jwk);
    return result;
}

/* Inside the transaction that makes the role known. */
static enum result make_string(struct mp_request *r, struct making *m, struct error *err)
{
    enum result result = make_key(r, m, clock_wall_s(), err);
    if (result != OK)
        return result;
    mp_put(m->content, "site", json_string(r->site->keys.site));
    mp_put(m->content, "pin", json_string(r->site->keys.pin));
    mp_put(m->content, "id", json_string(m->id));
    mp_put(m->content, "expires", json_integer((json_int_t)m->expires));
    m->text = join_string_make(m->kind, m->content);
    return OK;
}

static void answer(const struct making *m, json_t *role, json_t **ret)
{
    *ret = json_pack("{s:o, s:s, s:I}", join_kind_info(m->kind)->name, role, "join", m->text, "expires",
                     (json_int_t)m->expires);
}

static const char *detail(const struct mp_role_wish *wish, const char *else_this)
{
    return wish->withdraw ? MP_OLD_WITHDRAWN : else_this;
}

/* --- gateways --- */

/* Inside the transaction, which no machine joins or renews beside. */
static enum result await_gateway(struct mp_request *r, const json_t *body, const struct mp_role_wish *wish,
                                 struct store_gateway *g, struct making *m, struct error *err)
{
    struct store *s = r->site->store;
    struct store_gateway old = {0};
    struct known known = {.there = store_gateway_get(s, r->arena, g->id, &old, NULL) == OK};
    known.not_after = old.not_after;
    known.withdrawn = old.withdrawn;
    enum result result = check_known(r, &known, "gateway", g->id, wish, err);
    if (result == OK)
        result = mp_role_read_gateway(body, known.there ? &old : NULL, g, err);
    if (result != OK)
        return result;
    m->content = json_pack("{s:s, s:I}", "host", g->host, "port", (json_int_t)g->port);
    result = known.there ? store_gateway_await(s, g, wish->withdraw, err) : store_gateway_add(s, g, err);
    if (result == OK)
        result = make_string(r, m, err);
    return result == OK ? mp_documents_check(r->site, err) : result;
}

enum result mp_role_join_gateway(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_gateway g = {0};
    struct mp_role_wish wish = {0};
    struct making m = {.kind = JOIN_GATEWAY};
    enum result result = mp_role_join_valid(body, &m.valid_s, err);
    if (result == OK)
        result = mp_role_read_id(body, &g.id, err);
    if (result == OK)
        result = mp_role_read_wish(body, &wish, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    m.id = g.id;
    result = await_gateway(r, body, &wish, &g, &m, err);
    result = mp_admin_commit(r, result, "gateway.join", g.id, detail(&wish, g.host), err);
    if (result == OK)
        result = store_gateway_get(r->site->store, r->arena, g.id, &g, err);
    if (result == OK)
        answer(&m, mp_role_gateway_json(&g), ret);
    making_done(&m);
    return result;
}

/* --- connectors --- */

static enum result put_urls(struct mp_request *r, json_t *content, struct error *err)
{
    json_t *urls, *url, *plain = json_array();
    size_t i;
    enum result result = mp_content_site_urls(r->site, r->arena, &urls, err);
    if (result != OK) {
        json_decref(plain);
        return result;
    }
    json_array_foreach(urls, i, url) /* whoever answers there: what it says is believed by its signature alone */
        mp_push(plain, json_string(json_is_string(url) ? json_string_value(url) : json_opt_str(url, "url", "")));
    json_decref(urls);
    if (json_array_size(plain) == 0)
        result = error_set(err, R_CONFLICT, "the site has no management point that a connector could join by");
    mp_put(content, "urls", plain);
    return result;
}

/* As await_gateway(). */
static enum result await_connector(struct mp_request *r, const struct mp_role_wish *wish,
                                   const struct store_connector *c, struct making *m, struct error *err)
{
    struct store *s = r->site->store;
    struct store_connector old = {0};
    struct known known = {.there = store_connector_get(s, r->arena, c->id, &old, NULL) == OK};
    known.not_after = old.not_after;
    known.withdrawn = old.withdrawn;
    enum result result = check_known(r, &known, "connector", c->id, wish, err);
    if (result == OK)
        result = known.there ? store_connector_await(s, c, wish->withdraw, err) : store_connector_add(s, c, err);
    return result == OK ? make_string(r, m, err) : result;
}

enum result mp_role_join_connector(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_connector c = {0};
    struct mp_role_wish wish = {0};
    struct making m = {.kind = JOIN_CONNECTOR, .content = json_object()};
    enum result result = mp_role_join_valid(body, &m.valid_s, err);
    if (result == OK)
        result = mp_role_read_connector(r, body, &c, err);
    if (result == OK)
        result = mp_role_read_wish(body, &wish, err);
    if (result == OK)
        result = put_urls(r, m.content, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result == OK) {
        m.id = c.id;
        result = await_connector(r, &wish, &c, &m, err);
        result =
            mp_admin_commit(r, result, "connector.join", c.id, detail(&wish, c.pki_subject ? c.pki_subject : ""), err);
    }
    if (result == OK)
        result = store_connector_get(r->site->store, r->arena, c.id, &c, err);
    if (result == OK)
        answer(&m, mp_role_connector_json(&c), ret);
    making_done(&m);
    return result;
}
