/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to cmg-mp, at a management point or at the admin socket: its body is collected up to a maximum, then its
 * handler answers, at once or (parked) later. Every answer is written by the functions here, which end the request:
 * after one of them `r` is gone.
 */
#ifndef MP_SERVER_REQUEST_H
#define MP_SERVER_REQUEST_H

#include <bsd/sys/queue.h>

#include "base/buf.h"
#include "base/limit/untaken.h"
#include "http/exchange.h"
#include "mp/config.h"
#include "mp/content/text.h"
#include "mp/sender/denial.h"
#include "mp/sender/sender.h"
#include "mp/server/bodies.h"
#include "json/json.h"

struct mp_connection;
struct mp_site;
struct mp_request;
struct mp_waiter;

typedef void mp_handler_fn(struct mp_request *r);

/* What a parked request waits for. */
enum mp_parked_for { MP_PARKED_BUNDLE, MP_PARKED_CONNECTOR, MP_PARKED_QUESTIONS };

/* A gateway's id, or "connector " and its. */
enum { MP_PART_SIZE = PKI_ROLE_ID_MAX + 16 };

enum { MP_PARAMS_MAX = 2, MP_PARAM_SIZE = 256 };

struct mp_request {
    struct mp_site *site;
    struct mp_connection *connection; /* NULL: of the admin socket */
    struct http_exchange *exchange;
    mp_handler_fn *handle;
    struct arena *arena; /* for the handler: rows of the store and the like */
    struct buf body;
    struct mp_bodies *bodies; /* where it is counted, as body_share's */
    struct mp_body_share body_share;
    struct slice path, query;                                /* of the target; query without the "?" */
    char id[GUID_SIZE];                                      /* the gateway's request id, or one of our own */
    struct mp_sender sender;                                 /* who asks, for those who judge it */
    char params[MP_PARAMS_MAX][MP_PARAM_SIZE];               /* admin: what stood at the pattern's stars, decoded */
    char caller[32];                                         /* admin: "uid:1000" */
    enum mp_role role;                                       /* admin: the caller's */
    struct mp_request_hooks {                                /* given from above; each may be NULL */
        void (*on_status)(struct mp_request *r, int status); /* 0: the asker went away before an answer */
        void (*on_end)(struct mp_request *r);                /* it goes away */
    } hooks;
    struct { /* mp/answer/parked.c */
        LIST_ENTRY(mp_request) others;
        bool waits; /* false: not parked */
        int64_t after;
        uint64_t until_ms;
        enum mp_parked_for what;
        char part[MP_PART_SIZE]; /* who asks for questions */
    } parked;
    struct mp_waiter *waiter;             /* mp/notify/waiting.c; NULL: it is no device's that waits */
    const char *refused, *refused_detail; /* the reason, a constant, and words in the arena; NULL: it was not */
    struct {                              /* an answer under way */
        struct mp_text *text;
        size_t written, sent;
        char whose[CROWD_KEY_MAX + 1]; /* "": an administrator's, which is not counted */
        struct untaken untaken;
    } out;
};

/* Begins a request of `x`: from now on the exchange's callbacks come here. The path's bytes are looked at as they are.
 */
struct mp_request *mp_request_new(struct mp_site *site, struct mp_connection *connection, struct http_exchange *x);
/* Collects the body, then calls handle(r). Is it over its maximum (413), or its sender or all over theirs (429, 503),
 * that is answered here. r->body_share says whose it is. */
void mp_request_collect(struct mp_request *r, mp_handler_fn *handle, size_t body_max);

struct slice mp_request_field(const struct mp_request *r, const char *name); /* the first one; .ptr NULL: none */
/* The query's value of `name` ("after=5"); .ptr NULL: absent. Not decoded. */
struct slice mp_request_query(const struct mp_request *r, struct slice name);
/* The number of the document that a device holds, by its If-None-Match ("\"5\""); 0: it tells none. */
int64_t mp_request_held(const struct mp_request *r);

/* --- answers; each ends the request --- */

struct mp_answer {
    int status;
    const char *type; /* content type; NULL: none */
    struct slice body;
    struct http_field fields[4]; /* names lower case; .name.ptr NULL: unused */
};
void mp_answer(struct mp_request *r, const struct mp_answer *a);
void mp_answer_json(struct mp_request *r, int status, json_t *body);       /* takes `body` */
void mp_answer_problem(struct mp_request *r, int status, json_t *problem); /* takes it */
/* The head alone, of a body of `length` bytes that somebody else writes: he sets events and ctx of the exchange before
 * he returns to the loop. NULL: there is none to write, as for HEAD. */
MUST_USE struct http_exchange *mp_answer_head(struct mp_request *r, const struct mp_answer *a, uint64_t length);
/* How much of long answers stands in memory, of all and of one asker. */
extern const struct untaken_limits mp_untaken_limits;
/* Sends it at the speed of the peer. Takes the reference. */
void mp_answer_text(struct mp_request *r, const char *type, struct mp_text *text);

/* `detail` NULL: the refusal's own text. */
void mp_refuse(struct mp_request *r, enum mp_refusal refusal, const char *detail);
/* `why`: what was found, and what to do about this very case where its .remedy says so; NULL: the reason's own words.
 */
void mp_refuse_verdict(struct mp_request *r, enum verdict_reason reason, const struct error *why);
/* For a signature out of its time; signed_time: of mp_signed_time, NULL: none. */
void mp_refuse_clock(struct mp_request *r, const char *detail, const char *signed_time);
void mp_refuse_method(struct mp_request *r, const char *allow);
/* As a judge found (mp/sender). True, and nothing is answered, when `good`; so that a handler can say
 * `if (!mp_request_pass(r, mp_…(&r->sender, …, &no), &no)) return;`. */
MUST_USE bool mp_request_pass(struct mp_request *r, bool good, struct mp_denial *no);
/* A fault of the store or of ours: logged, told without inner details. */
void mp_refuse_fault(struct mp_request *r, const struct error *err);
/* The same to an administrator, who is told the fault itself. */
void mp_refuse_fault_told(struct mp_request *r, const struct error *err);

#endif
