/* SPDX-License-Identifier: Apache-2.0 */
/* A server's connection on a byte stream: HTTP/1.1 (http/h1/server.h) or HTTP/2 (http/h2/h2.h), by ALPN. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/server_face.h"
#include "loop/loop.h"
#include "net/stream.h"

extern const struct http_server_limits http_server_defaults; /* 30 s, 5 min, 60 s, 256 */

/* Takes `stream`; is HTTP/2 when h2. `owner` goes into each exchange. Frees itself after on_close. */
struct http_server_conn *http_server_conn_new(struct loop *loop, struct net_stream *stream, bool h2,
                                              const struct http_server_limits *limits,
                                              const struct http_server_events *events, void *owner);

/* The client is told to send its next requests elsewhere: by two GOAWAYs (RFC 9113 6.8), or by Connection: close on the
 * next answer, for which an idle connection waits a second. Closes when the last exchange has ended. */
void http_server_conn_drain(struct http_server_conn *c);
/* The same for who has asked too much: requests that are on their way are refused unread, and it is closed after
 * HTTP_STOPPED_MS, whatever is under way on it. */
void http_server_conn_stop(struct http_server_conn *c);
/* At once; exchanges are aborted, on_close comes (from the loop, later). */
void http_server_conn_close(struct http_server_conn *c);
void http_server_conn_let_in(struct http_server_conn *c); /* its sender is known: it is no stranger any more */
/* It asks for many, none of whom can end what the others asked for by taking back, or breaking, what it asked for. */
void http_server_conn_for_many(struct http_server_conn *c);
size_t http_server_conn_exchanges(const struct http_server_conn *c);

#endif
