/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ends of an HTTP/1.1 connection need around the parser: output gathered into one write, input kept while it
 * can't be parsed, and the accounting of back-pressure in both directions. Private to src/http.
 *
 *     stream ──on_data──► [pending] ──► parser ──► body (at most HTTP_H1_WINDOW outstanding)
 *     stream ◄──flush──── [out] ◄──── heads and body pieces
 */
#ifndef HTTP_H1_WIRE_H
#define HTTP_H1_WIRE_H

#include "http/h1/parser.h"
#include "http/h1/write.h"
#include "net/stream.h"

enum {
    HTTP_H1_WINDOW = 64 * 1024,
    HTTP_H1_PENDING_MAX = 1024 * 1024, /* a stream delivers less than that before a pause takes effect */
    HTTP_H1_OUT_MAX = 256 * 1024,
};

struct http_h1_wire {
    struct net_stream *stream; /* NULL once closed */
    struct http_h1_parser parser;
    struct buf pending, out;
    size_t unreported;  /* bytes that the user wrote and was not told of yet */
    size_t outstanding; /* bytes of body delivered and not consumed */
    bool paused;
    bool wrote;  /* something was given to the stream; for the user to reset */
    bool broken; /* the stream is dead: output goes nowhere */

    /* The body being sent. */
    bool chunked;
    bool counted;
    uint64_t left; /* of a counted one */
};

void http_h1_wire_init(struct http_h1_wire *w, struct net_stream *stream, bool answers);
void http_h1_wire_free(struct http_h1_wire *w); /* closes the stream */

void http_h1_wire_flush(struct http_h1_wire *w);

/* A piece of the body that is sent, framed. False: more than its Content-Length announced; nothing was written. */
MUST_USE bool http_h1_wire_write(struct http_h1_wire *w, struct slice data);
/* Its end. False: less than announced. */
MUST_USE bool http_h1_wire_finish(struct http_h1_wire *w);

/* How much of what the user wrote can be reported as sent now; 0 while the stream is congested. Flush before. */
size_t http_h1_wire_take_sent(struct http_h1_wire *w);

/* Pauses or resumes the stream as the pending input and the window ask for. */
void http_h1_wire_steer(struct http_h1_wire *w);

#endif
