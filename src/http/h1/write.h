/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of HTTP/1.1 messages as bytes, and the framing of a body that is sent. Private to src/http. */
#ifndef HTTP_H1_WRITE_H
#define HTTP_H1_WRITE_H

#include "base/buf.h"
#include "http/message.h"

/* How a head is framed; what of these is said in the message itself is ignored. */
struct http_h1_frame {
    bool chunked;
    int64_t length;  /* Content-Length; -1: none */
    bool close;      /* Connection: close */
    bool keep_alive; /* Connection: keep-alive, for HTTP/1.0 */
    /* Switches to WebSocket: Sec-WebSocket-Key of a request, -Accept of an answer; name.ptr NULL: it does not. */
    struct http_field websocket;
};

/* Appends the head of an answer, with Date when it has none. Fields that are the connection's and fields that could
 * end a line are left out. LIMIT: out is full, nothing was appended. */
MUST_USE enum result http_h1_write_answer(struct buf *out, const struct http_response *head,
                                          const struct http_h1_frame *frame);

/* The same of a request, in origin form, with Host. */
MUST_USE enum result http_h1_write_request(struct buf *out, const struct http_request *head,
                                           const struct http_h1_frame *frame);

/* What stands before a chunk of n bytes: "1f4\r\n". Returns its length. */
enum { HTTP_H1_CHUNK_HEAD = 20 };
size_t http_h1_chunk_head(char ret[HTTP_H1_CHUNK_HEAD], size_t n);

#endif
