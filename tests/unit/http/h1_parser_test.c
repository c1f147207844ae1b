/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP/1.1 parser: every message here is parsed whole, byte by byte and cut in two at every place, and must tell
 * the same story each time. A story is text: "POST /x a.example [a=b] 5 | hello | end | ".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "http/h1/parser.h"

struct story {
    struct buf text;
    bool in_data;
};

static void tell(struct story *s, struct slice what)
{
    assert_int_equal(buf_append(&s->text, what), OK);
}

#define TELL(s, ...)                                                                                                   \
    do {                                                                                                               \
        assert_int_equal(buf_printf(&(s)->text, __VA_ARGS__), OK);                                                     \
    } while (0)

static void tell_fields(struct story *s, const struct http_fields *f)
{
    tell(s, SLICE(" ["));
    for (size_t i = 0; i < f->count; i++)
        TELL(s, "%s%" PRIslice "=%" PRIslice, i ? "," : "", SLICE_ARG(f->list[i].name), SLICE_ARG(f->list[i].value));
    tell(s, SLICE("]"));
}

static void tell_head(struct story *s, const struct http_h1_parser *p)
{
    const struct http_request *r = &p->request;
    if (p->answers) {
        TELL(s, "%d %" PRIslice, p->response.status, SLICE_ARG(p->response.reason));
        tell_fields(s, &p->response.fields);
        TELL(s, " %lld", (long long)p->response.content_length);
    } else {
        TELL(s, "%" PRIslice " %" PRIslice " %" PRIslice, SLICE_ARG(r->method), SLICE_ARG(r->target),
             SLICE_ARG(r->authority));
        tell_fields(s, &r->fields);
        TELL(s, " %lld%s%s%s%" PRIslice, (long long)r->content_length, r->has_body ? " body" : "",
             r->expect_continue ? " expect" : "", r->protocol.len ? " upgrade=" : "", SLICE_ARG(r->protocol));
    }
    TELL(s, "%s | ", p->keep_alive ? "" : " close");
}

static void tell_event(struct story *s, const struct http_h1_parser *p, enum http_h1_event e, struct slice data)
{
    if (s->in_data && e != HTTP_H1_DATA && e != HTTP_H1_MORE) {
        tell(s, SLICE(" | "));
        s->in_data = false;
    }
    if (e == HTTP_H1_HEAD)
        tell_head(s, p);
    if (e == HTTP_H1_DATA) {
        tell(s, data);
        s->in_data = true;
    }
    if (e == HTTP_H1_END) {
        tell(s, SLICE("end"));
        if (p->trailers.count)
            tell_fields(s, &p->trailers);
        tell(s, SLICE(" | "));
    }
    if (e == HTTP_H1_FAIL)
        TELL(s, "%d %s", p->status, p->what);
}

/* False: it failed. Each piece lies in memory of its own, so that a look beyond it is seen by the sanitizers. */
static bool parse_piece(struct http_h1_parser *p, struct story *s, struct slice piece)
{
    char *copy = mem_resize(NULL, piece.len + !piece.len, 1);
    if (piece.len)
        memcpy(copy, piece.ptr, piece.len);
    struct slice in = {copy, piece.len};
    enum http_h1_event e;
    do {
        struct slice data = SLICE_NONE;
        e = http_h1_parse(p, &in, &data);
        tell_event(s, p, e, data);
    } while (e != HTTP_H1_MORE && e != HTTP_H1_FAIL);
    free(copy);
    return e == HTTP_H1_MORE;
}

struct how {
    bool answers, to_head;
};

/* The story of `input`: first `cut` bytes, then the rest; or in pieces of one byte. The caller frees it. */
static char *story_of(struct how how, struct slice input, size_t cut, bool bytes)
{
    struct http_h1_parser p;
    struct story s = {0};
    buf_init(&s.text, 1 << 20);
    http_h1_parser_init(&p, how.answers);
    p.to_head = how.to_head;
    bool good = true;
    for (size_t at = 0; good && at < input.len;) {
        size_t n = bytes ? 1 : at < cut ? cut - at : input.len - at;
        good = parse_piece(&p, &s, slice_make(input.ptr + at, n));
        at += n;
    }
    if (good) {
        enum http_h1_event e = http_h1_parse_eof(&p);
        if (e != HTTP_H1_MORE)
            tell_event(&s, &p, e, SLICE_NONE);
    }
    http_h1_parser_free(&p);
    return buf_take_str(&s.text);
}

/* The caller frees it. */
static char *story_however_cut(struct how how, struct slice input)
{
    char *whole = story_of(how, input, input.len, false);
    char *bytes = story_of(how, input, 0, true);
    assert_string_equal(whole, bytes);
    free(bytes);
    for (size_t cut = 1; cut < input.len && input.len < 4096; cut++) {
        char *cut_in_two = story_of(how, input, cut, false);
        assert_string_equal(whole, cut_in_two);
        free(cut_in_two);
    }
    return whole;
}

static void expect(struct how how, struct slice input, const char *story)
{
    char *got = story_however_cut(how, input);
    assert_string_equal(got, story);
    free(got);
}

#define REQUEST(input, story) expect((struct how){false, false}, SLICE(input), story)
#define ANSWER(input, story) expect((struct how){true, false}, SLICE(input), story)

/* The story must end with this status, and nothing may have been told before. */
static void refused(struct slice input, int status)
{
    char want[8], *got = story_however_cut((struct how){false, false}, input);
    (void)snprintf(want, sizeof want, "%d ", status);
    if (strncmp(got, want, 4) != 0)
        fail_msg("expected %d for %.*s, got: %s", status, (int)input.len, input.ptr, got);
    free(got);
}
#define REFUSED(status, input) refused(SLICE(input), status)

#define H "Host: a.example\r\n"

static void requests_are_understood(void **state)
{
    (void)state;
    REQUEST("GET / HTTP/1.1\r\n" H "\r\n", "GET / a.example [] -1 | end | ");
    REQUEST("GET /a?b=%20&c HTTP/1.1\r\nhOST: \ta.example:8443 \r\nX-One:1\r\nX-one:  two  words\t\r\nEmpty:\r\n\r\n",
            "GET /a?b=%20&c a.example:8443 [x-one=1,x-one=two  words,empty=] -1 | end | ");
    REQUEST("POST /x HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello", "POST /x a.example [] 5 body | hello | end | ");
    REQUEST("POST /x HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST /x a.example [] 0 | end | ");
    REQUEST("PUT /x HTTP/1.1\r\n" H
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1A;a=b\r\nabcdefghijklmnopqrstuvwxyz"
            "\r\n0\r\n\r\n",
            "PUT /x a.example [] -1 body | helloabcdefghijklmnopqrstuvwxyz | end | ");
    REQUEST("GET / HTTP/1.0\r\n\r\n", "GET /  [] -1 close | end | ");
    REQUEST("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET /  [] -1 | end | ");
    REQUEST("GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\nconnection: close\r\n\r\n",
            "GET / [2001:db8::1]:443 [] -1 close | end | ");
    REQUEST("POST / HTTP/1.1\r\n" H "Expect: 100-continue\r\ncontent-length: 1\r\n\r\nx",
            "POST / a.example [expect=100-continue] 1 body expect | x | end | ");
    REQUEST("OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * a.example [] -1 | end | ");
    REQUEST("GET / HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: h2c, WebSocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            "GET / a.example [sec-websocket-version=13] -1 upgrade=websocket | end | ");
}

static void methods_that_the_tokenizer_does_not_know_pass(void **state)
{
    (void)state;
    REQUEST("CCM_POST /ccm_system/request HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi",
            "CCM_POST /ccm_system/request a.example [] 2 body | hi | end | ");
    REQUEST("BITS_POST /b HTTP/1.1\r\n" H "\r\n", "BITS_POST /b a.example [] -1 | end | ");
    REQUEST("PRI /b HTTP/1.1\r\n" H "\r\n", "PRI /b a.example [] -1 | end | ");
    REQUEST("SOURCE /b HTTP/1.1\r\n" H "\r\n", "SOURCE /b a.example [] -1 | end | ");
    REQUEST("HTTP /b HTTP/1.1\r\n" H "\r\n", "HTTP /b a.example [] -1 | end | ");
    REQUEST("get /b HTTP/1.1\r\n" H "\r\n", "get /b a.example [] -1 | end | ");
    REQUEST("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 /b HTTP/1.1\r\n" H "\r\n",
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345 /b a.example [] -1 | end | ");
    REFUSED(400, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456 /b HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "G(T / HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "G\0T / HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, " GET / HTTP/1.1\r\n" H "\r\n");
    REFUSED(501, "CONNECT a.example:443 HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "\x16\x03\x01\x02");
}

static void pipelined_requests_come_one_after_the_other(void **state)
{
    (void)state;
    REQUEST("POST /1 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n" H
            "\r\nPOST /3 HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nGET \r\n\r\nGET /4 HTTP/1.1\r\n" H "\r\n",
            "POST /1 a.example [] -1 body | abc | end | GET /2 a.example [] -1 | end | POST /3 a.example [] 4 body | "
            "GET  | end | GET /4 a.example [] -1 | end | ");
}

static void what_could_smuggle_a_request_is_refused(void **state)
{
    (void)state;
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REFUSED(501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n");
    REFUSED(501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n");
    REFUSED(501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n");
    REFUSED(501, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b"
                 "chunked\r\n\r\n0\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 4\r\nContent-Length: 5\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\nhello");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\nhello");
}

static void line_ends_and_blanks_are_judged_strictly(void **state)
{
    (void)state;
    REFUSED(400, "GET / HTTP/1.1\n" H "\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a.example\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A: b\rC: d\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\r\n" H "\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A: b\r\n folded\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A: b\r\n\tfolded\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n Host: a.example\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H ": b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "no colon\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A(: b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A\xe4: b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n");
    REFUSED(400, "GET  / HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET / HTTP/1.1 \r\n" H "\r\n");
    REFUSED(400, "GET /a b HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET\t/ HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "\nGET / HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET /\r\n\r\n");
}

static void versions_other_than_one_are_refused(void **state)
{
    (void)state;
    REFUSED(505, "GET / HTTP/2.0\r\n" H "\r\n");
    REFUSED(505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    REFUSED(505, "GET / HTTP/0.9\r\n" H "\r\n");
    REFUSED(505, "GET / HTTP/3.1\r\n" H "\r\n");
    REFUSED(400, "GET / HTTP/1.10\r\n" H "\r\n");
    REFUSED(400, "GET / http/1.1\r\n" H "\r\n");
    REFUSED(400, "GET / RTSP/1.0\r\n" H "\r\n");
}

static void the_host_must_be_one_and_a_host(void **state)
{
    (void)state;
    REFUSED(400, "GET / HTTP/1.1\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H H "\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost:\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a:\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\nHost: []\r\n\r\n");
}

static void targets_become_origin_form_or_are_refused(void **state)
{
    (void)state;
    REQUEST("GET http://A.example/p?q HTTP/1.1\r\n" H "\r\n", "GET /p?q A.example [] -1 | end | ");
    REQUEST("GET HTTPS://a.example HTTP/1.1\r\n" H "\r\n", "GET / a.example [] -1 | end | ");
    REQUEST("GET http://a.example?q HTTP/1.1\r\n" H "\r\n", "GET /?q a.example [] -1 | end | ");
    REQUEST("OPTIONS http://a.example HTTP/1.1\r\n" H "\r\n", "OPTIONS * a.example [] -1 | end | ");
    REQUEST("GET //x/../%2e%2E/ HTTP/1.1\r\n" H "\r\n", "GET //x/../%2e%2E/ a.example [] -1 | end | ");
    REFUSED(400, "GET http://b.example/ HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET http://a.example:80/ HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET http://u@a.example/ HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET ftp://a.example/ HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET a.example:443 HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET * HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET /a#b HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET /\xe4 HTTP/1.1\r\n" H "\r\n");
    REFUSED(400, "GET x HTTP/1.1\r\n" H "\r\n");
}

static void what_belongs_to_the_connection_is_taken_out(void **state)
{
    (void)state;
    REQUEST("GET / HTTP/1.1\r\n" H
            "Connection: X-Gone , keep-alive,te\r\nX-Gone: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
            "Proxy-Connection: x\r\nTrailer: y\r\nUpgrade: h2c\r\nStays: 1\r\nx-GONE: 2\r\n\r\n",
            "GET / a.example [stays=1] -1 | end | ");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "Connection: host\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "Connection: close, Authorization\r\nAuthorization: x\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "Connection: CMG-Client-Id\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "Connection: client-cert\r\n\r\n");
    REFUSED(400, "POST / HTTP/1.1\r\n" H "Connection: content-length\r\nContent-Length: 3\r\n\r\nabc");
    REFUSED(400,
            "POST / HTTP/1.1\r\n" H "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "Connection: a b\r\n\r\n");
    REFUSED(400, "GET / HTTP/1.1\r\n" H "Connection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n\r\n");
}

/* After a head that was good. */
static void broken_body(const char *framing, const char *what)
{
    char *input = NULL, *got;
    assert_true(asprintf(&input, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n%s", framing) > 0);
    got = story_however_cut((struct how){false, false}, slice_of(input));
    if (!strstr(got, " | 400 ") || (what && !strstr(got, what)))
        fail_msg("not refused with %s: %s: %s", what ? what : "400", framing, got);
    free(got);
    free(input);
}

static void chunked_bodies_are_judged_strictly(void **state)
{
    (void)state;
    broken_body("0\r\nX: y\r\n\r\n", "trailers in a request are not taken here");
    broken_body("3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n", "trailers in a request are not taken here");
    broken_body("3\nabc\r\n0\r\n\r\n", NULL);
    broken_body("3\r\nabc\n0\r\n\r\n", NULL);
    broken_body("3\r\nabc0\r\n\r\n", NULL);
    broken_body("3\r\nabcd\r\n0\r\n\r\n", NULL);
    broken_body("3\r\nabc\r\n0\n\n", NULL);
    broken_body("3\r\nabc\r\n0\r\n\n", NULL);
    broken_body("3\r\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body(" 3\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body("3 \r\nabc\r\n0\r\n\r\n", NULL);
    broken_body("0x3\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body("-3\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body("\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body(";a\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body("10000000000000000\r\nabc", NULL);
    broken_body("00000000000000000000003\r\nabc\r\n0\r\n\r\n", "the chunk size is too long");
    broken_body("3;a=\"\n\"\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body("3;a=\"\r\nabc\r\n0\r\n\r\n", NULL);
    broken_body("3;a\nabc\r\n0\r\n\r\n", NULL);
    broken_body("0\r\n", "the peer closed in the middle");
    broken_body("5\r\nab", "the peer closed in the middle");
}

static void chunk_extensions_are_bounded_over_the_whole_body(void **state)
{
    (void)state;
    char body[4096];
    size_t n = 0;
    for (int i = 0; i < 25; i++) /* 10 bytes each with its ';' */
        n += (size_t)snprintf(body + n, sizeof body - n, "1;abcdefghi\r\nx\r\n");
    (void)snprintf(body + n, sizeof body - n, "1;abcde\r\nx\r\n0\r\n\r\n"); /* 256 */
    char *input = NULL;
    assert_true(asprintf(&input, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n%s", body) > 0);
    char *got = story_however_cut((struct how){false, false}, slice_of(input));
    assert_non_null(strstr(got, "xxx | end | "));
    free(got);
    free(input);
    (void)snprintf(body + n, sizeof body - n, "1;abcdef\r\nx\r\n0\r\n\r\n"); /* 257 */
    broken_body(body, "the chunk extensions are too long");
}

static struct slice repeated(struct buf *b, const char *begin, char fill, size_t n, const char *end)
{
    buf_init(b, 1 << 20);
    assert_int_equal(buf_append_str(b, begin), OK);
    char *at = buf_reserve(b, n);
    assert_non_null(at);
    memset(at, fill, n);
    buf_commit(b, n);
    assert_int_equal(buf_append_str(b, end), OK);
    return buf_data(b);
}

static void accepted(struct slice input)
{
    char *got = story_however_cut((struct how){false, false}, input);
    assert_non_null(strstr(got, "end | "));
    free(got);
}

static void long_targets_and_heads_are_refused_at_the_byte(void **state)
{
    (void)state;
    struct buf b;
    accepted(repeated(&b, "GET /", 'a', HTTP_TARGET_MAX - 1, " HTTP/1.1\r\n" H "\r\n"));
    buf_free(&b);
    refused(repeated(&b, "GET /", 'a', HTTP_TARGET_MAX, " HTTP/1.1\r\n" H "\r\n"), 414);
    buf_free(&b);
    refused(repeated(&b, "GET /", 'a', HTTP_TARGET_MAX, ""), 414);
    buf_free(&b);
    const size_t rest = sizeof "GET / HTTP/1.1\r\n" H "A: \r\n\r\n" - 1;
    accepted(repeated(&b, "GET / HTTP/1.1\r\n" H "A: ", 'a', HTTP_HEAD_MAX - rest, "\r\n\r\n"));
    buf_free(&b);
    refused(repeated(&b, "GET / HTTP/1.1\r\n" H "A: ", 'a', HTTP_HEAD_MAX - rest + 1, "\r\n\r\n"), 431);
    buf_free(&b);
    refused(repeated(&b, "GET / HTTP/1.1\r\n" H "A: ", 'a', HTTP_HEAD_MAX, ""), 431);
    buf_free(&b);
}

static void too_many_fields_are_refused(void **state)
{
    (void)state;
    for (int fields = HTTP_FIELDS_MAX; fields <= HTTP_FIELDS_MAX + 1; fields++) {
        struct buf b;
        buf_init(&b, 1 << 16);
        assert_int_equal(buf_append_str(&b, "GET / HTTP/1.1\r\n" H), OK);
        for (int i = 1; i < fields; i++)
            assert_int_equal(buf_printf(&b, "F%d: x\r\n", i), OK);
        assert_int_equal(buf_append_str(&b, "\r\n"), OK);
        if (fields == HTTP_FIELDS_MAX)
            accepted(buf_data(&b));
        else
            refused(buf_data(&b), 431);
        buf_free(&b);
    }
}

static void answers_are_understood(void **state)
{
    (void)state;
    ANSWER("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nhi", "200 OK [x=y] 2 | hi | end | ");
    ANSWER("HTTP/1.1 404 Gone  fishing\r\nContent-Length: 0\r\n\r\n", "404 Gone  fishing [] 0 | end | ");
    ANSWER("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200  [] 0 | end | ");
    ANSWER("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200  [] 0 | end | ");
    ANSWER("HTTP/1.1 204 No Content\r\n\r\n", "204 No Content [] -1 | end | ");
    ANSWER("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
           "204 No Content [] -1 | end | 200 OK [] 0 | end | ");
    ANSWER("HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n", "304 Not Modified [] 77 | end | ");
    ANSWER("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
           "1\r\n\r\nx",
           "100 Continue [] -1 | 103 Early Hints [link=x] -1 | 200 OK [] 1 | x | end | ");
    ANSWER("HTTP/1.1 200 OK\r\n\r\nuntil the end", "200 OK [] -1 close | until the end | end | ");
    ANSWER("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", "200 OK [] 1 | x | end | ");
    ANSWER("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1 \r\nY:\r\n\r\n",
           "200 OK [] -1 | abc | end [x-sum=1,y=] | ");
    ANSWER("HTTP/1.1 200 OK\r\nConnection: cmg-x, drop\r\nCMG-X: 1\r\nDrop: 1\r\nContent-Length: 0\r\n\r\n",
           "200 OK [cmg-x=1] 0 | end | ");
    expect((struct how){true, true}, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), "200 OK [] 5 | end | ");
    expect((struct how){true, true}, SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
           "200 OK [] -1 | end | ");
}

static void a_flood_of_1xx_answers_is_refused(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 16);
    for (int i = 0; i <= HTTP_H1_INFORMS_MAX; i++)
        assert_int_equal(buf_append_str(&b, "HTTP/1.1 102 Wait\r\n\r\n"), OK);
    char *got = story_however_cut((struct how){true, false}, buf_data(&b));
    assert_non_null(strstr(got, "400 too many 1xx answers"));
    free(got);
    buf_free(&b);
}

static void answer_fails(struct slice input)
{
    char *got = story_however_cut((struct how){true, false}, input);
    if (!strstr(got, "400 ") && !strstr(got, "501 ") && !strstr(got, "505 "))
        fail_msg("not refused: %.*s: %s", (int)input.len, input.ptr, got);
    free(got);
}

static void broken_answers_are_refused(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "SSH-2.0-OpenSSH_9\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSet-Cookie\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\nC: d\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        answer_fails(slice_of(broken[i]));
}

/* Noise made of what HTTP is made of: whatever it is, the story is the same however it was cut. */
static void noise_tells_the_same_story_however_it_is_cut(void **state)
{
    (void)state;
    static const char *const atoms[] = {
        "GET ",
        "POST ",
        "/",
        "/a",
        " HTTP/1.1",
        " HTTP/1.0",
        "\r\n",
        "\r\n",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\r",
        " ",
        "\t",
        "Host: a",
        "Host: b",
        "Content-Length: 3",
        "Content-Length: 0",
        "Transfer-Encoding: chunked",
        "Connection: close",
        "Connection: x",
        "x: y",
        ":",
        ";",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "0",
        "A",
        "abc",
        "\x80",
        "Expect: 100-continue",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 100 \r\n",
        "=\"",
        "http://a/",
        "*",
        "OPTIONS ",
    };
    unsigned seed = 12345;
    for (int round = 0; round < 3000; round++) {
        struct buf b;
        buf_init(&b, 4096);
        if (round % 2)
            assert_int_equal(buf_append_str(&b, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
                             OK);
        for (int i = 0; i < 12; i++) {
            seed = seed * 1664525u + 1013904223u;
            assert_int_equal(buf_append_str(&b, atoms[(seed >> 16) % (sizeof atoms / sizeof atoms[0])]), OK);
        }
        free(story_however_cut((struct how){false, false}, buf_data(&b)));
        free(story_however_cut((struct how){true, false}, buf_data(&b)));
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_understood),
        cmocka_unit_test(methods_that_the_tokenizer_does_not_know_pass),
        cmocka_unit_test(pipelined_requests_come_one_after_the_other),
        cmocka_unit_test(what_could_smuggle_a_request_is_refused),
        cmocka_unit_test(line_ends_and_blanks_are_judged_strictly),
        cmocka_unit_test(versions_other_than_one_are_refused),
        cmocka_unit_test(the_host_must_be_one_and_a_host),
        cmocka_unit_test(targets_become_origin_form_or_are_refused),
        cmocka_unit_test(what_belongs_to_the_connection_is_taken_out),
        cmocka_unit_test(chunked_bodies_are_judged_strictly),
        cmocka_unit_test(chunk_extensions_are_bounded_over_the_whole_body),
        cmocka_unit_test(long_targets_and_heads_are_refused_at_the_byte),
        cmocka_unit_test(too_many_fields_are_refused),
        cmocka_unit_test(answers_are_understood),
        cmocka_unit_test(a_flood_of_1xx_answers_is_refused),
        cmocka_unit_test(broken_answers_are_refused),
        cmocka_unit_test(noise_tells_the_same_story_however_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
