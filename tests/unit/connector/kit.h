/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connector's surroundings without sockets: a gateway's exchange that remembers its answer, and servers inside that
 * remember what they were asked and answer as the test says (http/pool/pool.h, linked instead of the real one).
 */
#ifndef TESTS_CONNECTOR_KIT_H
#define TESTS_CONNECTOR_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/call.h"
#include "http/exchange.h"
#include "http/pool/pool.h"
#include "verdict/reason.h"

/* --- a request out of a tunnel --- */

struct kit_exchange {
    struct http_exchange x;
    int status;        /* of the answer; 0: none yet */
    char fields[2048]; /* of the answer: a line "name: value\n" each */
    char body[2048];
    bool over, reset;
};

/* One that reads "GET target" at this endpoint, of a sender by token with the request id "r1". */
struct kit_exchange *kit_exchange_new(const char *endpoint, const char *target);
void kit_exchange_free(struct kit_exchange *e);
/* Its request's body is all there: none. */
void kit_exchange_end(struct kit_exchange *e);

void kit_assert_field(const struct kit_exchange *e, const char *line); /* "name: value", whole */
void kit_assert_no_field(const struct kit_exchange *e, const char *name);
/* Refused by this connector for this reason; `detail`, where it is not NULL, is in the body. */
void kit_assert_refused(const struct kit_exchange *e, enum verdict_reason reason, const char *detail);

/* --- servers inside --- */

enum { KIT_CALLS_MAX = 32 };

struct kit_call {
    struct http_call call;
    char host[256]; /* of its pool */
    char whom[80];  /* whose share of it is used */
    const struct http_pool *pool;
    char method[32], scheme[8], authority[300], target[512];
    char fields[2048]; /* as in struct kit_exchange */
    char body[8192];
    bool over; /* answered, failed or cancelled */
    bool cancelled;
};

struct kit_servers {
    struct kit_call calls[KIT_CALLS_MAX];
    size_t count;
    size_t pools;           /* that stand */
    uint64_t answer_ms;     /* of the pool made last */
    bool judged_by_address; /* the pool made last asks whether it may connect */
    enum result refuses;    /* what the next calls come to; OK: they are taken */
};
extern struct kit_servers kit_servers;

struct kit_call *kit_last_call(void);
/* The answer, in one piece; "fields" as "name: value\n" lines or NULL. */
void kit_answer(struct kit_call *c, int status, const char *fields, const char *body);
void kit_answer_head(struct kit_call *c, int status, const char *fields);
void kit_fail(struct kit_call *c, enum http_failure_kind kind, bool unsent, const char *why);
void kit_servers_reset(void);

#endif
