/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authenticate.h"

#include <openssl/evp.h>

#include "base/clock.h"
#include "base/gather.h"
#include "base/mem.h"
#include "gateway/responder.h"
#include "gateway/sources.h"

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

/* `e`: the endpoint whose own anchors alone count; NULL: all do. */
static void judge_afresh(struct gateway_worker *w, const struct credential *c, int64_t now,
                         const struct bundle_endpoint *e, struct pki_ocsp_questions *open, struct pki_verdict *ret)
{
    struct pki_ocsp_oracle oracle = {responder_recall, w->gateway->responder, open};
    struct pki_list_places places;
    struct pki_question q = {.leaf = c->certificate, .sent = c->sent, .now = now, .ret_places = &places};
    if (responder_named(w->snapshot->bundle))
        q.oracle = &oracle;
    if (e) {
        q.below = e->client_anchors;
        q.below_count = e->client_anchor_count;
    }
    pki_trust_answer(w->snapshot->trust, &q, ret);
    if (places.count && (ret->unchecked || verdict_reason_lacks_list(ret->reason)))
        sources_want_lists(w->gateway, w->snapshot->bundle, &places, ret);
}

static const struct pki_verdict *judge_certificate(struct gateway_worker *w, const struct credential *c, int64_t now,
                                                   struct pki_ocsp_questions *open, struct cached_verdict *fresh)
{
    const struct cached_verdict *known = verdict_cache_get(w->verdicts, c->sha256, w->snapshot->generation, now);
    metric_add(&w->metrics, known ? METRIC_VERDICTS_CACHED : METRIC_VERDICTS, 1);
    if (known)
        return &known->certificate;
    *fresh = (struct cached_verdict){.generation = w->snapshot->generation};
    judge_afresh(w, c, now, NULL, open, &fresh->certificate);
    fresh->valid_until = fresh->certificate.valid_until;
    /* What is missing on one connection (an intermediate that was not sent) may come with the next: only acceptance
     * lasts. */
    if (fresh->certificate.unchecked && (!open || !open->count))
        alert_unchecked(w, &fresh->certificate);
    if (fresh->certificate.reason == REASON_OK && (!open || !open->count))
        verdict_cache_put(w->verdicts, c->sha256, fresh);
    return &fresh->certificate;
}

void authenticate_questions(struct gateway_worker *w, const struct credential *c, int64_t now,
                            struct pki_ocsp_questions *ret_open)
{
    struct cached_verdict fresh;
    (void)judge_certificate(w, c, now, ret_open, &fresh);
}

enum verdict_reason authenticate_certificate(struct gateway_worker *w, const struct credential *c, int64_t now,
                                             struct pki_ocsp_questions *ret_open, struct pki_verdict *ret)
{
    judge_afresh(w, c, now, NULL, ret_open, ret);
    if (ret->reason != REASON_OK)
        return ret->reason;
    return certificate_blocked(w->snapshot->bundle, c) ? REASON_BLOCKED : REASON_OK;
}

static enum verdict_reason check_certificate(struct gateway_connection *c, int64_t now, char *subject, size_t size,
                                             unsigned char ret_anchor[PKI_SHA256], struct error *detail)
{
    if (!c->credential.certificate)
        return REASON_CERT_MISSING;
    struct cached_verdict fresh;
    const struct pki_verdict *v = judge_certificate(c->worker, &c->credential, now, NULL, &fresh);
    cstr_copy(subject, size, v->identity);
    if (v->reason != REASON_OK) {
        (void)error_set(detail, R_DENIED, "%s", v->detail);
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

static void endpoint_key(const struct credential *c, const struct bundle_endpoint *e,
                         unsigned char ret[VERDICT_KEY_SIZE])
{
    char text[PKI_HASH_HEX + BUNDLE_ID_MAX + 1];
    int len = snprintf(text, sizeof text, "%s %s", c->sha256_hex, e->id);
    if (!EVP_Digest(text, (size_t)len, ret, NULL, EVP_sha256(), NULL))
        fatal("SHA-256 failed");
}

/* Renewed roots and cross-certificates make several paths of one certificate: does another one end where it counts? */
static bool another_path_counts(const struct gateway_connection *c, const struct bundle_endpoint *e, int64_t now)
{
    struct gateway_worker *w = c->worker;
    unsigned char key[VERDICT_KEY_SIZE];
    endpoint_key(&c->credential, e, key);
    if (verdict_cache_get(w->verdicts, key, w->snapshot->generation, now))
        return true;
    struct cached_verdict fresh = {.generation = w->snapshot->generation};
    judge_afresh(w, &c->credential, now, e, NULL, &fresh.certificate);
    fresh.valid_until = fresh.certificate.valid_until;
    if (fresh.certificate.reason == REASON_OK)
        verdict_cache_put(w->verdicts, key, &fresh);
    return fresh.certificate.reason == REASON_OK;
}

static enum verdict_reason authenticate_pki(struct gateway_connection *c, const struct authenticate_question *q,
                                            struct authentication *ret, struct error *detail)
{
    unsigned char anchor[PKI_SHA256];
    enum verdict_reason reason = check_certificate(c, q->now, ret->subject, sizeof ret->subject, anchor, detail);
    if (reason != REASON_OK)
        return reason;
    if (!anchor_counts(q->endpoint, anchor) && !another_path_counts(c, q->endpoint, q->now)) {
        (void)error_set(detail, R_DENIED, "endpoint %s takes certificates below other roots than this one's",
                        q->endpoint->id);
        return REASON_CERT_UNTRUSTED_ROOT;
    }
    if (q->endpoint && q->endpoint->mp && !choices_mode_allows(q->endpoint->mp->mode, CHOICE_PKI)) {
        const struct choices_line *rule = choices_forbids_client(q->endpoint->mp->mode, CHOICE_PKI, 0);
        (void)error_set(detail, R_DENIED, "management point %s runs in mode %s (rule %s)", q->endpoint->mp->id,
                        choices_mp_name(q->endpoint->mp->mode), rule ? rule->id : "");
        return REASON_MODE_FORBIDS_PKI;
    }
    ret->identity.method = CHOICE_PKI;
    ret->identity.certificate = credential_field(&c->credential);
    memcpy(ret->identity.client_id, c->credential.sha256_hex, PKI_HASH_HEX);
    return REASON_OK;
}

/* The chain of a certificate that a token is bound to is not judged, possession is (PROTOCOL 4). But what an issuer of
 * ours took back opens nothing any more: its device's tokens end with it. One that a device made itself has no issuer.
 */
static bool bound_to_revoked(struct gateway_connection *c, int64_t now, struct error *detail)
{
    struct cached_verdict fresh;
    if (!c->credential.certificate || pki_cert_self_issued(c->credential.certificate))
        return false;
    const struct pki_verdict *v = judge_certificate(c->worker, &c->credential, now, NULL, &fresh);
    if (v->reason != REASON_CERT_REVOKED)
        return false;
    (void)error_set(detail, R_DENIED, "%s", v->detail);
    return true;
}

/* --- token --- */

/* The bearer token of the request: in Authorization on path routes, in CMG-Authorization on host routes, whose
 * upstreams own Authorization (PROTOCOL 6). RFC 6750 2.1; the scheme's name ignores case (RFC 9110 11.1). */
static struct slice bearer(const struct authenticate_question *q)
{
    struct slice name = q->kind == TARGET_PLAIN ? SLICE("cmg-authorization") : SLICE("authorization");
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

/* A device that changed its method has a certificate of the PKI and a key of its own. The PKI takes back the device,
 * not a key: tokens end with the last of its certificates. */
static bool all_revoked(const struct gateway_worker *w, const struct pki_cert_ref *list, size_t count, int64_t now)
{
    bool ret = count > 0;
    for (size_t i = 0; i < count && ret; i++)
        ret = pki_trust_lists_cert(w->snapshot->trust, &list[i], now);
    return ret;
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
    if (reason != REASON_OK || !all_revoked(c->worker, t->certificates, t->certificate_count, q->now))
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
    return REASON_TOKEN_WRONG_PURPOSE;
}

/* Once a verdict: who holds such a token may use it, so that its uses should be seen. */
static void tell_unbound(const struct gateway_connection *c, const struct foreign_token *t)
{
    LOG_GATHERED(LOG_INFO, "token", c->peer, "unbound", "let in by an unbound token of a foreign site",
                 LOG_T("site", t->site->id), LOG_T("token", t->id), LOG_T("peer", c->peer));
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

static void set_foreign_identity(struct gateway_connection *c, const struct cached_verdict *v,
                                 struct authentication *ret)
{
    const struct foreign_token *t = &v->foreign;
    ret->identity.method = CHOICE_TOKEN;
    ret->identity.foreign = true;
    (void)snprintf(ret->identity.client_id, sizeof ret->identity.client_id, "foreign:%.24s:%s", t->site->id, t->id);
    c->token_guid[0] = '\0';
    cstr_copy(c->token_id, sizeof c->token_id, t->id);
    cstr_copy(c->token_site, sizeof c->token_site, t->site->id);
    c->token_until = v->valid_until;
}

static void keep_certificates(struct gateway_connection *c, const struct token *t)
{
    if (t->certificate_count == c->token_certificate_count && strcmp(c->token_id, t->id) == 0)
        return;
    free(c->token_certificates);
    c->token_certificates =
        t->certificate_count ? mem_array(t->certificate_count, sizeof *c->token_certificates) : NULL;
    c->token_certificate_count = t->certificate_count;
    for (size_t i = 0; i < t->certificate_count; i++)
        c->token_certificates[i] = t->certificates[i];
}

static void set_token_identity(struct gateway_connection *c, const struct cached_verdict *v, struct authentication *ret)
{
    const struct token *t = &v->token;
    ret->identity.method = CHOICE_TOKEN;
    if (t->kind == TOKEN_BULK)
        (void)snprintf(ret->identity.client_id, sizeof ret->identity.client_id, "bulk:%s", t->id);
    else
        cstr_copy(ret->identity.client_id, sizeof ret->identity.client_id, t->subject);
    keep_certificates(c, t);
    cstr_copy(c->token_guid, sizeof c->token_guid, t->subject);
    cstr_copy(c->token_id, sizeof c->token_id, t->id);
    c->token_site[0] = '\0';
    c->token_until = v->valid_until;
}

static void set_entra_identity(struct gateway_connection *c, const struct cached_verdict *v, struct authentication *ret)
{
    const struct entra_token *t = &v->entra;
    ret->identity.method = CHOICE_ENTRA;
    (void)snprintf(ret->identity.client_id, sizeof ret->identity.client_id, "entra:%.70s", t->device);
    c->token_guid[0] = c->token_id[0] = c->token_site[0] = '\0';
    c->token_until = v->valid_until;
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

typedef void identity_fn(struct gateway_connection *c, const struct cached_verdict *v, struct authentication *ret);

static identity_fn *const set_identity[] = {
    [CACHED_TOKEN] = set_token_identity, [CACHED_ENTRA] = set_entra_identity, [CACHED_FOREIGN] = set_foreign_identity};

static enum verdict_reason authenticate_token(struct gateway_connection *c, const struct authenticate_question *q,
                                              struct authentication *ret, struct error *detail)
{
    struct gateway_worker *w = c->worker;
    struct slice text = bearer(q);
    if (!text.ptr)
        return REASON_TOKEN_MISSING;
    if (bound_to_revoked(c, q->now, detail))
        return REASON_CERT_REVOKED;
    unsigned char key[VERDICT_KEY_SIZE];
    token_key(c, text, q->purpose, key);
    struct cached_verdict fresh;
    const struct cached_verdict *v = known_token(c, q->now, key);
    if (!v) {
        memset(&fresh, 0, sizeof fresh);
        fresh.generation = w->snapshot->generation;
        enum verdict_reason reason = judge_for(w->snapshot->bundle, text)(c, q, text, &fresh, detail);
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
    enum verdict_reason reason = check_foreign_endpoint(v, q, detail);
    if (reason == REASON_OK)
        set_identity[v->kind](c, v, ret);
    return reason;
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

enum verdict_reason authenticate(struct gateway_connection *c, const struct authenticate_question *q,
                                 struct authentication *ret, struct error *detail)
{
    memset(ret, 0, sizeof *ret);
    detail->text[0] = '\0';
    enum verdict_reason reason = by_route[q->kind](c, q, ret, detail);
    if (reason != REASON_OK || !q->endpoint || q->endpoint->auth & CHOICE_BIT(ret->identity.method))
        return reason;
    name_methods(q->endpoint, detail);
    return REASON_METHOD_NOT_ALLOWED_HERE;
}

const char *authenticate_still_holds(struct gateway_connection *c, int64_t now)
{
    const struct snapshot *s = c->worker->snapshot;
    char subject[256];
    struct error detail;
    if (!c->certificate_until && !c->token_until)
        return NULL; /* nothing was let in yet */
    if (c->credential.certificate && certificate_blocked(s->bundle, &c->credential))
        return "blocked";
    if (c->token_until && now >= c->token_until)
        return "expired";
    if (c->token_until && token_blocked(s->bundle, c->token_guid, c->token_id))
        return "blocked";
    if (c->token_until && c->token_guid[0] && bundle_lacks_device(s->bundle, slice_of(c->token_guid)))
        return "revoked";
    if (c->token_until && c->token_guid[0] &&
        all_revoked(c->worker, c->token_certificates, c->token_certificate_count, now))
        return "revoked";
    if (c->token_until && c->token_site[0] && !bundle_has_foreign(s->bundle, c->token_site))
        return "its foreign site is trusted no longer";
    if (!c->certificate_until)
        return bound_to_revoked(c, now, &detail) ? "revoked" : NULL;
    unsigned char anchor[PKI_SHA256];
    enum verdict_reason reason = check_certificate(c, now, subject, sizeof subject, anchor, &detail);
    return reason == REASON_OK ? NULL : verdict_reason_info(reason)->name;
}
