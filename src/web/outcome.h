/* SPDX-License-Identifier: Apache-2.0 */
/* How an operation ended: fine, or refused by whom and why and what to do. Made from an answer's problem document
 * (docs/protocol/wire.md 9), an OAuth error (RFC 6749 5.2), a transport fault, or a local finding. Everything a peer
 * says is bounded and freed of control characters, since it ends on a terminal and in logs. */
#ifndef WEB_OUTCOME_H
#define WEB_OUTCOME_H

#include "base/error.h"
#include "base/slice.h"
#include "verdict/reason.h"

enum web_ending {
    WEB_DONE,
    WEB_REFUSED,     /* by an answer: .status, .code */
    WEB_UNREACHABLE, /* no answer at all */
    WEB_LOCAL,       /* found here: settings, credentials, files, signatures */
};

struct web_outcome {
    enum web_ending ending;
    long status;     /* HTTP, or 0 */
    char code[64];   /* "CMGService_…", "MP_…"; "" when no answer said one */
    char reason[64]; /* the word: "revoked", "name_not_found", … */
    char detail[512];
    char remedy[512];
    char request_id[64];
};

/* Fills *o as a local finding; the remedy may be NULL. */
void web_outcome_local(struct web_outcome *o, const char *reason, const char *detail, const char *remedy);

/* From an answer of status 400 and above. `status_text`: the value of CMG-Status-Text. */
void web_outcome_answer(struct web_outcome *o, long status, struct slice status_text, struct slice body);

/* Does the method itself not work at this management point (PROTOCOL 4, Order)? Then the next one may be tried. */
bool web_outcome_forbids_method(const struct web_outcome *o);
/* "revoked" and "blocked": nothing else is tried, also not later with other credentials of the device. */
bool web_outcome_final(const struct web_outcome *o);

/* Copies text, controls and what is no UTF-8 as '?', cut to size at a character's edge: it can go into JSON. */
void web_text_clean(struct slice text, char *ret, size_t size);

#endif
