/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a gateway that joins listens with, and nothing else runs there yet: TLS by a throw-away certificate of its new
 * key, HTTP/1.1, GET /.cmg/join (the request) and POST /.cmg/join (the site's answer). Anybody may knock: places, time
 * and what an address may do are bounded as at a gateway that runs.
 */
#ifndef GATEWAY_JOIN_LISTENER_H
#define GATEWAY_JOIN_LISTENER_H

#include <openssl/evp.h>

#include "base/error.h"
#include "base/slice.h"
#include "loop/loop.h"
#include "net/tcp.h"

struct join_listener;

struct join_listener_events {
    /* The request to show (borrowed). Somebody came for it. */
    struct slice (*on_get)(void *owner);
    /* What may be the site's answer. true: it counts, and nothing more is taken. */
    bool (*on_answer)(void *owner, struct slice text);
    /* Whoever brought the answer that counted has been told so, or has gone. */
    void (*on_told)(void *owner);
};

/* `at`: "ADDRESS:PORT". `key`: the machine's own. */
MUST_USE enum result join_listener_new(struct loop *loop, const char *const *at, size_t count, EVP_PKEY *key,
                                       const char *host, const struct join_listener_events *events, void *owner,
                                       struct join_listener **ret, struct error *err);
/* Closes everything; turns the loop, which must not run, until all who are there have gone. NULL allowed. */
void join_listener_free(struct join_listener *l);

#endif
