/* SPDX-License-Identifier: Apache-2.0 */
/* Is this device let in, here, now? The certificate's or token's verdict, blocks, mode, and the endpoint's own list. */
#ifndef GATEWAY_JUDGE_AUTHENTICATE_H
#define GATEWAY_JUDGE_AUTHENTICATE_H

#include "gateway/client/connection.h"
#include "gateway/judge/grant.h"
#include "gateway/judge/judging.h"
#include "gateway/request/identity.h"
#include "gateway/request/target.h"
#include "http/message.h"

struct authentication {
    struct identity identity;
    char subject[256];          /* for logs: the certificate's name, or the token's subject */
    char holder[CROWD_KEY_MAX]; /* whose connections this one counts among; "": its identity says it */
};

struct authenticate_question {
    enum target_kind kind;
    const struct bundle_endpoint *endpoint; /* NULL: the gateway's own metadata */
    enum token_purpose purpose;
    const struct http_request *request;
    int64_t now;
};

/* REASON_OK and *ret, or why not and *detail. */
MUST_USE enum verdict_reason authenticate(struct gateway_connection *c, const struct authenticate_question *q,
                                          struct authentication *ret, struct error *detail);

/* NULL while a request that `token` let in at this endpoint may go on, by the endpoint's rule of today, else what ended
 * it; without one the connection's certificate let it in. NULL `e`: anywhere. */
const char *authenticate_ended(struct gateway_connection *c, const struct grant *token, const struct bundle_endpoint *e,
                               int64_t now);

/* NULL while what let this connection's requests in last still holds, else what ended it. */
const char *authenticate_still_holds(struct gateway_connection *c, int64_t now);

/* Judges a certificate that was shown, before the first request, and gives what OCSP responders must be asked for that;
 * nothing when lists, or what was answered before, are enough. The caller pki_ocsp_questions_done()s them. false: it
 * takes longer than a worker's loop may (judging_later). */
MUST_USE bool authenticate_first(struct gateway_worker *w, struct credential *c, int64_t now,
                                 struct pki_ocsp_questions *ret_open);

/* A verdict of judging.h comes to count: acceptance for the certificate, a refusal for what was shown here. */
void authenticate_keep(struct gateway_worker *w, struct credential *c, struct judged *r);

/* There was no time to judge it, and says so to each request. */
void authenticate_put_off(struct gateway_worker *w, struct credential *c, int64_t now);

/* One of them comes to count for what was shown and the anchors of one endpoint, by their key. */
void authenticate_keep_below(struct gateway_worker *w, const unsigned char key[VERDICT_KEY_SIZE], struct judged *r);

/* What a request that shows this certificate would hear now of a verdict of judging.h, blocks included. Nothing is
 * remembered of it, so that a chain that somebody wrote down makes no device's. */
MUST_USE enum verdict_reason authenticate_certificate(struct gateway_worker *w, const struct credential *c,
                                                      struct judged *r);

#endif
