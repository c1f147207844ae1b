/* SPDX-License-Identifier: Apache-2.0 */
/* Lets in by bearer token: the site's own (jose/token.h), a tenant's (jose/entra.h), a foreign site's (jose/foreign.h).
 * Only what was let in is cached. In the worker's thread; what opened a request is kept as a grant (judge/grant.h). */
#include "gateway/judge/by_token.h"

#include "base/host/gather.h"
#include "digest/digest.h"
#include "gateway/judge/by_certificate.h"
#include "gateway/judge/shown_verdict.h"
#include "tunnel/device.h"
#include "verdict/remedy.h"

static bool token_blocked(const struct bundle *b, const char *guid, const char *id)
{
    return (guid[0] && bundle_blocks_guid(b, slice_of(guid))) || (id[0] && bundle_blocks_token(b, slice_of(id)));
}

/* --- where it stands --- */

/* The bearer token of the request: in Authorization on path routes, in CMG-Authorization on host routes, whose
 * upstreams own Authorization (PROTOCOL 6). RFC 6750 2.1; the scheme's name ignores case (RFC 9110 11.1). */
static struct slice token_field(const struct authenticate_question *q)
{
    return q->route == ROUTE_HOST ? SLICE("cmg-authorization") : SLICE("authorization");
}

struct slice by_token_text(const struct authenticate_question *q)
{
    struct slice name = token_field(q);
    struct slice value = http_fields_get(&q->request->fields, name);
    if (http_fields_count(&q->request->fields, name) != 1 || !slice_starts_nocase(value, SLICE("Bearer ")))
        return SLICE_NONE;
    return slice_trim(slice_skip(value, 7));
}

/* --- the verdict --- */

/* One token means another thing with another certificate or for another purpose: all three make the key. */
static void token_key(const struct judge_client *c, struct slice text, enum token_purpose purpose,
                      unsigned char ret[VERDICT_KEY_SIZE])
{
    unsigned char tag = (unsigned char)purpose;
    struct digest *d = digest_new();
    digest_add(d, slice_make(&tag, 1));
    digest_add(d, slice_make(c->credential.sha256, PKI_SHA256));
    digest_add(d, text);
    digest_end(d, ret);
}

/* What was let in before; NULL: to be judged. Only then is the token opened at all. */
static const struct cached_verdict *known_token(struct judge_client *c, int64_t now,
                                                const unsigned char key[VERDICT_KEY_SIZE])
{
    struct gateway_judge *j = c->judge;
    const struct cached_verdict *known = verdict_cache_get(j->verdicts, key, j->snapshot->generation, now);
    metric_add(j->metrics, known ? METRIC_VERDICTS_CACHED : METRIC_VERDICTS, 1);
    return known;
}

static enum verdict_reason judge_token(struct judge_client *c, const struct authenticate_question *q, struct slice text,
                                       struct cached_verdict *ret, struct error *detail)
{
    const struct bundle *b = c->judge->snapshot->bundle;
    struct token_policy policy = {c->judge->site, b->token_keys, b->settings.renewal_grace_s};
    struct slice x5t = c->credential.certificate ? slice_of(c->credential.x5t) : SLICE_NONE;
    const struct token *t = &ret->token;
    ret->kind = CACHED_TOKEN;
    enum verdict_reason reason = token_judge(&policy, text, q->purpose, x5t, q->now, &ret->token, detail);
    ret->valid_until = t->expires + (t->in_grace ? policy.renewal_grace_s : 0) + TOKEN_LEEWAY_S;
    if (reason != REASON_OK || !grant_all_revoked(c->judge->snapshot, t->certificates, t->certificate_count, q->now))
        return reason;
    (void)error_set(detail, R_DENIED, "the certificates that the site knows of device %s are on their issuer's list",
                    t->subject);
    return REASON_TOKEN_REVOKED;
}

/* Of a tenant: good for registration and the token service alone (PROTOCOL 4), and for the gateway's own metadata, by
 * which a device finds them; a user's for the token service. */
static enum verdict_reason judge_entra(struct judge_client *c, const struct authenticate_question *q, struct slice text,
                                       struct cached_verdict *ret, struct error *detail)
{
    const struct snapshot *s = c->judge->snapshot;
    struct entra_token *t = &ret->entra;
    ret->kind = CACHED_ENTRA;
    enum verdict_reason reason = entra_judge(s->tenants, s->bundle->tenant_count, text, q->now, t, detail);
    if (reason == REASON_TOKEN_UNKNOWN_KEY) {
        size_t tenant = (size_t)(t->tenant - s->tenants);
        const char *source = s->bundle->tenant_infos[tenant].source;
        if (source)
            c->judge->hooks->unknown_key(c->judge->ctx, tenant, source);
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
static void tell_unbound(const struct judge_client *c, const struct foreign_token *t)
{
    LOG_GATHERED(LOG_INFO, "token", net_group_of(c->peer).text, "unbound",
                 "let in by an unbound token of a foreign site", LOG_T("site", t->site->id), LOG_T("token", t->id),
                 LOG_T("peer", c->peer));
}

/* Of a Configuration Manager site. Which endpoints it opens is asked of each request, not of the cache. */
static enum verdict_reason judge_foreign(struct judge_client *c, const struct authenticate_question *q,
                                         struct slice text, struct cached_verdict *ret, struct error *detail)
{
    const struct bundle *b = c->judge->snapshot->bundle;
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

typedef enum verdict_reason judge_fn(struct judge_client *c, const struct authenticate_question *q, struct slice text,
                                     struct cached_verdict *ret, struct error *detail);

static judge_fn *judge_for(const struct bundle *b, struct slice text)
{
    if (foreign_is(b->foreign, b->foreign_count, text))
        return judge_foreign;
    return entra_is_foreign(text) ? judge_entra : judge_token;
}

/* --- who it is --- */

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
        (void)snprintf(ret->identity.client_id, sizeof ret->identity.client_id, TUNNEL_BULK_ID "%s", t->id);
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
static void set_holder(const struct judge_client *c, const struct cached_verdict *v, struct authentication *ret)
{
    if (v->kind == CACHED_ENTRA)
        entra_device_key(v->entra.tenant->id, v->entra.device[0] ? v->entra.device : v->entra.user, ret->holder);
    else if (v->kind == CACHED_TOKEN && v->token.kind == TOKEN_BULK)
        (void)snprintf(ret->holder, sizeof ret->holder, "%s %s", ret->identity.client_id, net_group_of(c->peer).text);
}

/* The key is asked for as well: a blocked device's key opens nothing, whatever token comes with it. */
static bool sender_blocked(const struct judge_client *c, const struct cached_verdict *v)
{
    const struct bundle *b = c->judge->snapshot->bundle;
    bool blocked = false;
    if (v->kind == CACHED_TOKEN)
        blocked = token_blocked(b, v->token.subject, v->token.id);
    else if (v->kind == CACHED_FOREIGN)
        blocked = token_blocked(b, "", v->foreign.id);
    else
        blocked = v->entra.device[0] && bundle_blocks_entra(b, v->entra.tenant->id, v->entra.device);
    return blocked || (c->credential.certificate && shown_verdict_blocked(b, &c->credential));
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
    if (q->route == ROUTE_HOST)
        return verdict_remedy(REMEDY_TOKEN_BY_HOST);
    bool alone = q->endpoint && !(q->endpoint->auth & CHOICE_BIT(CHOICE_PKI));
    return alone ? verdict_remedy(REMEDY_TOKENS_ALONE) : NULL;
}

/* --- of a request --- */

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

enum verdict_reason by_token(struct judge_client *c, const struct authenticate_question *q, struct authentication *ret,
                             struct error *detail)
{
    struct gateway_judge *j = c->judge;
    struct slice text = by_token_text(q);
    if (!text.ptr)
        return no_token(q, detail);
    enum verdict_reason reason = by_certificate_bound(c, q->now, detail);
    if (reason != REASON_OK)
        return reason;

    unsigned char key[VERDICT_KEY_SIZE];
    token_key(c, text, q->purpose, key);
    struct cached_verdict fresh;
    const struct cached_verdict *v = known_token(c, q->now, key);
    if (!v) {
        memset(&fresh, 0, sizeof fresh);
        fresh.generation = j->snapshot->generation;
        reason = judge_for(j->snapshot->bundle, text)(c, q, text, &fresh, detail);
        cstr_copy(ret->subject, sizeof ret->subject, subject_of(&fresh));
        if (reason != REASON_OK)
            return reason;
        verdict_cache_put(j->verdicts, key, &fresh);
        v = &fresh;
    }

    cstr_copy(ret->subject, sizeof ret->subject, subject_of(v));
    if (device_removed(j->snapshot->bundle, v))
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
