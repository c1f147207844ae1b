/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 messages out of bytes (RFC 9112), without I/O: bytes in, events out, for requests and for answers. llhttp
 * tokenizes; around it stand the checks that it leaves out, because what one server takes for the end of a message and
 * the next one doesn't is a smuggled request. Private to src/http.
 *
 * A head is gathered until it is whole and then tokenized in one piece, so that the outcome can't depend on how the
 * input was cut. Chunked bodies run through llhttp as they come; lengths are counted here.
 *
 *     input ─► line check ─► head (in the arena) ─► llhttp ─► rules of h1/head.c ─► HEAD
 *         └──► counted body ─────────────────────────────────────────────────────► DATA … END
 *         └──► llhttp (chunked) ─► framing check ───────────────────────────────► DATA … END
 */
#ifndef HTTP_H1_PARSER_H
#define HTTP_H1_PARSER_H

#include <llhttp.h>

#include "base/buf.h"
#include "http/message.h"

enum {
    HTTP_H1_EXTENSIONS_MAX = 256,     /* bytes of chunk extensions of a whole body */
    HTTP_H1_TRAILERS_MAX = 16 * 1024, /* bytes of an answer's trailers */
    HTTP_H1_INFORMS_MAX = 32,         /* 1xx answers to one request */
    HTTP_H1_NOMINATED_MAX = 16,       /* names in Connection */
};

enum http_h1_event {
    HTTP_H1_MORE, /* the input is used up */
    HTTP_H1_HEAD, /* request or response is filled; borrowed from `arena`. Of a 1xx answer: no END follows. */
    HTTP_H1_DATA, /* a piece of the body, borrowed from the input */
    HTTP_H1_END,  /* the message is complete; the next one may follow */
    HTTP_H1_FAIL, /* status and what say it; every later call says it again */
};

enum http_h1_stage {
    HTTP_H1_IN_HEAD,
    HTTP_H1_IN_COUNTED,
    HTTP_H1_IN_CHUNKED,
    HTTP_H1_UNTIL_EOF,
    HTTP_H1_IN_INFORMED,
    HTTP_H1_IN_END,
    HTTP_H1_FAILED
};

enum http_h1_framing { HTTP_H1_NO_BODY, HTTP_H1_COUNTED, HTTP_H1_CHUNKED, HTTP_H1_BY_EOF };

struct http_h1_parser {
    bool answers; /* parses answers, not requests */
    enum http_h1_stage stage;

    /* Filled with HEAD. */
    struct arena *arena; /* of the current message; NULL before its head. See http_h1_parser_take_arena. */
    struct http_request request;
    struct http_response response;
    enum http_version answer_version;
    bool keep_alive; /* the sender keeps the connection open after this message */
    enum http_h1_framing framing;
    struct http_fields trailers;  /* with END; of answers only */
    struct slice websocket_proof; /* Sec-WebSocket-Key of a request, -Accept of an answer that switches */

    /* Filled with FAIL. */
    int status;       /* 400, 414, 431, 501, 505; for answers it has no meaning */
    const char *what; /* what was wrong, in words for the peer; static */

    /* For answers, set by the caller before the head: it is to a HEAD request. */
    bool to_head;
    bool to_connect; /* and it is to CONNECT: what follows the head of a 2xx is not of the message */
    bool may_switch; /* the request asked for WebSocket: 101 is its final answer, DATA until the end follows */

    /* --- private --- */
    struct buf partial; /* the head so far, when it did not come in one piece */
    size_t line, scanned, lines;
    bool informed;    /* the last head was a 1xx: the answer is still to come */
    unsigned informs; /* 1xx answers in a row */
    unsigned empties; /* bytes of empty lines before a request */
    uint64_t left;    /* of a counted body */

    llhttp_t tokens;
    struct slice url, data; /* what llhttp's callbacks showed */
    struct http_fields raw; /* the head's fields, all of them */
    bool chunk_begins, message_complete;
    size_t trailer_name; /* bytes of the trailer's name, at the front of `partial` */

    /* The framing of a chunked body, byte by byte. */
    size_t extensions, line_bytes, trailer_bytes;
    char last;
    bool in_extension, in_trailers;
};

void http_h1_parser_init(struct http_h1_parser *p, bool answers);
void http_h1_parser_free(struct http_h1_parser *p);

/* Takes bytes from the front of *in until something is to be told. *ret_data is set with DATA. Call it until MORE. */
enum http_h1_event http_h1_parse(struct http_h1_parser *p, struct slice *in, struct slice *ret_data);

/* The peer ended its direction: END for a body that lasts until then, MORE between messages, else FAIL. */
enum http_h1_event http_h1_parse_eof(struct http_h1_parser *p);

/* Of requests, after HEAD: what follows is not HTTP any more, but DATA until the end. */
void http_h1_parser_switch(struct http_h1_parser *p);

/* The current message's arena becomes the caller's; the message's slices live in it. */
struct arena *http_h1_parser_take_arena(struct http_h1_parser *p);

/* Between two messages, not a byte of the next one seen. */
bool http_h1_parser_idle(const struct http_h1_parser *p);

/* --- between h1/parser.c and h1/head.c --- */

/* Notes the first fault; returns false always. */
bool http_h1_fault(struct http_h1_parser *p, int status, const char *what);

/* The begin of the head, as far as it is there: method, length of the target, "HTTP/". False: a fault was noted. */
bool http_h1_check_start(struct http_h1_parser *p, struct slice begin);

/* The whole start line without CRLF: its parts go into request or response. */
bool http_h1_start_line(struct http_h1_parser *p, struct slice line);

/* The rules for the fields: host, framing, connection. Fills what the start line left of request or response. */
bool http_h1_head_finish(struct http_h1_parser *p);

/* Checks that it is a token and lowers it where it stands: in our own copy. */
bool http_h1_lower_name(struct slice name);

/* Host or a field of RFC 9110 7.6.1 or of framing: never copied from one connection to another. Lower case. */
bool http_h1_is_framing(struct slice name);

/* A trailer field of an answer is one that may be told (RFC 9110 6.5.1). */
bool http_h1_trailer_allowed(struct slice name);

#endif
