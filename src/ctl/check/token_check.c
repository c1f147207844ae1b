/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmg token check: would this token be let in, and if not, why? A token of a site (issuer urn:opencmg:<site>) is judged
 * by the gateway's own code (jose/token.h), any other as one of an OpenID provider (jose/jwt.h).
 */
#include "ctl/check/token_check.h"

#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/line.h"
#include "base/mem.h"
#include "ctl/check/check.h"
#include "jose/jwt.h"
#include "jose/token.h"
#include "pki/cert/cert.h"

enum { JWKS_MAX = 4 * 1024 * 1024, TOKEN_FILE_MAX = 4 * JOSE_TOKEN_MAX, CERTIFICATE_MAX = 1024 * 1024 };

struct token_options {
    struct ctl_common common;
    const char *jwks, *issuer, *audience, *at, *algorithms, *purpose, *certificate, *batch;
    bool signature_only;
};

#define TEXT(word, member_, value_, help_)                                                                             \
    {                                                                                                                  \
        .name = (word), .kind = OPT_TEXT, .offset = offsetof(struct token_options, member_), .value = (value_),        \
        .help = (help_)                                                                                                \
    }

static const struct opt opts[] = {
    TEXT("jwks", jwks, "FILE", "the issuer's keys: a JSON Web Key Set, or one key"),
    TEXT("issuer", issuer, "I", "what 'iss' must be; urn:opencmg:SITE: a token of that site"),
    TEXT("audience", audience, "A", "what 'aud' must be or hold"),
    TEXT("at", at, "TIME", "judge as of then: 2026-11-23T04:05:06Z or seconds since 1970 (default now)"),
    TEXT("algorithms", algorithms, "LIST", "signatures taken of others than sites (default " JWT_ALGORITHMS ")"),
    {.name = "signature-only",
     .kind = OPT_FLAG,
     .offset = offsetof(struct token_options, signature_only),
     .help = "judge header and signature alone; the payload may be anything"},
    {.name = "purpose",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct token_options, purpose),
     .value = "registration|sts|metadata|general|user",
     .choices = "registration|sts|metadata|general|user",
     .help = "a site's token: what the endpoint is for (default: what the token opens)"},
    TEXT("certificate", certificate, "FILE", "a site's token: the presented certificate (default: the right one)"),
    TEXT("batch", batch, "FILE",
         "a JSON list of cases instead of TOKEN, each with the members jwks, issuer, audience, at, algorithms, "
         "signature_only, purpose, certificate, token; answers a list"),
    CTL_OPT_JSON(struct token_options),
    CTL_OPT_END,
};

/* --- keys --- */

struct judging {
    char *question; /* the keys below are of: text of the member "jwks" and the kind of set */
    struct jose_keys *keys;
};

static void forget(struct judging *j)
{
    free(j->question);
    jose_keys_free(j->keys);
    *j = (struct judging){NULL, NULL};
}

static json_t *read_jwks(const json_t *where, struct error *err)
{
    char *text;
    size_t len;
    json_t *jwks = NULL;
    if (json_is_object(where))
        return json_deep_copy(where);
    if (!json_is_string(where)) {
        (void)error_set(err, R_INVALID, "'jwks' must be a file's name or a key set");
        return NULL;
    }
    const char *path = json_string_value(where);
    if (file_read(path, JWKS_MAX, &text, &len, err) != OK)
        return NULL;
    if (json_parse(slice_make(text, len), JWKS_MAX, &jwks, err) != OK)
        (void)error_prefix(err, "%s", path);
    free(text);
    return jwks;
}

/* Those of the last case, or read anew. */
static enum result get_keys(struct judging *j, const json_t *where, bool site, struct error *err)
{
    json_t *asked = json_pack("[o?, b]", json_incref((json_t *)(uintptr_t)where), site);
    char *question = json_text(asked);
    json_decref(asked);
    if (j->keys && strcmp(question, j->question) == 0) {
        free(question);
        return OK;
    }
    forget(j);
    json_t *jwks = read_jwks(where, err);
    if (jwks && json_object_get(jwks, "kty"))
        jwks = json_pack("{s:[o]}", "keys", jwks);
    enum result r = !jwks  ? R_INVALID
                    : site ? jose_keys_new(jwks, &j->keys, err)
                           : jose_keys_new_foreign(jwks, &j->keys, err);
    json_decref(jwks);
    if (r == OK)
        j->question = question;
    else
        free(question);
    return r;
}

/* --- a token of a site --- */

#define SITE_PREFIX "urn:opencmg:"

/* What its kind is for, so that no purpose rules it out. */
static enum token_purpose own_purpose(const json_t *header)
{
    static const struct {
        const char *type;
        enum token_purpose purpose;
    } purposes[] = {
        {"cmg-bulk+jwt", PURPOSE_REGISTRATION}, {"cmg-device+jwt", PURPOSE_STS}, {"cmg-user+jwt", PURPOSE_USER}};
    for (size_t i = 0; i < ARRAY_LEN(purposes); i++) {
        if (strcmp(json_opt_str(header, "typ", ""), purposes[i].type) == 0)
            return purposes[i].purpose;
    }
    return PURPOSE_GENERAL;
}

static enum result read_thumbprint(const char *path, char ret[TOKEN_X5T_SIZE], struct error *err)
{
    char *data;
    size_t len;
    X509 *cert;
    enum result r = file_read_text(path, CERTIFICATE_MAX, &data, &len, err);
    if (r != OK)
        return r;
    r = pki_cert_read(slice_make(data, len), &cert, err);
    free(data);
    if (r != OK)
        return error_prefix(err, "%s", path);
    token_x5t(cert, ret);
    X509_free(cert);
    return OK;
}

/* Without a certificate the token's own word is taken for the presented one. */
static enum result presented(const json_t *c, const json_t *claims, char ret[TOKEN_X5T_SIZE], struct error *err)
{
    const char *path = json_opt_str(c, "certificate", NULL);
    ret[0] = '\0';
    if (path)
        return read_thumbprint(path, ret, err);
    const char *own = json_opt_str(json_object_get(claims, "cnf"), "x5t#S256", "");
    if (!slice_to_cstr(slice_of(own), ret, TOKEN_X5T_SIZE))
        ret[0] = '\0'; /* too long to be one: malformed, as is told below */
    return OK;
}

static json_t *judge_site(const struct judging *j, const json_t *c, const char *site, struct slice token, int64_t now,
                          struct error *err)
{
    struct slice hash, jwt = token;
    if (!token_bulk_split(token, &hash, &jwt))
        jwt = token;
    json_t *header = NULL, *claims = NULL;
    struct error detail = {0};
    char x5t[TOKEN_X5T_SIZE];
    enum token_purpose purpose = PURPOSE_GENERAL;
    if (jose_peek(jwt, JOSE_TOKEN_MAX, &header, &claims, NULL) == OK) /* what is wrong otherwise is told below */
        purpose = own_purpose(header);
    const char *wanted = json_opt_str(c, "purpose", NULL);
    enum result r = presented(c, claims, x5t, err);
    json_decref(header);
    json_decref(claims);
    if (r == OK && wanted && !token_purpose_parse(slice_of(wanted), &purpose))
        r = error_set(err, R_INVALID, "'purpose' must be registration, sts, metadata, general or user");
    if (r != OK)
        return NULL;
    struct token_policy policy = {.site = site, .keys = j->keys};
    struct token t;
    enum verdict_reason reason =
        token_judge(&policy, jwt, purpose, x5t[0] ? slice_of(x5t) : SLICE_NONE, now, &t, &detail);
    return check_answer(reason, detail.text, t.subject[0] ? t.subject : t.id, detail.remedy);
}

/* --- a token of somebody else --- */

static const char *who(const json_t *claims)
{
    static const char *const members[] = {"deviceid", "sub", "appid", "azp"};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const char *text = json_opt_str(claims, members[i], NULL);
        if (text)
            return text;
    }
    return "";
}

/* "RS256,ES256" or a JSON list as "RS256 ES256", malloc'ed. */
static char *algorithms_of(const json_t *c)
{
    const json_t *list = json_object_get(c, "algorithms");
    char *text = NULL;
    if (json_is_array(list)) {
        size_t len = 0;
        for (size_t i = 0; i < json_array_size(list); i++)
            len += json_string_length(json_array_get(list, i)) + 1;
        text = mem_zalloc(len + 1);
        for (size_t i = 0, at = 0; i < json_array_size(list); i++) {
            const json_t *word = json_array_get(list, i);
            if (json_is_string(word))
                memcpy(text + at, json_string_value(word), json_string_length(word));
            at += json_string_length(word);
            text[at++] = ' ';
        }
        return text;
    }
    text = slice_dup(slice_of(json_is_string(list) ? json_string_value(list) : JWT_ALGORITHMS));
    for (char *at = strchr(text, ','); at; at = strchr(at, ','))
        *at = ' ';
    return text;
}

static json_t *judge_jwt(const struct judging *j, const json_t *c, const char *issuer, struct slice token, int64_t now,
                         struct error *err)
{
    struct error detail = {0};
    json_t *claims = NULL;
    const char *audience = NULL;
    if (issuer && json_need_str(c, "audience", &audience, err) != OK)
        return NULL;
    char *algorithms = algorithms_of(c);
    struct jwt_policy policy = {j->keys, algorithms, issuer, audience};
    enum verdict_reason reason = issuer ? jwt_judge(&policy, token, now, &claims, &detail)
                                        : jose_verify_signature(j->keys, token, algorithms, &detail);
    free(algorithms);
    json_t *answer = check_answer(reason, detail.text, who(claims), detail.remedy);
    json_decref(claims);
    return answer;
}

/* --- a case --- */

static const char *site_of(const char *issuer)
{
    size_t len = strlen(SITE_PREFIX);
    return issuer && strncmp(issuer, SITE_PREFIX, len) == 0 ? issuer + len : NULL;
}

static json_t *judge(void *arg, const json_t *c, struct error *err)
{
    struct judging *j = arg;
    const char *token, *issuer = NULL;
    int64_t now;
    bool signature_only = false;
    if (check_switch_of(c, "signature_only", &signature_only, err) != OK || check_time_of(c, &now, err) != OK ||
        json_need_str(c, "token", &token, err) != OK ||
        (!signature_only && json_need_str(c, "issuer", &issuer, err) != OK))
        return NULL;
    const char *site = site_of(issuer);
    if (get_keys(j, json_object_get(c, "jwks"), site != NULL, err) != OK)
        return NULL;
    return site ? judge_site(j, c, site, slice_of(token), now, err)
                : judge_jwt(j, c, issuer, slice_of(token), now, err);
}

/* --- the command line as a case --- */

static void set_member(json_t *c, const char *member, const char *value)
{
    if (value)
        (void)json_object_set_new(c, member, json_string(value));
}

/* "-" and "@file" keep the token out of the list of processes. */
static enum result set_token(json_t *c, const char *text, struct error *err)
{
    bool input = strcmp(text, "-") == 0;
    char *token;
    size_t len;
    if (!input && text[0] != '@') {
        set_member(c, "token", text);
        return OK;
    }
    enum result r = line_read_token(input ? text : text + 1, TOKEN_FILE_MAX, &token, &len, err);
    if (r != OK)
        return r;
    json_t *value = json_stringn(token, len);
    if (!value) /* a token has but a few characters: this one is wrong whatever it is */
        value = json_string("\x7f");
    (void)json_object_set_new(c, "token", value);
    mem_free_secret(token, len);
    return OK;
}

static int run_check(const struct token_options *o, const char *token)
{
    struct judging j = {NULL, NULL};
    struct error err = {0};
    json_t *c = json_object();
    set_member(c, "jwks", o->jwks);
    set_member(c, "issuer", o->issuer);
    set_member(c, "audience", o->audience);
    set_member(c, "at", o->at);
    set_member(c, "algorithms", o->algorithms);
    set_member(c, "purpose", o->purpose);
    set_member(c, "certificate", o->certificate);
    if (o->signature_only)
        (void)json_object_set_new(c, "signature_only", json_true());
    int code;
    if (o->batch)
        code = check_batch(&o->common, o->batch, c, judge, &j);
    else if (set_token(c, token, &err) != OK)
        code = ctl_usage("%s", err.text);
    else
        code = check_one(&o->common, c, judge, &j);
    json_decref(c);
    forget(&j);
    return code;
}

static int check_token(const void *options, const char **args, size_t n)
{
    const struct token_options *o = options;
    if ((n == 1) == (o->batch != NULL))
        return ctl_usage("give either a token or --batch FILE");
    return run_check(o, n == 1 ? args[0] : NULL);
}

const struct ctl_form ctl_token_check = {
    .takes = {"cmg token check --jwks FILE --issuer I --audience A [options] TOKEN|-|@FILE",
              "Would this token be let in, and if not, why? Exit code 1: it would not.", opts, 0, 1},
    .size = sizeof(struct token_options),
    .run = check_token,
};
