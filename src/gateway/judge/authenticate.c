/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/judge/authenticate.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/mem.h"
#include "gateway/judge/responder.h"
#include "gateway/snapshot/sources.h"
#include "verdict/remedy.h"

/* CERTIFICATE_FIELD_MAX: HTTP/2 takes fields of 64 KiB, and heads; a request has fields of its own (PROTOCOL 6). */
enum { CERTIFICATE_FIELD_MAX = 48 * 1024, PUT_OFF_S = 60 };

/* --- blocks --- */

static bool certificate_blocked(const struct bundle *b, const struct credential *c)
{
    return bundle_blocks_certificate(b, slice_make(c->sha256_hex, PKI_HASH_HEX - 1)) ||
           bundle_blocks_spki(b, slice_make(c->spki_hex, PKI_HASH_HEX - 1));
}

static bool token_blocked(const struct bundle *b, const char *guid, const char *id)
{
    return (guid[0] && bundle_blocks_guid(b, slice_of(guid))) || (id[0] && bundle_blocks_token(b, slice_of(id)));
}

/* --- certificate --- */

/* on_unavailable: allow. Once a verdict, so once a device and generation at most. */
static void alert_unchecked(struct gateway_worker *w, const struct pki_verdict *v)
{
    metric_add(&w->metrics, METRIC_UNCHECKED, 1);
    LOG_GATHERED(LOG_WARN, "pki", v->identity, "unchecked", "let in unchecked", LOG_T("client", v->identity),
                 LOG_T("detail", v->detail));
}

/* Says in the verdict where they are sought. */
static void want_lists(struct gateway_worker *w, struct judged *r)
{
    struct pki_verdict *v = &r->verdict;
    if (r->places.count && (v->unchecked || verdict_reason_lacks_list(v->reason)))
        sources_want_lists(w->gateway, w->snapshot->bundle, &r->places, v);
}

/* Time alone may change it. */
static bool passes(enum verdict_reason reason)
{
    return reason == REASON_CERT_NOT_YET_VALID || reason == REASON_CERT_REVOKED || reason == REASON_TOO_MANY_REQUESTS ||
           verdict_reason_lacks_list(reason);
}

static void keep_refusal(struct credential *c, const struct judged *r)
{
    if (!c->refused)
        c->refused = mem_array(1, sizeof *c->refused);
    *c->refused = r->verdict;
    if (!passes(r->verdict.reason))
        c->refused->valid_until = INT64_MAX; /* else for as long as pki/trust.h says */
    c->refused_generation = r->generation;
}

void authenticate_keep(struct gateway_worker *w, struct credential *c, struct judged *r)
{
    want_lists(w, r);
    if (r->verdict.unchecked)
        alert_unchecked(w, &r->verdict);
    if (r->verdict.reason != REASON_OK) {
        keep_refusal(c, r);
        return;
    }
    struct cached_verdict kept = {.generation = r->generation, .valid_until = r->verdict.valid_until};
    kept.certificate = r->verdict;
    verdict_cache_put(w->verdicts, c->sha256, &kept);
}

/* What was found before: acceptance, which a certificate has wherever it is shown, or the refusal of what was shown
 * here. NULL: nothing that still counts. */
static const struct pki_verdict *known_verdict(struct gateway_worker *w, const struct credential *c, int64_t now)
{
    uint64_t generation = w->snapshot->generation;
    const struct cached_verdict *known = verdict_cache_get(w->verdicts, c->sha256, generation, now);
    if (known)
        return &known->certificate;
    bool counts = c->refused && c->refused_generation == generation && now < c->refused->valid_until;
    return counts ? c->refused : NULL;
}

/* What an answer of a responder may change is not kept. */
static bool may_change(const struct pki_verdict *v, const struct pki_ocsp_questions *open)
{
    return (open && open->count) || verdict_reason_lacks_list(v->reason);
}

bool authenticate_first(struct gateway_worker *w, struct credential *c, int64_t now,
                        struct pki_ocsp_questions *ret_open)
{
    struct judged r;
    if (known_verdict(w, c, now))
        return true;
    judging_now(w, c, NULL, now, ret_open, &r);
    if (r.verdict.unfinished)
        return false;
    metric_add(&w->metrics, METRIC_VERDICTS, 1);
    if (may_change(&r.verdict, ret_open))
        want_lists(w, &r);
    else
        authenticate_keep(w, c, &r);
    return true;
}

void authenticate_put_off(struct gateway_worker *w, struct credential *c, int64_t now)
{
    struct judged r = {.generation = w->snapshot ? w->snapshot->generation : 0};
    r.verdict.reason = REASON_TOO_MANY_REQUESTS;
    r.verdict.valid_until = now + PUT_OFF_S;
    cstr_copy(r.verdict.detail, sizeof r.verdict.detail,
              "the certificates that were shown take long to be judged, and too many wait for that: connect again, and "
              "show only those between the device's and its root");
    keep_refusal(c, &r);
}

/* The verdict, once a connection at most while nothing changes; it lives in *ret or as long as the cache is let be. */
static const struct pki_verdict *judge_certificate(struct gateway_connection *c, int64_t now, struct judged *ret)
{
    struct gateway_worker *w = c->worker;
    const struct pki_verdict *known = known_verdict(w, &c->credential, now);
    if (known) {
        metric_add(&w->metrics, METRIC_VERDICTS_CACHED, 1);
        rejudge_over(&c->rejudge);
        return known;
    }
    rejudge_certificate(c, now, ret);
    if (ret->verdict.reason == REASON_TOO_MANY_REQUESTS)
        return &ret->verdict;
    metric_add(&w->metrics, METRIC_VERDICTS, 1);
    rejudge_over(&c->rejudge);
    if (may_change(&ret->verdict, NULL))
        want_lists(w, ret);
    else
        authenticate_keep(w, &c->credential, ret);
    return &ret->verdict;
}

enum verdict_reason authenticate_certificate(struct gateway_worker *w, const struct credential *c, struct judged *r)
{
    want_lists(w, r);
    if (r->verdict.reason != REASON_OK)
        return r->verdict.reason;
    return certificate_blocked(w->snapshot->bundle, c) ? REASON_BLOCKED : REASON_OK;
}

static enum verdict_reason check_certificate(struct gateway_connection *c, int64_t now, char *subject, size_t size,
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
    return certificate_blocked(c->worker->snapshot->bundle, &c->credential) ? REASON_BLOCKED : REASON_OK;
}

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
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 && EVP_DigestUpdate(md, c->sha256, PKI_SHA256) == 1;
    for (int i = 0; ok && i < sk_X509_num(c->sent); i++) {
        pki_cert_sha256(sk_X509_value(c->sent, i), sha256);
        ok = EVP_DigestUpdate(md, sha256, sizeof sha256) == 1;
    }
    if (!ok || EVP_DigestUpdate(md, e->id, strlen(e->id)) != 1 || EVP_DigestFinal_ex(md, ret, NULL) != 1)
        fatal("SHA-256 failed");
    EVP_MD_CTX_free(md);
}

void authenticate_keep_below(struct gateway_worker *w, const unsigned char key[VERDICT_KEY_SIZE], struct judged *r)
{
    struct cached_verdict fresh = {.generation = r->generation, .valid_until = r->verdict.valid_until};
    want_lists(w, r);
    fresh.certificate = r->verdict;
    if (!may_change(&r->verdict, NULL))
        verdict_cache_put(w->verdicts, key, &fresh);
}

/* Renewed roots and cross-certificates make several paths of one certificate: does another one end where it counts? */
static enum verdict_reason seek_another_path(struct gateway_connection *c, const struct bundle_endpoint *e, int64_t now,
                                             struct error *detail)
{
    struct gateway_worker *w = c->worker;
    struct judged r;
    unsigned char key[VERDICT_KEY_SIZE];
    endpoint_key(&c->credential, e, key);
    const struct cached_verdict *known = verdict_cache_get(w->verdicts, key, w->snapshot->generation, now);
    if (known) {
        r.verdict = known->certificate;
    } else {
        rejudge_below(c, e, key, now, &r);
        (void)error_set(detail, R_AGAIN, "%s", r.verdict.detail);
        if (r.verdict.reason == REASON_TOO_MANY_REQUESTS)
            return REASON_TOO_MANY_REQUESTS;
        authenticate_keep_below(w, key, &r);
    }
    if (r.verdict.reason == REASON_OK)
        return REASON_OK;
    (void)error_set(detail, R_DENIED, "endpoint %s takes certificates below other roots than this one's", e->id);
    error_remedy(detail, verdict_remedy(REMEDY_ENDPOINT_ANCHORS));
    return REASON_CERT_UNTRUSTED_ROOT;
}

/* A good certificate, at this endpoint (NULL: the gateway's own answers). `anchor`: where its path ends. */
static enum verdict_reason check_certificate_here(struct gateway_connection *c, const struct bundle_endpoint *e,
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

/* NULL: the reason's own, that of a path which takes either. */
static const char *no_certificate_remedy(const struct authenticate_question *q)
{
    if (q->endpoint && !(q->endpoint->auth & ~CHOICE_BIT(CHOICE_PKI)))
        return verdict_remedy(REMEDY_CERTIFICATES_ALONE);
    return q->kind == TARGET_PLAIN ? verdict_remedy(REMEDY_EITHER_BY_HOST) : NULL;
}

static enum verdict_reason authenticate_pki(struct gateway_connection *c, const struct authenticate_question *q,
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
static enum verdict_reason bound_to_revoked(struct gateway_connection *c, int64_t now, struct error *detail)
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

/* --- token --- */

/* The bearer token of the request: in Authorization on path routes, in CMG-Authorization on host routes, whose
 * upstreams own Authorization (PROTOCOL 6). RFC 6750 2.1; the scheme's name ignores case (RFC 9110 11.1). */
static struct slice token_field(const struct authenticate_question *q)
{
    return q->kind == TARGET_PLAIN ? SLICE("cmg-authorization") : SLICE("authorization");
}

static struct slice bearer(const struct authenticate_question *q)
{
    struct slice name = token_field(q);
    struct slice value = http_fields_get(&q->request->fields, name);
    if (http_fields_count(&q->request->fields, name) != 1 || !slice_starts_nocase(value, SLICE("Bearer ")))
        return SLICE_NONE;
    return slice_trim(slice_skip(value, 7));
}

/* One token means another thing with another certificate or for another purpose: all three make the key. */
static void token_key(const struct gateway_connection *c, struct slice text, enum token_purpose purpose,
                      unsigned char ret[VERDICT_KEY_SIZE])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char tag = (unsigned char)purpose;
    if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 || EVP_DigestUpdate(md, &tag, 1) != 1 ||
        EVP_DigestUpdate(md, c->credential.sha256, PKI_SHA256) != 1 || EVP_DigestUpdate(md, text.ptr, text.len) != 1 ||
        EVP_DigestFinal_ex(md, ret, NULL) != 1)
        fatal("SHA-256 failed");
    EVP_MD_CTX_free(md);
}

/* What was let in before; NULL: to be judged. Only then is the token opened at all. */
static const struct cached_verdict *known_token(struct gateway_connection *c, int64_t now,
                                                const unsigned char key[VERDICT_KEY_SIZE])
{
    struct gateway_worker *w = c->worker;
    const struct cached_verdict *known = verdict_cache_get(w->verdicts, key, w->snapshot->generation, now);
    metric_add(&w->metrics, known ? METRIC_VERDICTS_CACHED : METRIC_VERDICTS, 1);
    return known;
}

static enum verdict_reason judge_token(struct gateway_connection *c, const struct authenticate_question *q,
                                       struct slice text, struct cached_verdict *ret, struct error *detail)
{
    const struct bundle *b = c->worker->snapshot->bundle;
    struct token_policy policy = {c->worker->gateway->config->bootstrap.site, b->token_keys,
                                  b->settings.renewal_grace_s};
    struct slice x5t = c->credential.certificate ? slice_of(c->credential.x5t) : SLICE_NONE;
    const struct token *t = &ret->token;
    ret->kind = CACHED_TOKEN;
    enum verdict_reason reason = token_judge(&policy, text, q->purpose, x5t, q->now, &ret->token, detail);
    ret->valid_until = t->expires + (t->in_grace ? policy.renewal_grace_s : 0) + TOKEN_LEEWAY_S;
    if (reason != REASON_OK || !grant_all_revoked(c->worker->snapshot, t->certificates, t->certificate_count, q->now))
        return reason;
    (void)error_set(detail, R_DENIED, "the certificates that the site knows of device %s are on their issuer's list",
                    t->subject);
    return REASON_TOKEN_REVOKED;
}

/* Of a tenant: good for registration and the token service alone (PROTOCOL 4), and for the gateway's own metadata, by
 * which a device finds them; a user's for the token service. */
static enum verdict_reason judge_entra(struct gateway_connection *c, const struct authenticate_question *q,
                                       struct slice text, struct cached_verdict *ret, struct error *detail)
{
    const struct snapshot *s = c->worker->snapshot;
    struct entra_token *t = &ret->entra;
    ret->kind = CACHED_ENTRA;
    enum verdict_reason reason = entra_judge(s->tenants, s->bundle->tenant_count, text, q->now, t, detail);
    if (reason == REASON_TOKEN_UNKNOWN_KEY) {
        size_t tenant = (size_t)(t->tenant - s->tenants);
        const char *source = s->bundle->tenant_infos[tenant].source;
        if (source)
            sources_unknown_key(c->worker->gateway, tenant, source);
    }
    ret->valid_until = t->expires + JWT_LEEWAY_S;
    bool opens = t->user[0] ? q->purpose == PURPOSE_STS : q->purpose <= PURPOSE_METADATA;
    if (reason != REASON_OK || opens)
        return reason;
    (void)error_set(detail, R_DENIED, "a token of tenant '%s' opens %s", t->tenant->id,
                    t->user[0] ? "the token service alone, being a user's"
                               : "registration and the token service alone");
    error_remedy(detail, verdict_remedy(REMEDY_TENANT_TOKEN));
    return REASON_TOKEN_WRONG_PURPOSE;
}

/* Once a verdict: who holds such a token may use it, so that its uses should be seen. */
static void tell_unbound(const struct gateway_connection *c, const struct foreign_token *t)
{
    LOG_GATHERED(LOG_INFO, "token", net_group_of(c->peer).text, "unbound",
                 "let in by an unbound token of a foreign site", LOG_T("site", t->site->id), LOG_T("token", t->id),
                 LOG_T("peer", c->peer));
}

/* Of a Configuration Manager site. Which endpoints it opens is asked of each request, not of the cache. */
static enum verdict_reason judge_foreign(struct gateway_connection *c, const struct authenticate_question *q,
                                         struct slice text, struct cached_verdict *ret, struct error *detail)
{
    const struct bundle *b = c->worker->snapshot->bundle;
    ret->kind = CACHED_FOREIGN;
    enum verdict_reason reason = foreign_judge(b->foreign, b->foreign_count, text, q->now, &ret->foreign, detail);
    ret->valid_until = ret->foreign.expires + JWT_LEEWAY_S;
    if (reason == REASON_OK)
        tell_unbound(c, &ret->foreign);
    return reason;
}

static enum verdict_reason check_foreign_endpoint(const struct cached_verdict *v, const struct authenticate_question *q,
                                                  struct error *detail)
{
    if (v->kind != CACHED_FOREIGN || foreign_opens(v->foreign.site, q->endpoint ? q->endpoint->id : NULL))
        return REASON_OK;
    (void)error_set(detail, R_DENIED, "tokens of the foreign site '%s' open: %.200s", v->foreign.site->id,
                    v->foreign.site->endpoints);
    error_remedy(detail, verdict_remedy(REMEDY_FOREIGN_ENDPOINT));
    return REASON_TOKEN_WRONG_PURPOSE;
}

typedef enum verdict_reason judge_fn(struct gateway_connection *c, const struct authenticate_question *q,
                                     struct slice text, struct cached_verdict *ret, struct error *detail);

static judge_fn *judge_for(const struct bundle *b, struct slice text)
{
    if (foreign_is(b->foreign, b->foreign_count, text))
        return judge_foreign;
    return entra_is_foreign(text) ? judge_entra : judge_token;
}

static void set_foreign_identity(const struct cached_verdict *v, struct authentication *ret)
{
    const struct foreign_token *t = &v->foreign;
    ret->identity.method = CHOICE_TOKEN;
    ret->identity.foreign = true;
    (void)snprintf(ret->identity.client_id, sizeof ret->identity.client_id, "foreign:%.24s:%s", t->site->id, t->id);
}

static void set_token_identity(const struct cached_verdict *v, struct authentication *ret)
{
    const struct token *t = &v->token;
    ret->identity.method = CHOICE_TOKEN;
    if (t->kind == TOKEN_BULK)
        (void)snprintf(ret->identity.client_id, sizeof ret->identity.client_id, "bulk:%s", t->id);
    else
        cstr_copy(ret->identity.client_id, sizeof ret->identity.client_id, t->subject);
}

static void set_entra_identity(const struct cached_verdict *v, struct authentication *ret)
{
    const struct entra_token *t = &v->entra;
    ret->identity.method = CHOICE_ENTRA;
    (void)snprintf(ret->identity.client_id, sizeof ret->identity.client_id, "entra:%.70s", t->device);
}

/* Many devices have one identity by such tokens, and none may take the others' connections: those of a bulk token, by
 * address; users of Entra. A tenant names devices and users as it likes, so it is a part of the name. */
static void set_holder(const struct gateway_connection *c, const struct cached_verdict *v, struct authentication *ret)
{
    if (c->of_device.holder)
        return;
    if (v->kind == CACHED_ENTRA)
        entra_device_key(v->entra.tenant->id, v->entra.device[0] ? v->entra.device : v->entra.user, ret->holder);
    else if (v->kind == CACHED_TOKEN && v->token.kind == TOKEN_BULK)
        (void)snprintf(ret->holder, sizeof ret->holder, "%s %s", ret->identity.client_id, net_group_of(c->peer).text);
}

/* The key is asked for as well: a blocked device's key opens nothing, whatever token comes with it. */
static bool sender_blocked(const struct gateway_connection *c, const struct cached_verdict *v)
{
    const struct bundle *b = c->worker->snapshot->bundle;
    bool blocked = false;
    if (v->kind == CACHED_TOKEN)
        blocked = token_blocked(b, v->token.subject, v->token.id);
    else if (v->kind == CACHED_FOREIGN)
        blocked = token_blocked(b, "", v->foreign.id);
    else
        blocked = v->entra.device[0] && bundle_blocks_entra(b, v->entra.tenant->id, v->entra.device);
    return blocked || (c->credential.certificate && certificate_blocked(b, &c->credential));
}

/* The site has forgotten the device, and all that it issued for it. */
static bool device_removed(const struct bundle *b, const struct cached_verdict *v)
{
    return v->kind == CACHED_TOKEN && v->token.subject[0] && bundle_lacks_device(b, slice_of(v->token.subject));
}

static const char *subject_of(const struct cached_verdict *v)
{
    if (v->kind == CACHED_FOREIGN)
        return v->foreign.id;
    if (v->kind == CACHED_ENTRA)
        return v->entra.user[0] ? v->entra.user : v->entra.device;
    return v->token.subject[0] ? v->token.subject : v->token.id;
}

typedef void identity_fn(const struct cached_verdict *v, struct authentication *ret);

static identity_fn *const set_identity[] = {
    [CACHED_TOKEN] = set_token_identity, [CACHED_ENTRA] = set_entra_identity, [CACHED_FOREIGN] = set_foreign_identity};

/* NULL: the reason's own, that of a path which takes either. */
static const char *no_token_remedy(const struct authenticate_question *q)
{
    if (q->kind == TARGET_PLAIN)
        return verdict_remedy(REMEDY_TOKEN_BY_HOST);
    bool alone = q->endpoint && !(q->endpoint->auth & CHOICE_BIT(CHOICE_PKI));
    return alone ? verdict_remedy(REMEDY_TOKENS_ALONE) : NULL;
}

static enum verdict_reason no_token(const struct authenticate_question *q, struct error *detail)
{
    struct slice name = token_field(q);
    size_t count = http_fields_count(&q->request->fields, name);
    if (count > 1)
        (void)error_set(detail, R_DENIED, "the field %.*s came %zu times: which token is meant can't be told",
                        (int)name.len, name.ptr, count);
    else if (count == 1)
        (void)error_set(detail, R_DENIED, "the field %.*s holds no bearer token", (int)name.len, name.ptr);
    error_remedy(detail, count > 1 ? verdict_remedy(REMEDY_TWO_FIELDS) : no_token_remedy(q));
    return REASON_TOKEN_MISSING;
}

static enum verdict_reason authenticate_token(struct gateway_connection *c, const struct authenticate_question *q,
                                              struct authentication *ret, struct error *detail)
{
    struct gateway_worker *w = c->worker;
    struct slice text = bearer(q);
    if (!text.ptr)
        return no_token(q, detail);
    enum verdict_reason reason = bound_to_revoked(c, q->now, detail);
    if (reason != REASON_OK)
        return reason;
    unsigned char key[VERDICT_KEY_SIZE];
    token_key(c, text, q->purpose, key);
    struct cached_verdict fresh;
    const struct cached_verdict *v = known_token(c, q->now, key);
    if (!v) {
        memset(&fresh, 0, sizeof fresh);
        fresh.generation = w->snapshot->generation;
        reason = judge_for(w->snapshot->bundle, text)(c, q, text, &fresh, detail);
        cstr_copy(ret->subject, sizeof ret->subject, subject_of(&fresh));
        if (reason != REASON_OK)
            return reason;
        verdict_cache_put(w->verdicts, key, &fresh);
        v = &fresh;
    }
    cstr_copy(ret->subject, sizeof ret->subject, subject_of(v));
    if (device_removed(w->snapshot->bundle, v))
        return REASON_TOKEN_REVOKED;
    if (sender_blocked(c, v))
        return REASON_BLOCKED;
    reason = check_foreign_endpoint(v, q, detail);
    if (reason != REASON_OK)
        return reason;
    set_identity[v->kind](v, ret);
    set_holder(c, v, ret);
    c->token = grant_of(c->token, key, v);
    return REASON_OK;
}

/* --- which of them --- */

/* A host route: the certificate first, then a bearer token (PROTOCOL 6); what was revoked or blocked stays so. */
static enum verdict_reason authenticate_host(struct gateway_connection *c, const struct authenticate_question *q,
                                             struct authentication *ret, struct error *detail)
{
    bool has_token = bearer(q).ptr != NULL;
    if (!c->credential.certificate && (has_token || !(q->endpoint->auth & CHOICE_BIT(CHOICE_PKI))))
        return authenticate_token(c, q, ret, detail);
    enum verdict_reason reason = authenticate_pki(c, q, ret, detail);
    bool final = reason == REASON_OK || reason == REASON_CERT_REVOKED || reason == REASON_BLOCKED;
    return final || !has_token ? reason : authenticate_token(c, q, ret, detail);
}

typedef enum verdict_reason method_fn(struct gateway_connection *c, const struct authenticate_question *q,
                                      struct authentication *ret, struct error *detail);

static method_fn *const by_route[] = {
    [TARGET_MUTUAL] = authenticate_pki, [TARGET_SERVER] = authenticate_token, [TARGET_PLAIN] = authenticate_host};

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

enum verdict_reason authenticate(struct gateway_connection *c, const struct authenticate_question *q,
                                 struct authentication *ret, struct error *detail)
{
    memset(ret, 0, sizeof *ret);
    *detail = (struct error){.remedy = NULL};
    enum verdict_reason reason = by_route[q->kind](c, q, ret, detail);
    if (reason != REASON_OK || takes(q->endpoint, ret->identity.method))
        return reason;
    name_methods(q->endpoint, detail);
    return REASON_METHOD_NOT_ALLOWED_HERE;
}

/* --- still? --- */

/* NULL too while it is judged again: for a few seconds, what is under way goes on. */
static const char *reason_to_end(const struct gateway_connection *c, enum verdict_reason reason)
{
    bool waits = reason == REASON_TOO_MANY_REQUESTS && rejudge_waits(c);
    return reason == REASON_OK || waits ? NULL : verdict_reason_info(reason)->name;
}

static const char *certificate_ended(struct gateway_connection *c, const struct bundle_endpoint *e, int64_t now)
{
    unsigned char anchor[PKI_SHA256];
    char subject[256];
    struct error detail;
    enum verdict_reason reason = check_certificate(c, now, subject, sizeof subject, anchor, &detail);
    if (reason == REASON_OK)
        reason = check_certificate_here(c, e, anchor, now, &detail);
    return reason_to_end(c, reason);
}

/* A token's end, or that of the key that it is bound to. */
static const char *token_ended(struct gateway_connection *c, const struct grant *token, const struct bundle_endpoint *e,
                               int64_t now)
{
    struct error detail;
    const char *why = grant_ended(token, c->worker->snapshot, e ? e->id : NULL, now);
    return why ? why : reason_to_end(c, bound_to_revoked(c, now, &detail));
}

const char *authenticate_ended(struct gateway_connection *c, const struct grant *token, const struct bundle_endpoint *e,
                               int64_t now)
{
    if (!takes(e, token ? grant_method(token) : CHOICE_PKI))
        return verdict_reason_info(REASON_METHOD_NOT_ALLOWED_HERE)->name;
    if (c->credential.certificate && certificate_blocked(c->worker->snapshot->bundle, &c->credential))
        return "blocked";
    return token ? token_ended(c, token, e, now) : certificate_ended(c, e, now);
}

const char *authenticate_still_holds(struct gateway_connection *c, int64_t now)
{
    const char *why = NULL;
    if (c->token)
        why = authenticate_ended(c, c->token, NULL, now);
    if (!why && c->certificate_until)
        why = authenticate_ended(c, NULL, NULL, now);
    return why;
}
