/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP/2: field lines as they arrive become http_fields in the stream's arena, and heads of ours become
 * nghttp2's name-value lists. nghttp2 has checked names, values, pseudo-fields and their order (RFC 9113 8.2, 8.3);
 * maxima, Host and cookie crumbs are ours.
 */
#include "http/h2/internal.h"
#include "http/names.h"
#include "http/websocket.h"

/* RFC 9113 6.5.2: what a field line counts in SETTINGS_MAX_HEADER_LIST_SIZE beside its bytes. */
enum { LINE_COST = 32 };

void h2_head_begin(struct h2_head *head, struct arena *a)
{
    *head = (struct h2_head){.arena = a, .content_length = -1};
}

void h2_head_refuse(struct h2_head *head, int status, const char *why)
{
    if (head->refuse)
        return;
    head->refuse = status;
    head->why = why;
}

static struct slice take(struct h2_head *head, nghttp2_rcbuf *b)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(b);
    struct slice s = slice_make(v.base, v.len);
    if (nghttp2_rcbuf_is_static(b) || s.len == 0)
        return s.len ? s : SLICE("");
    s = arena_dup(head->arena, s);
    if (!s.ptr) {
        h2_head_refuse(head, 431, "the header fields are too long");
        return SLICE("");
    }
    return s;
}

/* --- what needs more than to be stored --- */

static void take_path(struct h2_head *head, nghttp2_rcbuf *value)
{
    if (nghttp2_rcbuf_get_buf(value).len > HTTP_TARGET_MAX)
        h2_head_refuse(head, 414, "the request target is too long");
    else
        head->path = take(head, value);
}

static void take_status(struct h2_head *head, nghttp2_rcbuf *value)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
    uint64_t n = 0;
    if (slice_to_u64(slice_make(v.base, v.len), &n) && n >= 100 && n <= 599)
        head->status = (int)n;
    else
        h2_head_refuse(head, 400, "the status is not one of HTTP");
}

static void take_method(struct h2_head *head, nghttp2_rcbuf *value)
{
    head->method = take(head, value);
}

static void take_scheme(struct h2_head *head, nghttp2_rcbuf *value)
{
    head->scheme = take(head, value);
}

static void take_authority(struct h2_head *head, nghttp2_rcbuf *value)
{
    head->authority = take(head, value);
}

static void take_protocol(struct h2_head *head, nghttp2_rcbuf *value)
{
    head->protocol = take(head, value);
}

static void take_host(struct h2_head *head, nghttp2_rcbuf *value)
{
    head->host = take(head, value);
}

static bool is_trailers(struct slice te)
{
    return slice_eq_nocase(te, SLICE("trailers"));
}

/* RFC 9113 8.2.2: the one value that HTTP/2 has; servers of gRPC want to see it. */
static void take_te(struct h2_head *head, nghttp2_rcbuf *value)
{
    nghttp2_vec v = nghttp2_rcbuf_get_buf(value);
    head->te_trailers |= is_trailers(slice_make(v.base, v.len));
}

static const struct {
    struct slice name;
    void (*take)(struct h2_head *head, nghttp2_rcbuf *value);
} special[] = {
    {{":method", 7}, take_method}, {{":scheme", 7}, take_scheme}, {{":authority", 10}, take_authority},
    {{":path", 5}, take_path},     {{":status", 7}, take_status}, {{":protocol", 9}, take_protocol},
    {{"host", 4}, take_host},      {{"te", 2}, take_te},
};
static _Thread_local struct http_names special_names = HTTP_NAMES(special);

/* What an ordinary field means for the head as a whole. */
static void note(struct h2_head *head, struct slice name, struct slice value)
{
    uint64_t n;
    if (slice_eq(name, SLICE("content-length"))) {
        if (slice_to_u64(value, &n) && n <= INT64_MAX)
            head->content_length = (int64_t)n;
        else
            h2_head_refuse(head, 400, "Content-Length is not a number");
    } else if (slice_eq(name, SLICE("expect"))) {
        head->expect_continue |= slice_eq_nocase(value, SLICE("100-continue"));
    } else if (slice_eq(name, SLICE("cookie"))) {
        head->cookies++;
    }
}

void h2_head_add(struct h2_head *head, nghttp2_rcbuf *name, nghttp2_rcbuf *value)
{
    nghttp2_vec n = nghttp2_rcbuf_get_buf(name);
    head->bytes += n.len + nghttp2_rcbuf_get_buf(value).len + LINE_COST;
    head->lines++;
    if (head->bytes > HTTP_HEAD_MAX)
        h2_head_refuse(head, 431, "the header fields are too long");
    if (head->lines > HTTP_FIELDS_MAX + 5) /* the pseudo-fields */
        h2_head_refuse(head, 431, "there are too many header fields");
    if (head->refuse)
        return;
    struct slice known = slice_make(n.base, n.len);
    size_t at = http_names_find(&special_names, known);
    if (at < ARRAY_LEN(special)) {
        special[at].take(head, value);
        return;
    }
    struct slice its_name = take(head, name), its_value = take(head, value);
    if (head->refuse)
        return;
    note(head, its_name, its_value);
    if (http_fields_add(&head->fields, head->arena, its_name, its_value) != OK)
        h2_head_refuse(head, 431, "there are too many header fields");
}

/* RFC 9113 8.2.3: crumbs are one field for everybody who is not HTTP/2. It stands where the first one stood. Empty ones
 * are left out: a value may not end with the blank that would stand before them (8.2.1). */
static void join_cookies(struct h2_head *head)
{
    struct http_fields *f = &head->fields;
    size_t len = 0, first = SIZE_MAX, kept = 0;
    for (size_t i = 0; i < f->count; i++)
        if (slice_eq(f->list[i].name, SLICE("cookie")))
            len += f->list[i].value.len + 2;
    char *text = arena_alloc(head->arena, len);
    if (!text) {
        h2_head_refuse(head, 431, "the header fields are too long");
        return;
    }
    size_t at = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct http_field field = f->list[i];
        if (!slice_eq(field.name, SLICE("cookie"))) {
            f->list[kept++] = field;
            continue;
        }
        if (first == SIZE_MAX) {
            first = kept;
            f->list[kept++] = field;
        }
        if (!field.value.len)
            continue;
        if (at) {
            memcpy(text + at, "; ", 2);
            at += 2;
        }
        memcpy(text + at, field.value.ptr, field.value.len);
        at += field.value.len;
    }
    f->count = kept;
    f->list[first].value = slice_make(text, at);
}

static bool target_clean(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || (unsigned char)s.ptr[i] >= 0x7f || s.ptr[i] == '#')
            return false; /* a fragment is no part of a request (RFC 9113 8.3.1) */
    return true;
}

static void judge_request(struct h2_head *head)
{
    bool connect = slice_eq(head->method, SLICE("CONNECT")),
         websocket = slice_eq(head->protocol, SLICE(HTTP_WEBSOCKET));
    if ((connect || head->protocol.len) && !(connect && websocket))
        h2_head_refuse(head, 501, "CONNECT is implemented for WebSocket only");
    if (head->method.len > HTTP_METHOD_MAX)
        h2_head_refuse(head, 400, "the method is too long");
    if (!target_clean(head->path))
        h2_head_refuse(head, 400, "the request target holds characters that are not allowed");
    struct slice authority = head->authority.ptr ? head->authority : head->host;
    head->malformed |= head->host.ptr && slice_find(head->host, '@') != SIZE_MAX;
    if (authority.ptr && !http_is_authority(authority)) {
        head->malformed |= slice_find(authority, '@') != SIZE_MAX;
        h2_head_refuse(head, 400, "the authority is not a host");
    }
    if (head->scheme.ptr && !slice_eq_nocase(head->scheme, SLICE("https")) &&
        !slice_eq_nocase(head->scheme, SLICE("http")))
        h2_head_refuse(head, 400, "the scheme is not one of HTTP");
    if (head->host.ptr && head->authority.ptr && !slice_eq_nocase(head->host, head->authority))
        h2_head_refuse(head, 400, "Host and :authority disagree");
}

void h2_head_request(struct h2_head *head, struct http_request *ret, bool end)
{
    if (head->cookies > 1 && !head->refuse)
        join_cookies(head);
    judge_request(head);
    if (head->te_trailers && http_fields_add(&head->fields, head->arena, SLICE("te"), SLICE("trailers")) != OK)
        h2_head_refuse(head, 431, "there are too many header fields");
    *ret = (struct http_request){
        .version = HTTP_2,
        .method = head->method,
        .scheme = head->scheme,
        .authority = head->authority.ptr ? head->authority
                     : head->host.ptr    ? head->host
                                         : SLICE(""),
        .target = head->path,
        .protocol = SLICE(""),
        .fields = head->fields,
        .content_length = head->content_length,
        .has_body = !end,
        .expect_continue = head->expect_continue,
    };
    if (!head->protocol.len)
        return;
    ret->method = SLICE("GET");
    ret->protocol = head->protocol;
    ret->content_length = -1;
    if (end)
        h2_head_refuse(head, 400, "a WebSocket that ends with its request");
}

void h2_head_response(struct h2_head *head, struct http_response *ret, bool end)
{
    *ret = (struct http_response){
        .status = head->status,
        .reason = SLICE(""),
        .fields = head->fields,
        .content_length = head->content_length,
        .ends = end,
    };
}

/* --- ours, to send --- */

static void nv_begin(struct h2_nv *nv, const struct http_h2 *h)
{
    nv->count = 0;
    nv->table = h->o.header_table;
}

/* What a large table is for. nghttp2 finds a value by looking at every value of its name, so names stay out whose
 * values differ by request or by device; but for the one that says who the device is (tunnel/device.h), where it holds
 * a certificate: that is long enough to pay, and the table is full with some fifty of them. */
enum { DEVICE_LEAST = 512 };
static const struct slice kept_in_large[] = {
    {":authority", 10},
    {":method", 7},
    {":scheme", 7},
    {":status", 7},
    {"user-agent", 10},
    {"accept", 6},
    {"accept-encoding", 15},
    {"accept-language", 15},
    {"content-type", 12},
    {"server", 6},
    {"date", 4},
    {"cache-control", 13},
    {"vary", 4},
    {"cmg-host", 8},
};
static _Thread_local struct http_names large_names = HTTP_NAMES(kept_in_large);

static uint8_t indexing(const struct h2_nv *nv, struct slice name, struct slice value)
{
    if (value.len >= nv->table / 8) /* it would empty the table of what does repeat */
        return NGHTTP2_NV_FLAG_NO_INDEX;
    if (nv->table <= H2_HEADER_TABLE || (value.len >= DEVICE_LEAST && slice_eq(name, SLICE("cmg-device"))))
        return NGHTTP2_NV_FLAG_NONE;
    return http_names_find(&large_names, name) < ARRAY_LEN(kept_in_large) ? NGHTTP2_NV_FLAG_NONE
                                                                          : NGHTTP2_NV_FLAG_NO_INDEX;
}

static bool nv_add(struct h2_nv *nv, struct slice name, struct slice value)
{
    if (nv->count == H2_NV_MAX)
        return false;
    nv->list[nv->count++] = (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.ptr,
        .namelen = name.len,
        .value = (uint8_t *)(uintptr_t)(value.ptr ? value.ptr : ""),
        .valuelen = value.len,
        .flags = indexing(nv, name, value),
    };
    return true;
}

/* RFC 9113 8.2.2: these belong to a connection of HTTP/1; Host is :authority. */
static const struct slice not_ours[] = {
    {"connection", 10},        {"keep-alive", 10}, {"proxy-connection", 16},
    {"transfer-encoding", 17}, {"upgrade", 7},     {"host", 4},
};
static _Thread_local struct http_names not_our_names = HTTP_NAMES(not_ours);

static bool is_not_ours(struct slice name, struct slice value)
{
    if (slice_eq(name, SLICE("te")))
        return !is_trailers(value);
    return http_names_find(&not_our_names, name) < ARRAY_LEN(not_ours);
}

static struct slice decimal(struct h2_nv *nv, uint64_t n)
{
    size_t at = sizeof nv->length;
    do
        nv->length[--at] = (char)('0' + n % 10);
    while (n /= 10);
    return slice_make(nv->length + at, sizeof nv->length - at);
}

/* The fields in their order; Content-Length says what `length` says, in its own place when it has one. */
static bool nv_add_fields(struct h2_nv *nv, const struct http_fields *f, int64_t length)
{
    struct slice text = length >= 0 ? decimal(nv, (uint64_t)length) : SLICE_NONE;
    for (size_t i = 0; i < f->count; i++) {
        struct slice name = f->list[i].name, value = f->list[i].value;
        if (is_not_ours(name, value))
            continue;
        if (slice_eq(name, SLICE("content-length"))) {
            if (!text.ptr)
                continue;
            value = text;
            text = SLICE_NONE;
        }
        if (!nv_add(nv, name, value))
            return false;
    }
    return !text.ptr || nv_add(nv, SLICE("content-length"), text);
}

/* RFC 8441 4 */
static bool nv_add_method(struct h2_nv *nv, const struct http_request *r)
{
    if (!r->protocol.len)
        return nv_add(nv, SLICE(":method"), r->method);
    return nv_add(nv, SLICE(":method"), SLICE("CONNECT")) && nv_add(nv, SLICE(":protocol"), r->protocol);
}

bool h2_nv_request(struct h2_nv *nv, const struct http_h2 *h, const struct http_request *r)
{
    nv_begin(nv, h);
    return nv_add_method(nv, r) && nv_add(nv, SLICE(":scheme"), SLICE("https")) &&
           nv_add(nv, SLICE(":authority"), r->authority) && nv_add(nv, SLICE(":path"), r->target) &&
           nv_add_fields(nv, &r->fields, r->content_length);
}

bool h2_nv_response(struct h2_nv *nv, const struct http_h2 *h, const struct http_response *r)
{
    nv_begin(nv, h);
    int status = r->status == 101 ? 200 : r->status; /* RFC 8441 5 */
    for (int i = 0, rest = status; i < 3; i++, rest /= 10)
        nv->status[2 - i] = (char)('0' + rest % 10);
    return nv_add(nv, SLICE(":status"), slice_make(nv->status, 3)) && nv_add_fields(nv, &r->fields, r->content_length);
}

bool h2_nv_fields(struct h2_nv *nv, const struct http_h2 *h, const struct http_fields *f)
{
    nv_begin(nv, h);
    return nv_add_fields(nv, f, -1);
}
