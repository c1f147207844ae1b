/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way inside without a connector: tunnels that are a struct, whose calls a test answers itself, and an asker that
 * remembers what it was answered. tunnel_call and its like are linked instead of those of tunnel/accept.h.
 */
#ifndef TEST_GATEWAY_WAY_H
#define TEST_GATEWAY_WAY_H

#include "base/buf.h"
#include "gateway/tunnels.h"
#include "http/call.h"
#include "http/exchange.h"

/* --- what is asked inside --- */

struct tunnel {
    const char *reaches; /* ids of endpoints, with blanks between */
    size_t outstanding;
    bool full, broken; /* no room; calls can't be made */
    unsigned calls;
};

struct way_call {
    struct http_call call;
    struct tunnel *tunnel;
    char method[40], authority[80], target[256], protocol[16];
    char fields[32 * 1024]; /* "name: value\n", each */
    char body[64 * 1024];
    size_t body_len, credited;
    bool has_body, finished, cancelled, over;
};

void way_reset(void);
unsigned way_calls(void);              /* so far */
struct way_call *way_call(unsigned i); /* the i-th; fails the test when there is none */
struct way_call *way_open(void);       /* the last; fails the test when there is none, or it is over */

/* An answer's head with these fields (as above), pieces of its body, and its end. */
void way_head(struct way_call *c, int status, const char *fields);
void way_body(struct way_call *c, const char *text);
void way_end(struct way_call *c);
void way_answer(struct way_call *c, int status, const char *body); /* all of it */
void way_fail(struct way_call *c, enum http_failure_kind kind, bool unsent);

/* --- who asks --- */

struct asker {
    struct http_exchange exchange;
    int status; /* of the answer; 0: none yet */
    char reason[64], fields[32 * 1024];
    char body[64 * 1024];
    size_t body_len, credited;
    bool ended, reset;
};

struct asker *asker_new(const char *method, const char *authority, const char *target);
void asker_free(struct asker *a);
void asker_field(struct asker *a, const char *name, const char *value);
void asker_sends(struct asker *a, const char *text); /* a piece of the body */
void asker_ends(struct asker *a);

/* Of fields as above: fails the test unless the value is this; NULL: unless there is none. */
void assert_field(const char *fields, const char *name, const char *value);

#endif
