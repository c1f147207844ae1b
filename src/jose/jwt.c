/* SPDX-License-Identifier: Apache-2.0 */
/* One judge for tokens that others issued: signature, type, issuer, audience, times. Policy and clock are arguments;
 * keys are fetched elsewhere (source/). */
#include "jose/jwt.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "verdict/remedy.h"
#include "json/json.h"

enum { AUDIENCES_MAX = 16, AUDIENCES_SHOWN = 2 };
static const double time_max = 253402300799; /* the end of the year 9999 */

/* --- header --- */

/* RFC 8725 3.11: tokens for other things have other types (logout+jwt, dpop+jwt, cmg-device+jwt …). */
static bool type_ok(const json_t *header)
{
    static const char *const types[] = {"JWT", "at+jwt", "application/jwt", "application/at+jwt"};
    const json_t *typ = json_object_get(header, "typ");
    if (!typ)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (json_is_string(typ) && strcasecmp(json_string_value(typ), types[i]) == 0)
            return true;
    }
    return false;
}

static enum verdict_reason judge_header(const json_t *header, struct error *detail)
{
    if (json_object_get(header, "cty"))
        (void)error_set(detail, R_INVALID, "it holds another token ('cty'), which is not taken here");
    else if (!type_ok(header))
        (void)error_set(detail, R_INVALID, "its type ('typ') is that of a token for something else");
    else
        return REASON_OK;
    return REASON_TOKEN_MALFORMED;
}

/* --- claims --- */

static enum verdict_reason judge_issuer(const json_t *claims, const char *issuer, struct error *detail)
{
    const json_t *iss = json_object_get(claims, "iss");
    if (iss && !json_is_string(iss)) {
        (void)error_set(detail, R_INVALID, "claim 'iss' is no string");
        return REASON_TOKEN_MALFORMED;
    }
    if (iss && strcmp(json_string_value(iss), issuer) == 0)
        return REASON_OK;
    (void)error_set(detail, R_DENIED, "the token's issuer is '%.200s'; expected: %.200s",
                    iss ? json_string_value(iss) : "", issuer);
    return REASON_TOKEN_WRONG_ISSUER;
}

/* RFC 7519 4.1.2, 4.1.7: text, where they are there. */
static enum verdict_reason judge_names(const json_t *claims, struct error *detail)
{
    static const char *const names[] = {"sub", "jti"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *claim = json_object_get(claims, names[i]);
        if (claim && !json_is_string(claim)) {
            (void)error_set(detail, R_INVALID, "claim '%s' is no string", names[i]);
            return REASON_TOKEN_MALFORMED;
        }
    }
    return REASON_OK;
}

/* RFC 7519 4.1.3: a string or several. */
static bool audience_form_ok(const json_t *aud)
{
    if (json_is_string(aud))
        return true;
    size_t count = json_array_size(aud);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(aud, i)))
            return false;
    }
    return count > 0 && count <= AUDIENCES_MAX;
}

/* Its own, as far as it can be shown: the first ones of several. */
static void tell_audience(const json_t *aud, const char *wanted, struct error *detail)
{
    char own[200] = "", one[96];
    size_t count = json_is_array(aud) ? json_array_size(aud) : aud ? 1 : 0, used = 0;
    for (size_t i = 0; i < count && i < AUDIENCES_SHOWN; i++) {
        utf8_escape(slice_of(json_string_value(json_is_array(aud) ? json_array_get(aud, i) : aud)), one, sizeof one);
        int n = snprintf(own + used, sizeof own - used, "%s'%s'", i ? ", " : "", one);
        used += n > 0 && (size_t)n < sizeof own - used ? (size_t)n : 0;
    }
    if (count == 0)
        (void)error_set(detail, R_DENIED, "it has no audience (claim 'aud'), expected: '%.200s'", wanted);
    else
        (void)error_set(detail, R_DENIED, "it is for %s%s, not for '%.200s'", own,
                        count > AUDIENCES_SHOWN ? " and others" : "", wanted);
    error_remedy(detail, verdict_remedy(REMEDY_AUDIENCE));
}

static enum verdict_reason judge_audience(const json_t *claims, const char *audience, struct error *detail)
{
    const json_t *aud = json_object_get(claims, "aud");
    if (aud && !audience_form_ok(aud)) {
        (void)error_set(detail, R_INVALID, "claim 'aud' must be a string, or 1 to %d of them", AUDIENCES_MAX);
        return REASON_TOKEN_MALFORMED;
    }
    if (aud &&
        (json_is_string(aud) ? strcmp(json_string_value(aud), audience) == 0 : json_array_has(aud, slice_of(audience))))
        return REASON_OK;
    tell_audience(aud, audience, detail);
    return REASON_TOKEN_WRONG_AUDIENCE;
}

/* NumericDate (RFC 7519 2): seconds since 1970, maybe with a fraction. *ret stays as it is when it is absent. */
static enum result read_time(const json_t *claims, const char *name, double *ret, struct error *err)
{
    const json_t *v = json_object_get(claims, name);
    if (!v)
        return OK;
    double seconds = json_is_number(v) ? json_number_value(v) : -1;
    if (!(seconds >= 0 && seconds <= time_max))
        return error_set(err, R_INVALID, "claim '%s' is not a time in seconds since 1970", name);
    *ret = seconds;
    return OK;
}

static enum verdict_reason judge_times(const json_t *claims, int64_t now, struct error *detail)
{
    double ends = -1, from = 0, issued = 0, here = (double)now;
    char then[CLOCK_TEXT_SIZE], text[CLOCK_TEXT_SIZE];
    if (read_time(claims, "exp", &ends, detail) != OK || read_time(claims, "nbf", &from, detail) != OK ||
        read_time(claims, "iat", &issued, detail) != OK)
        return REASON_TOKEN_MALFORMED;
    if (ends < 0) {
        (void)error_set(detail, R_INVALID, "claim 'exp' is missing");
        return REASON_TOKEN_MALFORMED;
    }
    clock_rfc3339(now, text);
    from = issued > from ? issued : from;
    if (here < from - JWT_LEEWAY_S) {
        clock_rfc3339((int64_t)from, then);
        (void)error_set(detail, R_DENIED, "it is valid from %s, now it is %s", then, text);
        return REASON_TOKEN_NOT_YET_VALID;
    }
    if (here < ends + JWT_LEEWAY_S)
        return REASON_OK;
    clock_rfc3339((int64_t)ends, then);
    (void)error_set(detail, R_DENIED, "it expired at %s, now it is %s", then, text);
    return REASON_TOKEN_EXPIRED;
}

enum verdict_reason jwt_judge(const struct jwt_policy *p, struct slice text, int64_t now, json_t **ret_claims,
                              struct error *detail)
{
    struct error local;
    json_t *header, *claims;
    detail = detail ? detail : &local;
    *ret_claims = NULL;
    enum verdict_reason reason = jose_verify(p->keys, text, p->algorithms, &header, &claims, detail);
    if (reason != REASON_OK)
        return reason;
    reason = judge_header(header, detail);
    if (reason == REASON_OK)
        reason = judge_names(claims, detail);
    if (reason == REASON_OK)
        reason = judge_issuer(claims, p->issuer, detail);
    if (reason == REASON_OK)
        reason = judge_audience(claims, p->audience, detail);
    if (reason == REASON_OK)
        reason = judge_times(claims, now, detail);
    json_decref(header);
    if (reason == REASON_OK)
        *ret_claims = claims;
    else
        json_decref(claims);
    return reason;
}
