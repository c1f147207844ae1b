/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of Microsoft's tokens against the tenants of the site. Pure: keys are fetched elsewhere (source/), signatures
 * verified in jose/jws. */
#include "jose/entra.h"

#include <stdio.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/text/encode.h"
#include "base/utf8.h"
#include "digest/digest.h"
#include "verdict/remedy.h"
#include "json/json.h"

static const struct slice site_issuers = {"urn:opencmg:", 12};

static const char *text_claim(const json_t *claims, const char *name)
{
    return json_opt_str(claims, name, "");
}

json_t *entra_issuers(const char *tenant)
{
    return json_pack("[o, o]", json_sprintf(ENTRA_AUTHORITY "%s/v2.0", tenant),
                     json_sprintf("https://sts.windows.net/%s/", tenant));
}

void entra_device_key(const char *tenant, const char *device, char ret[ENTRA_KEY_HEX])
{
    char text[2 * ENTRA_NAME_MAX];
    (void)snprintf(text, sizeof text, "%s/%s", tenant, device);
    digest_hex_of(slice_of(text), ret);
}

/* --- which tenant --- */

bool entra_is_foreign(struct slice text)
{
    json_t *header, *claims;
    if (jose_peek(text, JOSE_TOKEN_MAX, &header, &claims, NULL) != OK)
        return false;
    const char *issuer = text_claim(claims, "iss");
    bool foreign = *issuer && !slice_starts(slice_of(issuer), site_issuers);
    json_decref(header);
    json_decref(claims);
    return foreign;
}

static const struct entra_tenant *find(const struct entra_tenant *list, size_t count, const char *issuer)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_is_word_of(slice_of(issuer), list[i].issuers))
            return &list[i];
    }
    return NULL;
}

/* Nothing in the token is believed yet: it only chooses whose keys it is held against. The audience, too, must be one
 * of the tenant's in the end. */
static enum verdict_reason choose(const struct entra_tenant *list, size_t count, const json_t *claims,
                                  const struct entra_tenant **ret, struct error *detail)
{
    const char *issuer = text_claim(claims, "iss");
    *ret = find(list, count, issuer);
    if (*ret)
        return REASON_OK;
    const char *tenant = text_claim(claims, ENTRA_TENANT_CLAIM);
    for (size_t i = 0; *tenant && i < count; i++) {
        if (strcasecmp(list[i].tenant, tenant) == 0) {
            (void)error_set(detail, R_DENIED, "the token's issuer is '%.200s'; tenant '%s' expects: %.200s", issuer,
                            list[i].id, list[i].issuers);
            return REASON_TOKEN_WRONG_ISSUER;
        }
    }
    (void)error_set(detail, R_DENIED,
                    "the token's issuer is '%.200s'%s%.60s; no tenant that was added and is enabled has it", issuer,
                    *tenant ? ", its tenant " : "", tenant);
    return REASON_TOKEN_UNKNOWN_TENANT;
}

/* The one of the tenant's audiences that the token has, else the first, which it is then told to lack. */
static void choose_audience(const struct entra_tenant *t, const json_t *claims, char *ret, size_t size)
{
    const json_t *aud = json_object_get(claims, "aud");
    struct slice rest = slice_of(t->audiences), first = SLICE_NONE;
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (!word.len)
            continue;
        if (!first.ptr)
            first = word;
        bool has = json_is_string(aud) ? slice_eq(word, slice_of(json_string_value(aud))) : json_array_has(aud, word);
        if (has) {
            first = word;
            break;
        }
    }
    if (!first.ptr || !slice_to_cstr(first, ret, size))
        ret[0] = '\0';
}

/* --- who --- */

/* Names are compared ignoring case everywhere, so they are kept small. false: not a name. */
static bool take_name(const char *text, char *ret, size_t size)
{
    size_t len = strlen(text);
    if (len >= size || !utf8_all_shown(slice_make(text, len)))
        return false;
    for (size_t i = 0; i <= len; i++)
        ret[i] = ascii_lower(text[i]);
    return true;
}

/* A name that is there and is no text is not as good as none: who has it would pass for a device. */
static bool take_claim(const json_t *claims, const char *name, char *ret, size_t size)
{
    const json_t *claim = json_object_get(claims, name);
    return !claim || json_is_null(claim) || (json_is_string(claim) && take_name(json_string_value(claim), ret, size));
}

static bool take_user(const struct entra_tenant *t, const json_t *claims, char *ret, size_t size)
{
    struct slice rest = slice_of(t->user_claims);
    char name[64];
    while (rest.ptr && !ret[0]) {
        struct slice word = slice_cut(&rest, ' ');
        if (word.len && slice_to_cstr(word, name, sizeof name) && !take_claim(claims, name, ret, size))
            return false;
    }
    return true;
}

/* Entra marks what it issued for a user, who may have no name in it (a guest, a token of v2 without `profile`): by
 * `idtyp`, else by `scp`, which only delegated permissions have. */
static bool is_a_users(const json_t *claims)
{
    const char *type = text_claim(claims, "idtyp");
    return *type ? strcasecmp(type, "user") == 0 : json_object_get(claims, "scp") != NULL;
}

static enum verdict_reason take_who(const struct entra_tenant *t, const json_t *claims, struct entra_token *ret,
                                    struct error *detail)
{
    const char *tenant = text_claim(claims, t->tenant_claim);
    if (*t->tenant && strcasecmp(tenant, t->tenant) != 0) {
        (void)error_set(detail, R_DENIED, "its tenant (claim '%s') is '%.60s', '%s' is %.60s", t->tenant_claim, tenant,
                        t->id, t->tenant);
        return REASON_TOKEN_UNKNOWN_TENANT;
    }
    if (!take_claim(claims, t->device_claim, ret->device, sizeof ret->device) ||
        !take_user(t, claims, ret->user, sizeof ret->user)) {
        (void)error_set(detail, R_INVALID, "a name in it is no text, is too long or holds control characters");
        return REASON_TOKEN_MALFORMED;
    }
    if (ret->user[0] || (ret->device[0] && !is_a_users(claims)))
        return REASON_OK;
    if (ret->device[0])
        (void)error_set(detail, R_DENIED, "it was issued for a user, whom it does not name (claims %s)",
                        t->user_claims);
    else
        (void)error_set(detail, R_DENIED, "it names no device (claim '%s') and no user (claims %s)", t->device_claim,
                        t->user_claims);
    error_remedy(detail, verdict_remedy(REMEDY_NO_DEVICE));
    return REASON_TOKEN_WRONG_PURPOSE;
}

/* --- all of it --- */

static enum verdict_reason judge(const struct entra_tenant *t, const json_t *unproven, struct slice text, int64_t now,
                                 struct entra_token *ret, struct error *detail)
{
    char audience[512], issuer[512];
    ret->tenant = t;
    choose_audience(t, unproven, audience, sizeof audience);
    if (!slice_to_cstr(slice_of(text_claim(unproven, "iss")), issuer, sizeof issuer))
        return REASON_TOKEN_WRONG_ISSUER; /* longer than any that can be onboarded */
    if (!t->keys) {
        (void)error_set(detail, R_AGAIN, "the keys of tenant '%s' are not at hand", t->id);
        return REASON_TOKEN_UNKNOWN_KEY;
    }
    struct jwt_policy policy = {t->keys, t->algorithms, issuer, audience};
    json_t *claims;
    enum verdict_reason reason = jwt_judge(&policy, text, now, &claims, detail);
    if (reason != REASON_OK)
        return reason;
    *ret = (struct entra_token){.tenant = t, .expires = (int64_t)json_number_value(json_object_get(claims, "exp"))};
    reason = take_who(t, claims, ret, detail);
    json_decref(claims);
    return reason;
}

enum verdict_reason entra_judge(const struct entra_tenant *list, size_t count, struct slice text, int64_t now,
                                struct entra_token *ret, struct error *detail)
{
    struct error local;
    json_t *header, *claims;
    const struct entra_tenant *t;
    detail = detail ? detail : &local;
    *detail = (struct error){.remedy = NULL};
    *ret = (struct entra_token){0};
    if (jose_peek(text, JOSE_TOKEN_MAX, &header, &claims, detail) != OK)
        return REASON_TOKEN_MALFORMED;
    enum verdict_reason reason = choose(list, count, claims, &t, detail);
    if (reason == REASON_OK)
        reason = judge(t, claims, text, now, ret, detail);
    json_decref(header);
    json_decref(claims);
    return reason;
}
