/* SPDX-License-Identifier: Apache-2.0 */
/* A pool with what is known of its server: who may be connected to, who it must prove to be, how it did last.
 * Counted, as requests under way outlive the document. In the loop's thread. */
#include "connector/request/upstream.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

/* Of all gateways, each of which has its part: whom one names it may have made up. */
enum { PARTS_MAX = 64, CONNECTIONS_LEAST = 32 };
enum { CONNECTIONS_MAX = 256, WEBSOCKETS_MAX = 4096, WAITING_MAX = 32768, CONNECT_MS = 10 * 1000, IDLE_MS = 60 * 1000 };

/* Who a management point must be, when its role certificate says it. */
struct mp_judge {
    struct pki_role_judge *role;
    char id[PKI_ROLE_ID_MAX]; /* "": any of the site */
};

struct part {
    char gateway[PKI_ROLE_ID_MAX]; /* "": nobody's yet, or everybody's */
    struct http_pool *pool;
};

struct upstream {
    unsigned refs;
    char id[65];
    char authority[300];
    bool tls, websocket, keep_host;
    struct identity_form form;
    struct mp_judge judge;
    struct tls_context *context;
    struct loop *loop;
    struct http_pool_options each; /* of the pools */
    struct part parts[PARTS_MAX];
    size_t part_count;
    struct upstream_fault fault;
};

/* --- which targets are allowed --- */

static bool allows_kind(const struct connector_config *c, const char *kind)
{
    for (size_t i = 0; i < c->allow_targets.count; i++) {
        if (strcmp(c->allow_targets.items[i], kind) == 0)
            return true;
    }
    return false;
}

static const char *special_kind(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(host, "localhost") == 0)
        return net_scope_name(NET_SCOPE_LOOPBACK);
    if (inet_pton(AF_INET, host, &v4) == 1) {
        uint32_t a = ntohl(v4.s_addr);
        return a >> 24 == 127 || a == 0 ? "loopback" : a >> 16 == 0xa9fe ? "link-local" : NULL;
    }
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return NULL;
    if (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_UNSPECIFIED(&v6) || IN6_IS_ADDR_V4MAPPED(&v6))
        return "loopback";
    return IN6_IS_ADDR_LINKLOCAL(&v6) ? "link-local" : NULL;
}

/* What the name resolves to counts, however it is spelled. A management point proves by its certificate who it is, and
 * may well be on this machine under its own name. */
bool upstream_may_connect(const void *arg, const struct net_address *to)
{
    enum net_scope scope = net_address_scope(to);
    return scope == NET_SCOPE_OTHER || allows_kind(arg, net_scope_name(scope));
}

static enum result check_target(const struct upstream_options *o, struct error *err)
{
    const char *kind = special_kind(o->host);
    if (!kind || o->any_target || allows_kind(o->config, kind))
        return OK;
    return error_set(err, R_DENIED,
                     "endpoint %s points to a %s address, which this connector does not allow; if that is meant, add "
                     "allow_targets: [%s] to its configuration",
                     o->id, kind, kind);
}

/* --- TLS --- */

static enum result judge_mp(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    const struct mp_judge *j = arg;
    char id[PKI_ROLE_ID_MAX];
    enum result r = pki_role_check(j->role, leaf, chain, clock_wall_s(), id, err);
    if (r == OK && j->id[0] && strcmp(id, j->id) != 0)
        r = error_set(err, R_DENIED, "the server is management point %s, expected %s", id, j->id);
    return r;
}

static enum result make_context(struct upstream *u, const struct upstream_options *o, struct error *err)
{
    const struct connector_config *c = o->config;
    struct tls_client_options tls = {.alpn = "h2,http/1.1"};
    bool show_pki = o->show_pki_certificate && c->identity.certificate;
    if (show_pki)
        tls.identity = tls_identity_of(&c->identity);
    else if (o->show_role_certificate)
        tls.identity = (struct tls_identity){slice_of(o->role->certificate_pem), slice_of(o->role->key_pem)};
    if (o->mp_id || o->any_mp) {
        enum result r =
            pki_role_judge_new(slice_of(c->bootstrap.root_pem), c->bootstrap.site, "mp", &u->judge.role, err);
        if (r != OK)
            return r;
        (void)snprintf(u->judge.id, sizeof u->judge.id, "%s", o->mp_id ? o->mp_id : "");
        tls.verify = judge_mp;
        tls.verify_arg = &u->judge;
    } else if (o->anchors_pem) {
        tls.anchors_pem = slice_of(o->anchors_pem);
    }
    return tls_context_client(&tls, &u->context, err);
}

/* --- life --- */

static void set_authority(struct upstream *u, const struct upstream_options *o)
{
    bool v6 = strchr(o->host, ':') != NULL;
    if (o->authority && o->authority[0])
        (void)snprintf(u->authority, sizeof u->authority, "%s", o->authority);
    else if (o->port == (u->tls ? 443 : 80))
        (void)snprintf(u->authority, sizeof u->authority, v6 ? "[%s]" : "%s", o->host);
    else
        (void)snprintf(u->authority, sizeof u->authority, v6 ? "[%s]:%u" : "%s:%u", o->host, (unsigned)o->port);
}

static struct part *add_part(struct upstream *u)
{
    struct part *p = &u->parts[u->part_count++];
    p->pool = http_pool_new(u->loop, &u->each);
    return p;
}

static struct part *part_of(struct upstream *u, struct slice gateway)
{
    for (size_t i = 0; i < u->part_count; i++) {
        if (slice_eq(gateway, slice_of(u->parts[i].gateway)))
            return &u->parts[i];
    }
    bool is_new = u->parts[0].gateway[0] != '\0';
    if (is_new && u->part_count == PARTS_MAX)
        return &u->parts[0];
    struct part *p = is_new ? add_part(u) : &u->parts[0];
    (void)!slice_to_cstr(gateway, p->gateway, sizeof p->gateway);
    return p;
}

static void make_pool(struct upstream *u, struct loop *loop, const struct upstream_options *o)
{
    uint32_t parts = o->gateways > 1 ? (uint32_t)o->gateways : 1;
    uint32_t connections = CONNECTIONS_MAX / parts;
    struct http_pool_options pool = {.port = o->port,
                                     .tls = u->context,
                                     .max_connections =
                                         connections > CONNECTIONS_LEAST ? connections : CONNECTIONS_LEAST,
                                     .max_switched = WEBSOCKETS_MAX / parts,
                                     .max_waiting = WAITING_MAX / parts,
                                     .connect_ms = CONNECT_MS,
                                     .idle_ms = IDLE_MS,
                                     .answer_ms = o->answer_ms,
                                     .may = o->any_target || o->show_role_certificate ? NULL : upstream_may_connect,
                                     .may_arg = o->config};
    (void)snprintf(pool.host, sizeof pool.host, "%s", o->host);
    (void)snprintf(pool.base_path, sizeof pool.base_path, "%s", o->base_path);
    u->loop = loop;
    u->each = pool;
    (void)add_part(u);
}

enum result upstream_new(struct loop *loop, const struct upstream_options *o, struct upstream **ret, struct error *err)
{
    enum result r = check_target(o, err);
    if (r != OK)
        return r;
    struct upstream *u = mem_zalloc(sizeof *u);
    u->refs = 1;
    u->tls = strcmp(o->scheme, "https") == 0;
    u->websocket = o->websocket;
    u->keep_host = o->keep_host;
    u->form = o->form;
    (void)snprintf(u->id, sizeof u->id, "%s", o->id);
    set_authority(u, o);
    if (u->tls)
        r = make_context(u, o, err);
    if (r != OK) {
        upstream_unref(u);
        return error_prefix(err, "endpoint %s", o->id);
    }
    make_pool(u, loop, o);
    *ret = u;
    return OK;
}

struct upstream *upstream_ref(struct upstream *u)
{
    u->refs++;
    return u;
}

void upstream_unref(struct upstream *u)
{
    if (!u || --u->refs)
        return;
    for (size_t i = 0; i < u->part_count; i++)
        http_pool_free(u->parts[i].pool);
    tls_context_unref(u->context);
    pki_role_judge_free(u->judge.role);
    free(u);
}

const char *upstream_id(const struct upstream *u)
{
    return u->id;
}

bool upstream_takes_websocket(const struct upstream *u)
{
    return u->websocket;
}

const struct identity_form *upstream_form(const struct upstream *u)
{
    return &u->form;
}

const struct upstream_fault *upstream_fault(const struct upstream *u)
{
    return &u->fault;
}

bool upstream_note(struct upstream *u, const char *reason, const char *detail)
{
    bool same = u->fault.reason == reason && (!reason || strcmp(u->fault.detail, detail) == 0);
    u->fault.reason = reason;
    if (reason) {
        (void)snprintf(u->fault.detail, sizeof u->fault.detail, "%s", detail);
        u->fault.at = clock_wall_s();
    }
    return !same;
}

enum result upstream_call(struct upstream *u, const struct upstream_asker *by, const struct http_request *request,
                          const struct http_call_events *events, void *ctx, struct http_call **ret, struct error *err)
{
    struct http_request inside = *request;
    inside.scheme = u->tls ? SLICE("https") : SLICE("http");
    if (!u->keep_host || !request->authority.len)
        inside.authority = slice_of(u->authority);
    return http_pool_call(part_of(u, by->gateway)->pool, by->whom, &inside, events, ctx, ret, err);
}
