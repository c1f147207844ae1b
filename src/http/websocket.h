/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket as HTTP carries it. Between a request and its answer it is the same here for both versions: the request is
 * a GET whose `protocol` is "websocket" and whose body is everything that the client sends; a final answer of status
 * 101 says that both sides have switched, and its body is everything that the server sends. What stands on the wire for
 * that, the handshake of RFC 6455 4 (HTTP/1.1) or the extended CONNECT of RFC 8441 (HTTP/2), is each connection's own:
 * a key of HTTP/1.1 is answered by the connection that it came on and goes no further.
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "base/attr.h"
#include "base/text/encode.h"

#define HTTP_WEBSOCKET "websocket" /* in Upgrade and :protocol */

enum {
    HTTP_WEBSOCKET_KEY = 16, /* bytes */
    HTTP_WEBSOCKET_KEY_SIZE = BASE64_SIZE(HTTP_WEBSOCKET_KEY),
    HTTP_WEBSOCKET_ACCEPT_SIZE = BASE64_SIZE(20),
    HTTP_SWITCHED_IDLE_MS = 60 * 60 * 1000, /* without a byte in either direction, then it is broken off */
};

/* Sec-WebSocket-Key: a random one (RFC 6455 4.1), and whether one has the right form. */
void http_websocket_key(char ret[HTTP_WEBSOCKET_KEY_SIZE]);
bool http_websocket_key_valid(struct slice key);

/* Sec-WebSocket-Accept for a valid key (RFC 6455 4.2.2). */
void http_websocket_accept(struct slice key, char ret[HTTP_WEBSOCKET_ACCEPT_SIZE]);

/* Where the frames of one direction begin (RFC 6455 5.2); zeroed before the first byte. Nothing of them is judged. */
struct http_websocket_frames {
    uint64_t left; /* of the payload */
    unsigned char head[14];
    unsigned got; /* of the head */
};

/* How many of these bytes belong to the frame that is under way, or begins with them; 0 only for no bytes. */
size_t http_websocket_frame_part(struct http_websocket_frames *f, struct slice data);

static inline bool http_websocket_between_frames(const struct http_websocket_frames *f)
{
    return f->left == 0 && f->got == 0;
}

/* An unmasked frame that closes with the status 1001: the server goes down (RFC 6455 7.4.1). */
#define HTTP_WEBSOCKET_GOING_AWAY "\x88\x02\x03\xe9"

#endif
