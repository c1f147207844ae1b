/* SPDX-License-Identifier: Apache-2.0 */
/* See h1_story.h. */
#include "h1_story.h"

#include <stdarg.h>

enum { STORY_MAX = 4 * 1024 * 1024 };

static void tell(struct h1_story *s, const char *what, struct slice value)
{
    MUST(buf_append(&s->text, slice_of(what)) == OK);
    MUST(buf_append(&s->text, value) == OK);
    MUST(buf_append(&s->text, SLICE("\n")) == OK);
}

static void tell_number(struct h1_story *s, const char *what, int64_t n)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%lld", (long long)n);
    tell(s, what, slice_make(text, (size_t)len));
}

void h1_story_check_fields(const struct http_fields *f)
{
    MUST(f->count <= HTTP_FIELDS_MAX);
    for (size_t i = 0; i < f->count; i++) {
        struct slice name = f->list[i].name, value = f->list[i].value;
        MUST(http_is_token(name) && http_is_field_value(value));
        MUST(slice_eq(slice_trim(value), value));
        for (size_t j = 0; j < name.len; j++)
            MUST(name.ptr[j] < 'A' || name.ptr[j] > 'Z');
    }
}

static void tell_fields(struct h1_story *s, const struct http_fields *f)
{
    h1_story_check_fields(f);
    for (size_t i = 0; i < f->count; i++) {
        tell(s, "field ", f->list[i].name);
        tell(s, "  is ", f->list[i].value);
    }
}

static void tell_head(struct h1_story *s, struct http_h1_parser *p)
{
    if (p->answers) {
        tell_number(s, "status ", p->response.status);
        tell(s, "reason ", p->response.reason);
        tell_number(s, "length ", p->response.content_length);
        tell_fields(s, &p->response.fields);
    } else {
        tell(s, "method ", p->request.method);
        tell(s, "target ", p->request.target);
        tell(s, "authority ", p->request.authority);
        tell_number(s, "length ", p->request.content_length);
        tell_number(s, "body ", p->request.has_body);
        tell(s, "protocol ", p->request.protocol);
        tell_fields(s, &p->request.fields);
    }
    tell(s, "proof ", p->websocket_proof);
    tell_number(s, "framing ", p->framing);
    tell_number(s, "keep ", p->keep_alive);
    if (s->on_head)
        s->on_head(p);
}

/* One event; false: nothing more comes of this piece. `open`: the last thing told was a piece of a body. */
static bool tell_event(struct h1_story *s, struct http_h1_parser *p, enum http_h1_event e, struct slice data,
                       bool *open)
{
    if (*open && e != HTTP_H1_DATA && e != HTTP_H1_MORE) {
        MUST(buf_append(&s->text, SLICE("\n")) == OK);
        *open = false;
    }
    if (e == HTTP_H1_HEAD)
        tell_head(s, p);
    else if (e == HTTP_H1_DATA)
        MUST(data.len && (*open || buf_append(&s->text, SLICE("data ")) == OK) && buf_append(&s->text, data) == OK);
    else if (e == HTTP_H1_END)
        tell_fields(s, &p->trailers);
    else if (e == HTTP_H1_FAIL)
        tell(s, "fail ", slice_of(p->what));
    *open = e == HTTP_H1_DATA || (*open && e == HTTP_H1_MORE);
    return e != HTTP_H1_MORE && e != HTTP_H1_FAIL;
}

void h1_story(struct h1_story *s, struct slice in, size_t piece)
{
    struct http_h1_parser p;
    bool failed = false, open = false;
    buf_init(&s->text, STORY_MAX);
    http_h1_parser_init(&p, s->answers);
    p.to_head = s->to_head;
    p.may_switch = s->may_switch;
    while (in.len && !failed) {
        size_t n = piece && piece < in.len ? piece : in.len;
        struct slice own = fuzz_own(slice_make(in.ptr, n)), rest = own, data;
        enum http_h1_event e;
        do {
            data = SLICE_NONE;
            e = http_h1_parse(&p, &rest, &data);
        } while (tell_event(s, &p, e, data, &open));
        failed = e == HTTP_H1_FAIL;
        MUST(failed || rest.len == 0);
        fuzz_own_free(own);
        in = slice_skip(in, n);
    }
    if (!failed)
        (void)tell_event(s, &p, http_h1_parse_eof(&p), SLICE_NONE, &open);
    http_h1_parser_free(&p);
}
