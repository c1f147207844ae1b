/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of HTTP/2: a client and a server session joined in memory, a server that does what the path says, and
 * calls that keep what came.
 *
 *   /echo    sends the request's body back            /park    never answers
 *   /sink    consumes the body, then 204              /hold    takes the body, never consumes it
 *   /bytes/N answers with N bytes                     /reset   resets after the head and some bytes
 *   /early   answers at once, whatever the body       /trailers answers with 103, a body and trailers
 *   /head    200 with Content-Length 5, no body       /fields   sends the request's fields back
 */
#ifndef TESTS_H2_KIT_H
#define TESTS_H2_KIT_H

#include "http/h2/h2.h"
#include "loopback_stream.h"

struct kit;

struct kit_call {
    struct kit *kit;
    struct http_call *call; /* NULL: over */
    int status, informs;
    size_t received, checked, to_send, unreported, sent;
    size_t unconsumed, most_unconsumed;
    bool hold; /* does not consume */
    bool ended, failed;
    struct http_failure failure;
    char head[1024]; /* "name=value\n" of the answer */
    char trailer[256];
    char body[256]; /* its first bytes */
};

struct kit {
    struct loop *loop;
    struct net_stream *client_stream, *server_stream;
    struct http_h2 *client, *server;
    struct loop_timer *watch;
    bool (*until)(void *arg);
    void *until_arg;
    uint64_t until_ms;
    bool timed_out;
    bool client_closed, server_closed, client_drained, server_drained;
    struct error client_why, server_why;
    size_t requests, aborts, server_unconsumed, server_most;
    size_t kept, told; /* a stranger's: bytes as told last; how often */
    size_t refused;    /* its streams, for what they would hold */
    bool end_when_told;
    size_t stop_at; /* by the so-manieth request; 0: never */
    /* replaces what the path says */
    void (*handler)(struct kit *k, struct http_exchange *x);
    void *user;
};

struct kit_options {
    uint64_t delay_ms;
    size_t capacity; /* of the line; 0: plenty */
    struct http_h2_options h2;
    bool no_client, no_server; /* the test speaks on that stream itself */
};
extern const struct http_h2_options kit_h2; /* 256 streams, 8 MiB, no clocks */

struct kit *kit_new(const struct kit_options *o);
void kit_free(struct kit *k); /* closes both and waits for it */

/* Runs the loop until cond(arg), at most `ms`; false: it was not to be. */
bool kit_run(struct kit *k, bool (*cond)(void *arg), void *arg, uint64_t ms);
void kit_pass(struct kit *k, uint64_t ms); /* that long */

/* Makes a call (method NULL: GET, or POST with a body); *c must be zeroed but for `hold`. body: bytes to send. */
void kit_call(struct kit *k, struct kit_call *c, const char *method, const char *path, size_t body);
enum result kit_try(struct kit *k, struct kit_call *c, const char *method, const char *path, size_t body,
                    const struct http_fields *fields, bool has_body, struct error *err);
/* Asks for a WebSocket; /echo says yes to it. */
enum result kit_websocket(struct kit *k, struct kit_call *c, const char *path, struct error *err);
bool kit_done(void *call); /* ended or failed: for kit_run */
bool kit_ended(void *call);

/* The byte at this place of every generated body. */
static inline char kit_byte(size_t at)
{
    return (char)(at * 31 + (at >> 8) * 17 + (at >> 16));
}

#endif
