/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/identity.h"

#include "base/encode.h"
#include "base/rand.h"

/* Names and beginnings of names by which servers of the field learn who a client is: all of them, on every endpoint,
 * since an upstream may believe any of them. */
static const char *const forbidden_prefixes[] = {
    "cmg-",         "client-cert", "x-client-",        "x-ssl-",      "ssl-",
    "x-forwarded-", "x-arr-",      "x-remote-",        "remote-",     "x-amzn-mtls-",
    "x-tls-",       "x-auth-",     "x-authenticated-", "x-original-", "x-ms-client-principal",
};
static const char *const forbidden_names[] = {
    "forwarded", "x-real-ip",           "x-cluster-client-ip", "true-client-ip", "traceparent", "tracestate",
    "proxy",     "proxy-authorization", "x-clientcert",        "x-user",         "x-username",
};

/* The device's own, not assertions: the signed target goes inside. */
static const char *const exempt_names[] = {"cmg-target"};

static bool same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = a[i] == '_' ? '-' : a[i];
        if (c != b[i])
            return false;
    }
    return true;
}

static bool in_list(struct slice name, const char *const *list, size_t count, bool whole)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(list[i]);
        if ((whole ? name.len == n : name.len >= n) && same(name.ptr, list[i], n))
            return true;
    }
    return false;
}

bool identity_header_forbidden(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(exempt_names); i++) {
        if (slice_eq(name, slice_of(exempt_names[i])))
            return false;
    }
    return in_list(name, forbidden_prefixes, ARRAY_LEN(forbidden_prefixes), false) ||
           in_list(name, forbidden_names, ARRAY_LEN(forbidden_names), true);
}

static bool drop_name(void *arg, struct slice name)
{
    const struct identity_request *r = arg;
    if (identity_header_forbidden(name))
        return true;
    /* On path routes Authorization is the gateway's: only management points, which judge it again, get to see it. */
    return !r->by_host && !r->endpoint->management_point && slice_eq(name, SLICE("authorization"));
}

struct writer {
    struct http_fields *fields;
    struct arena *arena;
    bool full;
};

static void add(struct writer *w, struct slice name, struct slice value)
{
    if (!value.ptr || http_fields_add(w->fields, w->arena, name, value) != OK)
        w->full = true;
}

static void add_forwarded(struct writer *w, const struct identity_request *r)
{
    bool v6 = strchr(r->peer, ':') != NULL;
    add(w, SLICE("forwarded"), arena_printf(w->arena, v6 ? "for=\"[%s]\";proto=https" : "for=%s;proto=https", r->peer));
}

/* W3C Trace Context: version 00, ids of our own, sampled. A client's own trace is not believed. */
static void add_traceparent(struct writer *w)
{
    unsigned char ids[24];
    char hex[HEX_SIZE(sizeof ids)];
    rand_bytes(ids, sizeof ids);
    (void)encode_hex(slice_make(ids, sizeof ids), hex);
    add(w, SLICE("traceparent"), arena_printf(w->arena, "00-%.32s-%.16s-01", hex, hex + 32));
}

enum result identity_apply(const struct identity_request *r, struct http_fields *fields, struct arena *arena,
                           struct error *err)
{
    (void)http_fields_remove_if(fields, drop_name, (void *)(uintptr_t)r);
    struct writer w = {fields, arena, false};
    add(&w, SLICE("cmg-auth-method"), slice_of(choices_client_name(r->who->method)));
    add(&w, SLICE("cmg-client-id"), arena_dup(arena, slice_of(r->who->client_id)));
    add(&w, SLICE("cmg-request-id"), arena_dup(arena, slice_of(r->request_id)));
    if (r->who->method == CHOICE_PKI && r->who->certificate_b64)
        add(&w, SLICE("client-cert"), arena_printf(arena, ":%s:", r->who->certificate_b64));
    add_forwarded(&w, r);
    add_traceparent(&w);
    return w.full ? error_set(err, R_LIMIT, "the request's head is too long once its sender is named in it") : OK;
}
