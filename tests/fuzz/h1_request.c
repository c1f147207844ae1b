/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 requests: the same story however they are cut, and what we send on means what we understood. */
#include "h1_story.h"
#include "http/h1/write.h"

static void same_fields(const struct http_fields *a, const struct http_fields *b)
{
    MUST(a->count == b->count);
    for (size_t i = 0; i < a->count; i++)
        MUST(slice_eq(a->list[i].name, b->list[i].name) && slice_eq(a->list[i].value, b->list[i].value));
}

static void same_request(const struct http_request *a, const struct http_request *b)
{
    MUST(slice_eq(a->method, b->method) && slice_eq(a->target, b->target) && slice_eq(a->authority, b->authority));
    MUST(a->has_body == b->has_body && b->version == HTTP_1_1);
    same_fields(&a->fields, &b->fields);
}

/* Written for the next server and read by ourselves, it is the same request, to its last byte. */
static void check_sent_on(struct http_h1_parser *p)
{
    const struct http_request *r = &p->request;
    MUST(r->target.len && (r->target.ptr[0] == '/' || slice_eq(r->target, SLICE("*"))));
    MUST(r->fields.count <= HTTP_FIELDS_MAX && http_is_token(r->method));
    if (!r->authority.len || r->fields.count > HTTP_FIELDS_MAX - 4 || r->protocol.len)
        return;
    struct buf out;
    struct http_h1_parser again;
    const struct http_h1_frame frame = {.chunked = p->framing == HTTP_H1_CHUNKED, .length = r->content_length};
    buf_init(&out, 4 * HTTP_HEAD_MAX);
    MUST(http_h1_write_request(&out, r, &frame) == OK);
    if (buf_len(&out) <= HTTP_HEAD_MAX) {
        struct slice in = buf_data(&out), data;
        http_h1_parser_init(&again, false);
        MUST(http_h1_parse(&again, &in, &data) == HTTP_H1_HEAD && in.len == 0);
        MUST(again.framing == p->framing && again.keep_alive);
        same_request(r, &again.request);
        http_h1_parser_free(&again);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    size_t piece = fuzz_choice(&in);
    struct h1_story whole = {.on_head = check_sent_on}, cut = {0};
    h1_story(&whole, in, 0);
    h1_story(&cut, in, piece % 16 + 1);
    MUST(slice_eq(buf_data(&whole.text), buf_data(&cut.text)));
    buf_free(&whole.text);
    buf_free(&cut.text);
    return 0;
}
