/* SPDX-License-Identifier: Apache-2.0 */
/* Lets in by certificate: the verdict on the chain (judge/shown_verdict.h, or anew by judge/rejudge.h), blocks, and
 * which roots and which mode the endpoint wants. In the worker's thread; owns nothing. */
#include "gateway/judge/by_certificate.h"

#include "digest/digest.h"
#include "gateway/judge/shown_verdict.h"
#include "verdict/remedy.h"

/* HTTP/2 takes fields of 64 KiB, and heads; a request has fields of its own (PROTOCOL 6). */
enum { CERTIFICATE_FIELD_MAX = 48 * 1024 };

/* --- the certificate itself --- */

/* The verdict, once a connection at most while nothing changes; it lives in *ret or as long as the cache is let be. */
static const struct pki_verdict *judge_certificate(struct judge_client *c, int64_t now, struct judged *ret)
{
    struct gateway_judge *j = c->judge;
    const struct pki_verdict *known = shown_verdict_known(j, &c->credential, now);
    if (known) {
        metric_add(j->metrics, METRIC_VERDICTS_CACHED, 1);
        rejudge_over(&c->rejudge);
        return known;
    }

    rejudge_certificate(c, now, ret);
    if (ret->verdict.reason == REASON_TOO_MANY_REQUESTS)
        return &ret->verdict;
    metric_add(j->metrics, METRIC_VERDICTS, 1);
    rejudge_over(&c->rejudge);
    if (shown_verdict_may_change(&ret->verdict, NULL))
        shown_verdict_want_lists(j, ret);
    else
        shown_verdict_keep(j, &c->credential, ret);
    return &ret->verdict;
}

static enum verdict_reason check_certificate(struct judge_client *c, int64_t now, char *subject, size_t size,
                                             unsigned char ret_anchor[PKI_SHA256], struct error *detail)
{
    if (!c->credential.certificate)
        return REASON_CERT_MISSING;
    struct judged fresh;
    const struct pki_verdict *v = judge_certificate(c, now, &fresh);
    cstr_copy(subject, size, v->identity);
    if (v->reason != REASON_OK) {
        pki_verdict_tell(v, detail);
        return v->reason;
    }
    c->certificate_until = v->valid_until;
    memcpy(ret_anchor, v->anchor, PKI_SHA256);
    return shown_verdict_blocked(c->judge->snapshot->bundle, &c->credential) ? REASON_BLOCKED : REASON_OK;
}

/* --- at an endpoint --- */

/* One PKI's certificates are not another's: an endpoint may take those below its own anchors alone (PROTOCOL 1, 6). */
static bool anchor_counts(const struct bundle_endpoint *e, const unsigned char anchor[PKI_SHA256])
{
    bool ret = !e || e->client_anchor_count == 0;
    for (size_t i = 0; e && i < e->client_anchor_count; i++)
        ret |= memcmp(e->client_anchors[i], anchor, PKI_SHA256) == 0;
    return ret;
}

/* Of all that was shown: another chain may hold another path. */
static void endpoint_key(const struct credential *c, const struct bundle_endpoint *e,
                         unsigned char ret[VERDICT_KEY_SIZE])
{
    unsigned char sha256[PKI_SHA256];
    struct digest *d = digest_new();
    digest_add(d, slice_make(c->sha256, PKI_SHA256));
    for (int i = 0; i < sk_X509_num(c->sent); i++) {
        pki_cert_sha256(sk_X509_value(c->sent, i), sha256);
        digest_add(d, slice_make(sha256, sizeof sha256));
    }
    digest_add(d, slice_of(e->id));
    digest_end(d, ret);
}

/* Renewed roots and cross-certificates make several paths of one certificate: does another one end where it counts? */
static enum verdict_reason seek_another_path(struct judge_client *c, const struct bundle_endpoint *e, int64_t now,
                                             struct error *detail)
{
    struct gateway_judge *j = c->judge;
    struct judged r;
    unsigned char key[VERDICT_KEY_SIZE];
    endpoint_key(&c->credential, e, key);
    const struct cached_verdict *known = verdict_cache_get(j->verdicts, key, j->snapshot->generation, now);
    if (known) {
        r.verdict = known->certificate;
    } else {
        rejudge_below(c, e, key, now, &r);
        (void)error_set(detail, R_AGAIN, "%s", r.verdict.detail);
        if (r.verdict.reason == REASON_TOO_MANY_REQUESTS)
            return REASON_TOO_MANY_REQUESTS;
        shown_verdict_keep_below(j, key, &r);
    }

    if (r.verdict.reason == REASON_OK)
        return REASON_OK;
    (void)error_set(detail, R_DENIED, "endpoint %s takes certificates below other roots than this one's", e->id);
    error_remedy(detail, verdict_remedy(REMEDY_ENDPOINT_ANCHORS));
    return REASON_CERT_UNTRUSTED_ROOT;
}

/* A good certificate, at this endpoint (NULL: the gateway's own answers). `anchor`: where its path ends. */
static enum verdict_reason check_certificate_here(struct judge_client *c, const struct bundle_endpoint *e,
                                                  const unsigned char anchor[PKI_SHA256], int64_t now,
                                                  struct error *detail)
{
    enum verdict_reason reason = anchor_counts(e, anchor) ? REASON_OK : seek_another_path(c, e, now, detail);
    if (reason != REASON_OK)
        return reason;
    if (e && e->mp && !choices_mode_allows(e->mp->mode, CHOICE_PKI)) {
        const struct choices_line *rule = choices_forbids_client(e->mp->mode, CHOICE_PKI, 0);
        (void)error_set(detail, R_DENIED, "management point %s runs in mode %s (rule %s)", e->mp->id,
                        choices_mp_name(e->mp->mode), rule ? rule->id : "");
        return REASON_MODE_FORBIDS_PKI;
    }
    return REASON_OK;
}

enum verdict_reason by_certificate_here(struct judge_client *c, const struct bundle_endpoint *e, int64_t now,
                                        struct error *detail)
{
    unsigned char anchor[PKI_SHA256];
    char subject[256];
    enum verdict_reason reason = check_certificate(c, now, subject, sizeof subject, anchor, detail);
    return reason == REASON_OK ? check_certificate_here(c, e, anchor, now, detail) : reason;
}

/* --- of a request --- */

/* NULL: the reason's own, that of a path which takes either. */
static const char *no_certificate_remedy(const struct authenticate_question *q)
{
    if (q->endpoint && !(q->endpoint->auth & ~CHOICE_BIT(CHOICE_PKI)))
        return verdict_remedy(REMEDY_CERTIFICATES_ALONE);
    return q->route == ROUTE_HOST ? verdict_remedy(REMEDY_EITHER_BY_HOST) : NULL;
}

enum verdict_reason by_certificate(struct judge_client *c, const struct authenticate_question *q,
                                   struct authentication *ret, struct error *detail)
{
    unsigned char anchor[PKI_SHA256];
    enum verdict_reason reason = check_certificate(c, q->now, ret->subject, sizeof ret->subject, anchor, detail);
    if (reason == REASON_OK)
        reason = check_certificate_here(c, q->endpoint, anchor, q->now, detail);
    else if (reason == REASON_CERT_MISSING)
        error_remedy(detail, no_certificate_remedy(q));
    if (reason != REASON_OK)
        return reason;

    ret->identity.method = CHOICE_PKI;
    ret->identity.certificate = credential_field(&c->credential);
    if (q->endpoint && ret->identity.certificate.len > CERTIFICATE_FIELD_MAX) {
        (void)error_set(detail, R_LIMIT,
                        "certificate '%s' is too long to be named inside: %zu bytes in base64, at most %d",
                        ret->subject, ret->identity.certificate.len, CERTIFICATE_FIELD_MAX);
        return REASON_CERT_CONSTRAINT_VIOLATED;
    }
    memcpy(ret->identity.client_id, c->credential.sha256_hex, PKI_HASH_HEX);
    return REASON_OK;
}

/* The chain of a certificate that a token is bound to is not judged, possession is (PROTOCOL 4). But what an issuer of
 * ours took back opens nothing any more: its device's tokens end with it. One that a device made itself has no issuer.
 */
enum verdict_reason by_certificate_bound(struct judge_client *c, int64_t now, struct error *detail)
{
    struct judged fresh;
    if (!c->credential.certificate || pki_cert_self_issued(c->credential.certificate))
        return REASON_OK;
    const struct pki_verdict *v = judge_certificate(c, now, &fresh);
    if (v->reason != REASON_CERT_REVOKED && v->reason != REASON_TOO_MANY_REQUESTS)
        return REASON_OK;
    pki_verdict_tell(v, detail);
    return v->reason;
}
