/* SPDX-License-Identifier: Apache-2.0 */
/* One reservation a head, then copies: see h1/write.h. */
#include "http/h1/write.h"

#include "base/clock.h"
#include "http/h1/parser.h"
#include "http/websocket.h"

/* Status line or the like, Host, Date, framing, Connection: an upper bound of all but texts that are counted. */
enum { FIXED_MAX = 256 };

static char *put(char *at, struct slice s)
{
    if (s.len)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static char *put_number(char *at, uint64_t n)
{
    char digits[20];
    size_t i = sizeof digits;
    do
        digits[--i] = (char)('0' + n % 10);
    while (n /= 10);
    return put(at, slice_make(digits + i, sizeof digits - i));
}

static size_t fields_size(const struct http_fields *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += f->list[i].name.len + f->list[i].value.len + 4;
    return n;
}

/* Response splitting and request smuggling end here even when a value came from elsewhere than a parser. */
static bool sendable(const struct http_field *f)
{
    return !http_h1_is_framing(f->name) && http_is_token(f->name) && http_is_field_value(f->value);
}

static char *put_fields(char *at, const struct http_fields *f, bool *ret_dated)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct http_field *field = &f->list[i];
        if (!sendable(field))
            continue;
        *ret_dated |= slice_eq(field->name, SLICE("date"));
        at = put(at, field->name);
        at = put(at, SLICE(": "));
        at = put(at, field->value);
        at = put(at, SLICE("\r\n"));
    }
    return at;
}

/* "Date: …\r\n", made once a second and thread. */
static struct slice date_line(void)
{
    static _Thread_local struct {
        int64_t second;
        size_t len;
        char text[CLOCK_TEXT_SIZE + 8];
    } made;
    int64_t now = clock_wall_s();
    if (now != made.second || !made.len) {
        char date[CLOCK_TEXT_SIZE];
        clock_http_date(now, date);
        char *at = put(made.text, SLICE("date: "));
        at = put(at, slice_of(date));
        at = put(at, SLICE("\r\n"));
        made.len = (size_t)(at - made.text);
        made.second = now;
    }
    return slice_make(made.text, made.len);
}

static char *put_frame(char *at, const struct http_h1_frame *frame)
{
    if (frame->chunked) {
        at = put(at, SLICE("transfer-encoding: chunked\r\n"));
    } else if (frame->length >= 0) {
        at = put(at, SLICE("content-length: "));
        at = put_number(at, (uint64_t)frame->length);
        at = put(at, SLICE("\r\n"));
    }
    if (frame->websocket.name.ptr) {
        at = put(at, SLICE("connection: upgrade\r\nupgrade: " HTTP_WEBSOCKET "\r\n"));
        at = put(at, frame->websocket.name);
        at = put(at, SLICE(": "));
        at = put(at, frame->websocket.value);
        at = put(at, SLICE("\r\n"));
    }
    if (frame->close)
        at = put(at, SLICE("connection: close\r\n"));
    else if (frame->keep_alive)
        at = put(at, SLICE("connection: keep-alive\r\n"));
    return put(at, SLICE("\r\n"));
}

enum result http_h1_write_answer(struct buf *out, const struct http_response *head, const struct http_h1_frame *frame)
{
    struct slice reason = head->reason;
    if (!reason.len || !http_is_field_value(reason))
        reason = slice_of(http_reason(head->status));
    char *begin = buf_reserve(out, FIXED_MAX + reason.len + fields_size(&head->fields)), *at = begin;
    if (!at)
        return R_LIMIT;
    bool dated = head->status < 200;
    at = put(at, SLICE("HTTP/1.1 "));
    at = put_number(at, (uint64_t)head->status);
    at = put(at, SLICE(" "));
    at = put(at, reason);
    at = put(at, SLICE("\r\n"));
    at = put_fields(at, &head->fields, &dated);
    if (!dated)
        at = put(at, date_line());
    at = put_frame(at, frame);
    buf_commit(out, (size_t)(at - begin));
    return OK;
}

enum result http_h1_write_request(struct buf *out, const struct http_request *head, const struct http_h1_frame *frame)
{
    size_t texts = head->method.len + head->target.len + head->authority.len;
    char *begin = buf_reserve(out, FIXED_MAX + texts + fields_size(&head->fields)), *at = begin;
    if (!at)
        return R_LIMIT;
    bool dated = false;
    at = put(at, head->method);
    at = put(at, SLICE(" "));
    at = put(at, head->target);
    at = put(at, SLICE(" HTTP/1.1\r\nhost: "));
    at = put(at, head->authority);
    at = put(at, SLICE("\r\n"));
    at = put_fields(at, &head->fields, &dated);
    at = put_frame(at, frame);
    buf_commit(out, (size_t)(at - begin));
    return OK;
}

size_t http_h1_chunk_head(char ret[HTTP_H1_CHUNK_HEAD], size_t n)
{
    static const char hex[] = "0123456789abcdef";
    char digits[16];
    size_t i = sizeof digits;
    do
        digits[--i] = hex[n % 16];
    while (n /= 16);
    char *at = put(ret, slice_make(digits + i, sizeof digits - i));
    return (size_t)(put(at, SLICE("\r\n")) - ret);
}
