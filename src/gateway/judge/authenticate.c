/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the ways in an endpoint's route asks for, and whether what was let in once still would be. Certificates and
 * tokens themselves are judged next door (judge/by_certificate.h, judge/by_token.h). In the worker's thread. */
#include "gateway/judge/authenticate.h"

#include "gateway/judge/by_certificate.h"
#include "gateway/judge/by_token.h"
#include "gateway/judge/shown_verdict.h"

/* A host route: the certificate first, then a bearer token (PROTOCOL 6); what was revoked or blocked stays so. */
static enum verdict_reason authenticate_host(struct judge_client *c, const struct authenticate_question *q,
                                             struct authentication *ret, struct error *detail)
{
    bool has_token = by_token_text(q).ptr != NULL;
    if (!c->credential.certificate && (has_token || !(q->endpoint->auth & CHOICE_BIT(CHOICE_PKI))))
        return by_token(c, q, ret, detail);
    enum verdict_reason reason = by_certificate(c, q, ret, detail);
    bool final = reason == REASON_OK || reason == REASON_CERT_REVOKED || reason == REASON_BLOCKED;
    return final || !has_token ? reason : by_token(c, q, ret, detail);
}

typedef enum verdict_reason method_fn(struct judge_client *c, const struct authenticate_question *q,
                                      struct authentication *ret, struct error *detail);

static method_fn *const by_route[] = {
    [ROUTE_MUTUAL] = by_certificate, [ROUTE_SERVER] = by_token, [ROUTE_HOST] = authenticate_host};

static void name_methods(const struct bundle_endpoint *e, struct error *detail)
{
    char names[64] = "";
    for (enum choice_client m = CHOICE_PKI; m < CHOICE_CLIENTS; m++) {
        if (e->auth & CHOICE_BIT(m)) {
            size_t n = strlen(names);
            (void)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", choices_client_name(m));
        }
    }
    (void)error_set(detail, R_DENIED, "this endpoint takes: %s", names);
}

static bool takes(const struct bundle_endpoint *e, enum choice_client method)
{
    return !e || e->auth & CHOICE_BIT(method);
}

enum verdict_reason authenticate(struct judge_client *c, const struct authenticate_question *q,
                                 struct authentication *ret, struct error *detail)
{
    memset(ret, 0, sizeof *ret);
    *detail = (struct error){.remedy = NULL};
    enum verdict_reason reason = by_route[q->route](c, q, ret, detail);
    if (reason != REASON_OK || takes(q->endpoint, ret->identity.method))
        return reason;
    name_methods(q->endpoint, detail);
    return REASON_METHOD_NOT_ALLOWED_HERE;
}

/* --- still? --- */

/* NULL too while it is judged again: for a few seconds, what is under way goes on. */
static const char *reason_to_end(const struct judge_client *c, enum verdict_reason reason)
{
    bool waits = reason == REASON_TOO_MANY_REQUESTS && rejudge_waits(c);
    return reason == REASON_OK || waits ? NULL : verdict_reason_info(reason)->name;
}

static const char *certificate_ended(struct judge_client *c, const struct bundle_endpoint *e, int64_t now)
{
    struct error detail;
    return reason_to_end(c, by_certificate_here(c, e, now, &detail));
}

/* A token's end, or that of the key that it is bound to. */
static const char *token_ended(struct judge_client *c, const struct grant *token, const struct bundle_endpoint *e,
                               int64_t now)
{
    struct error detail;
    const char *why = grant_ended(token, c->judge->snapshot, e ? e->id : NULL, now);
    return why ? why : reason_to_end(c, by_certificate_bound(c, now, &detail));
}

const char *authenticate_ended(struct judge_client *c, const struct grant *token, const struct bundle_endpoint *e,
                               int64_t now)
{
    if (!takes(e, token ? grant_method(token) : CHOICE_PKI))
        return verdict_reason_info(REASON_METHOD_NOT_ALLOWED_HERE)->name;
    if (c->credential.certificate && shown_verdict_blocked(c->judge->snapshot->bundle, &c->credential))
        return "blocked";
    return token ? token_ended(c, token, e, now) : certificate_ended(c, e, now);
}

const char *authenticate_still_holds(struct judge_client *c, int64_t now)
{
    const char *why = NULL;
    if (c->token)
        why = authenticate_ended(c, c->token, NULL, now);
    if (!why && c->certificate_until)
        why = authenticate_ended(c, NULL, NULL, now);
    return why;
}
