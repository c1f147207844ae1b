/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/identity.h"

#include "tunnel/device.h"

/* Names and beginnings of names by which servers of the field learn who a client is: all of them, on every endpoint,
 * since an upstream may believe any of them. */
#define NAME(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }
static const struct slice forbidden_prefixes[] = {
    NAME("cmg-"),
    NAME("client-cert"),
    NAME("x-client-"),
    NAME("x-ssl-"),
    NAME("ssl-"),
    NAME("x-forwarded-"),
    NAME("x-arr-"),
    NAME("x-remote-"),
    NAME("remote-"),
    NAME("x-amzn-mtls-"),
    NAME("x-tls-"),
    NAME("x-auth-"),
    NAME("x-authenticated-"),
    NAME("x-original-"),
    NAME("x-ms-client-principal"),
};
static const struct slice forbidden_names[] = {
    NAME("forwarded"),
    NAME("x-real-ip"),
    NAME("x-cluster-client-ip"),
    NAME("true-client-ip"),
    NAME("traceparent"),
    NAME("tracestate"),
    NAME("proxy"),
    NAME("proxy-authorization"),
    NAME("x-clientcert"),
    NAME("x-user"),
    NAME("x-username"),
    /* Spelled otherwise ("content_length"), they would stand for the real ones in a CGI server's environment. */
    NAME("content-length"),
    NAME("transfer-encoding"),
};

/* The device's own, not assertions: the signed target goes inside. Framing is the HTTP layer's. */
static const struct slice exempt_names[] = {NAME("cmg-target"), NAME("content-length")};
#undef NAME

static bool same(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool alnum = (a[i] >= 'a' && a[i] <= 'z') || (a[i] >= '0' && a[i] <= '9');
        if ((alnum ? a[i] : '-') != b[i]) /* CGI servers make '_' of whatever else stands in a name, not of '-' alone */
            return false;
    }
    return true;
}

static bool in_list(struct slice name, const struct slice *list, size_t count, bool whole)
{
    for (size_t i = 0; i < count; i++) {
        size_t n = list[i].len;
        if ((whole ? name.len == n : name.len >= n) && same(name.ptr, list[i].ptr, n))
            return true;
    }
    return false;
}

bool identity_header_forbidden(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(exempt_names); i++) {
        if (slice_eq(name, exempt_names[i]))
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
    /* On path routes Authorization is the gateway's: only management points, which judge it again, get to see it, ours
     * and those of the site that issued it. */
    return !r->by_host && !r->endpoint->management_point && !r->who->foreign && slice_eq(name, SLICE("authorization"));
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

enum result identity_apply(const struct identity_request *r, struct http_fields *fields, struct arena *arena,
                           struct error *err)
{
    (void)http_fields_remove_if(fields, drop_name, (void *)(uintptr_t)r);
    struct writer w = {fields, arena, false};
    const struct tunnel_device device = {slice_of(r->who->client_id), slice_of(choices_client_name(r->who->method)),
                                         slice_of(r->peer),
                                         r->who->method == CHOICE_PKI ? r->who->certificate : SLICE_NONE};
    add(&w, SLICE(TUNNEL_DEVICE_FIELD), tunnel_device_write(&device, arena));
    add(&w, SLICE("cmg-request-id"), arena_dup(arena, slice_of(r->request_id)));
    return w.full ? error_set(err, R_LIMIT, "the request's head is too long once its sender is named in it") : OK;
}
