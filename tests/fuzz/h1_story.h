/* SPDX-License-Identifier: Apache-2.0 */
/* What an HTTP/1.1 parser tells about its input, as one text: two ways of feeding the same bytes must tell the same. */
#ifndef TESTS_FUZZ_H1_STORY_H
#define TESTS_FUZZ_H1_STORY_H

#include "base/buf.h"
#include "fuzz.h"
#include "http/h1/parser.h"

struct h1_story {
    struct buf text;
    void (*on_head)(struct http_h1_parser *p); /* called with each head */
    bool answers, to_head, may_switch;         /* as of the parser */
};

/* Feeds `in`, at most `piece` bytes at once (0: all), until a fault or its end, then the end of the stream. The caller
 * buf_free()s story->text. */
void h1_story(struct h1_story *story, struct slice in, size_t piece);

/* Names are lower-case tokens, values hold no control characters: what every head must keep. */
void h1_story_check_fields(const struct http_fields *f);

#endif
