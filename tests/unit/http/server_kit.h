/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the HTTP/1.1 server's connection: a client of raw bytes, a handler that the test scripts, a clock that
 * it turns. */
#ifndef TESTS_HTTP_SERVER_KIT_H
#define TESTS_HTTP_SERVER_KIT_H

#include "base/buf.h"
#include "fake_loop.h"
#include "http/server.h"

struct fixture {
    struct loop *loop;
    struct net_stream *client;
    struct http_server_conn *conn;
    /* what the client saw */
    struct buf got;
    bool eof;
    /* what the handler saw */
    struct http_exchange *held;
    struct buf body;
    unsigned requests, ends, aborts, closes, nested;
    size_t sent, kept; /* kept: bytes of a stranger's, as told last */
    char abort_text[128];
    /* what it does */
    bool consume, inside;
};

/* The client sends this. */
void send_text(struct fixture *f, const char *text);
/* It must have got exactly this since, every Date line left out; or this at the begin. */
void expect(struct fixture *f, const char *want);
void expect_begin(struct fixture *f, const char *want);

/* Of the exchange that is held. */
void respond(struct fixture *f, int status, int64_t length, bool end);
void write_text(struct fixture *f, const char *text);
void finish(struct fixture *f);

/* For cmocka: one connection; one that offers WebSocket. */
int set_up(void **state);
int set_up_websocket(void **state);
int tear_down(void **state);

#endif
