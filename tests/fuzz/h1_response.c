/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 answers: the same story however they are cut, and never a status or length that is none. */
#include "h1_story.h"
#include "http/h1/write.h"

static void check_head(struct http_h1_parser *p)
{
    const struct http_response *r = &p->response;
    MUST(r->status >= 100 && r->status <= 599 && r->content_length >= -1);
    MUST(http_is_field_value(r->reason));
    struct buf out;
    struct http_h1_parser again;
    bool none = p->framing == HTTP_H1_NO_BODY;
    const struct http_h1_frame frame = {.chunked = p->framing == HTTP_H1_CHUNKED,
                                        .length = none ? 0 : r->content_length};
    if (r->fields.count > HTTP_FIELDS_MAX - 4 || r->status < 200)
        return;
    buf_init(&out, 4 * HTTP_HEAD_MAX);
    MUST(http_h1_write_answer(&out, r, &frame) == OK);
    if (buf_len(&out) <= HTTP_HEAD_MAX) {
        struct slice in = buf_data(&out), data;
        http_h1_parser_init(&again, true);
        again.to_head = p->to_head;
        MUST(http_h1_parse(&again, &in, &data) == HTTP_H1_HEAD && in.len == 0);
        MUST(again.response.status == r->status && again.framing == p->framing);
        http_h1_parser_free(&again);
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size);
    uint8_t choice = fuzz_choice(&in);
    struct h1_story cut = {.answers = true, .to_head = choice & 0x80, .may_switch = choice & 0x40}, whole = cut;
    whole.on_head = check_head;
    h1_story(&whole, in, 0);
    h1_story(&cut, in, choice % 16 + 1);
    MUST(slice_eq(buf_data(&whole.text), buf_data(&cut.text)));
    buf_free(&whole.text);
    buf_free(&cut.text);
    return 0;
}
