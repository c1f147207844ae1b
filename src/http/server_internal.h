/* SPDX-License-Identifier: Apache-2.0 */
/* The face that server.c puts before both kinds of connection. Private to src/http. */
#ifndef HTTP_SERVER_INTERNAL_H
#define HTTP_SERVER_INTERNAL_H

#include "http/server.h"

struct http_server_conn_ops {
    void (*drain)(struct http_server_conn *c);
    void (*stop)(struct http_server_conn *c);
    void (*close)(struct http_server_conn *c);
    void (*let_in)(struct http_server_conn *c);
    size_t (*exchanges)(const struct http_server_conn *c);
};

struct http_server_conn {
    const struct http_server_conn_ops *ops;
};

/* HTTP/1.1 (h1/server.c). */
struct http_server_conn *http_h1_server_new(struct loop *loop, struct net_stream *stream,
                                            const struct http_server_limits *limits,
                                            const struct http_server_events *events, void *owner);

#endif
