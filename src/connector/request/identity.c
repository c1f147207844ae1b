/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the fields that a server reads out of the one that the gateway sent (tunnel/device.h). Believes the gateway;
 * removes nothing but that field. Pure. */
#include "connector/request/identity.h"

#include "base/rand.h"
#include "base/text/encode.h"
#include "connector/request/certificate_form.h"
#include "net/address.h"
#include "tunnel/device.h"

struct writer {
    struct http_fields *fields;
    struct arena *arena;
    bool full;
};

static void add_field(struct writer *w, struct slice name, struct slice value)
{
    if (!value.ptr || http_fields_add(w->fields, w->arena, name, value) != OK)
        w->full = true;
}

/* RFC 7239. A host is quoted where it is more than a token: with a port, or an address of IPv6. */
static void add_forwarded(struct writer *w, struct slice peer, struct slice host)
{
    bool v6 = slice_find(peer, ':') != SIZE_MAX, quoted = !http_is_token(host);
    struct slice quote = quoted ? SLICE("\"") : SLICE("");
    const struct slice parts[] = {v6 ? SLICE("for=\"[") : SLICE("for="), peer,
                                  v6 ? SLICE("]\"") : SLICE(""),         host.len ? SLICE(";host=") : SLICE(""),
                                  host.len ? quote : SLICE(""),          host,
                                  host.len ? quote : SLICE(""),          SLICE(";proto=https")};
    add_field(w, SLICE("forwarded"), arena_join(w->arena, parts, ARRAY_LEN(parts)));
}

/* What older software reads instead. */
static void add_x_forwarded(struct writer *w, struct slice peer, struct slice host)
{
    add_field(w, SLICE("x-forwarded-for"), peer);
    add_field(w, SLICE("x-forwarded-proto"), SLICE("https"));
    if (host.len)
        add_field(w, SLICE("x-forwarded-host"), host);
}

/* W3C Trace Context: version 00, sampled. The trace's id is the request's, so that one finds the other; the span is the
 * connector's own. A client's own trace is not believed. */
static void add_traceparent(struct writer *w)
{
    unsigned char bytes[24];
    char trace[HEX_SIZE(16)], span[HEX_SIZE(8)];
    rand_id_bytes(bytes, sizeof bytes);
    (void)encode_hex(slice_make(bytes, 8), span);
    if (!guid_digits(http_fields_get(w->fields, SLICE("cmg-request-id")), trace))
        (void)encode_hex(slice_make(bytes + 8, 16), trace);
    const struct slice parts[] = {SLICE("00-"), slice_make(trace, GUID_DIGITS), SLICE("-"), slice_make(span, 16),
                                  SLICE("-01")};
    add_field(w, SLICE("traceparent"), arena_join(w->arena, parts, ARRAY_LEN(parts)));
}

/* CMG-Host, taken out of the fields; "": there is none. */
static struct slice take_host(struct http_fields *fields)
{
    struct slice host = http_fields_take(fields, SLICE(TUNNEL_HOST_FIELD));
    return host.ptr && http_is_authority(host) ? host : SLICE("");
}

static enum result add_certificate(struct writer *w, const struct identity_form *form, const struct tunnel_device *d)
{
    if (!d->certificate.ptr)
        return OK;
    add_field(w, SLICE("client-cert"), d->certificate);
    return certificate_form_add(form->headers, d->certificate, w->fields, w->arena);
}

static struct slice whose_shares(const struct tunnel_device *d, struct arena *arena)
{
    char peer[NET_ADDRESS_TEXT];
    if (!slice_starts(d->client_id, SLICE(TUNNEL_BULK_ID)) || !slice_to_cstr(d->peer, peer, sizeof peer))
        return d->client_id;
    return arena_printf(arena, "%" PRIslice " %s", SLICE_ARG(d->client_id), net_group_of(peer).text);
}

enum result identity_unfold(const struct identity_form *form, struct http_request *request, struct arena *arena,
                            struct slice *ret_whom)
{
    struct tunnel_device d;
    struct http_fields *fields = &request->fields;
    struct slice text = http_fields_take(fields, SLICE(TUNNEL_DEVICE_FIELD));
    enum result r = text.ptr ? tunnel_device_read(text, arena, &d) : R_INVALID;
    if (r != OK)
        return r;
    struct writer w = {fields, arena, false};
    *ret_whom = whose_shares(&d, arena);
    request->authority = take_host(fields);
    add_field(&w, SLICE("cmg-auth-method"), d.method);
    add_field(&w, SLICE("cmg-client-id"), d.client_id);
    r = add_certificate(&w, form, &d);
    add_forwarded(&w, d.peer, request->authority);
    if (form->x_forwarded)
        add_x_forwarded(&w, d.peer, request->authority);
    add_traceparent(&w);
    return w.full || !ret_whom->ptr ? R_LIMIT : r;
}
