/* SPDX-License-Identifier: Apache-2.0 */
/* What one analysis knows so far, shared by its steps. Internal to src/analyze. */
#ifndef ANALYZE_CONTEXT_H
#define ANALYZE_CONTEXT_H

#include "analyze/analyze.h"
#include "analyze/probe.h"
#include "verdict/reason.h"
#include "web/outcome.h"
#include "web/signed.h"

enum { ANALYZE_SLOW_MS = 3000, ANALYZE_POINTS_MAX = 32 };

struct analyze_answer {
    enum web_fault fault; /* WEB_FAULT_NONE: there is an answer */
    struct error err;     /* of a fault */
    struct web_answer http;
    struct web_outcome outcome; /* of a status from 400 on */
    enum verdict_reason reason; /* of the gateway's or connector's refusal; REASON_OK: another, or none */
};

struct analyze {
    const struct analyze_config *c;
    const struct analyze_watch *watch;
    struct analyze_report *report;
    struct analyze_proof *proof;
    struct web_endpoint at;
    char authority[272]; /* "host:port" */
    char about[160];     /* what is odd about the addresses of its name, for when they can't be reached; "" */
    struct web_http *http;
    X509_STORE *anchors;
    struct analyze_peer peer;    /* who answered TLS */
    struct analyze_answer first; /* what the gateway says to nobody */
    int64_t first_read;          /* when it came, by our clock */
    int64_t offset;              /* the gateway's clock less ours, for signatures */
    struct web_outcome crl;      /* the gateway's refusal, when it is about revocation sources; .status 0: none */
    json_t *location;            /* content; NULL: not known yet */
    bool location_verified;
    struct web_roles roles; /* those to be analyzed */
    char *access_token;     /* got on the way; a secret */
};

/* --- ask.c: requests, and what answers mean --- */

struct analyze_ask {
    const char *role;          /* NULL: the gateway itself */
    const char *verb, *target; /* "GET", "/SMS_MP/.sms_aut?MPLIST" */
    const char *content_type;  /* NULL: no body */
    struct slice body;
    const char *bearer; /* NULL: none */
    bool anonymous;     /* neither certificate nor signature nor token */
};

void analyze_ask(struct analyze *a, const struct analyze_ask *q, struct analyze_answer *ret);
void analyze_answer_free(struct analyze_answer *a);

/* Fills *r when the answer is not a good one (2xx) and returns false. `point`: it is a management point's, so that
 * redirects and slowness are told as its own. */
MUST_USE bool analyze_good(const struct analyze *a, const struct analyze_answer *answer, bool point,
                           struct analyze_result *r);

/* Verifies a signed document when the site's key is known, else only opens it. *ret_verified tells. The caller
 * json_decref()s *ret (its content). audience NULL: whatever it says. */
MUST_USE enum result analyze_document(const struct analyze *a, struct slice text, int type, const char *audience,
                                      json_t **ret, bool *ret_verified, struct error *err);

/* The bearer token for requests other than CCM_STS; NULL with pki. */
const char *analyze_bearer(const struct analyze *a);

/* --- the steps --- */

extern const struct analyze_step analyze_reach_steps[], analyze_trust_steps[]; /* end with a NULL id */
analyze_fn analyze_step_auth, analyze_step_crl, analyze_step_points, analyze_step_connectors;
void analyze_points_run(struct analyze *a); /* every management point's */

#endif
