/* SPDX-License-Identifier: Apache-2.0 */
/* Texts to keys; files were read by who asks. Secrets are wiped when it is freed. */
#include "analyze/credential.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/line.h"
#include "base/mem.h"
#include "jose/entra.h"
#include "jose/token.h"
#include "pki/issue/issue.h"
#include "pki/key/key.h"
#include "web/outcome.h"
#include "web/signed.h"
#include "json/json.h"

enum { DAY = 86400 };

const char *analyze_kind_name(enum analyze_kind kind)
{
    static const char *const names[] = {"none", "pki", "bulk token", "device token", "access token", "entra"};
    return names[kind];
}

enum choice_client analyze_kind_method(enum analyze_kind kind)
{
    return kind == ANALYZE_PKI ? CHOICE_PKI : kind == ANALYZE_ENTRA ? CHOICE_ENTRA : CHOICE_TOKEN;
}

bool analyze_kind_exchanges(enum analyze_kind kind)
{
    return kind == ANALYZE_DEVICE || kind == ANALYZE_ENTRA;
}

static void wipe(char *secret)
{
    if (secret)
        mem_free_secret(secret, strlen(secret));
}

void analyze_credential_free(struct analyze_credential *c)
{
    X509_free(c->leaf);
    EVP_PKEY_free(c->key);
    free(c->certificate_pem);
    wipe(c->key_pem);
    wipe(c->token);
    *c = (struct analyze_credential){.kind = ANALYZE_NOTHING};
}

static enum result read_pair(const struct analyze_credential_text *t, struct analyze_credential *ret, struct error *err)
{
    if (!t->key_pem.ptr || !t->certificate_pem.ptr)
        return error_set(err, R_INVALID, "certificate and private key belong together: give both");
    enum result r = pki_cert_read(t->certificate_pem, &ret->leaf, err);
    if (r != OK)
        return error_prefix(err, "the certificate");
    r = pki_key_of(t->key_pem, &ret->key, NULL, err);
    if (r != OK)
        return error_prefix(err, "the key");
    if (X509_check_private_key(ret->leaf, ret->key) != 1)
        return error_set(err, R_INVALID, "the key is not the certificate's");
    ret->certificate_pem = slice_dup(t->certificate_pem);
    ret->key_pem = slice_dup(t->key_pem);
    return OK;
}

static enum result make_pair(struct analyze_credential *ret, struct error *err)
{
    char guid[GUID_SIZE];
    int64_t now = clock_wall_s();
    guid_new(guid);
    ret->fresh_key = true;
    ret->key = pki_key_new();
    struct pki_request request = {.profile = PKI_DEVICE,
                                  .common_name = guid,
                                  .not_before = now - DAY,
                                  .not_after = now + DAY,
                                  .subject_key = ret->key};
    enum result r = pki_issue(&request, &ret->leaf, err);
    if (r != OK)
        return r;
    ret->certificate_pem = pki_cert_pem(ret->leaf);
    ret->key_pem = pki_key_pem(ret->key);
    return OK;
}

/* Its own words: which kind it is decides what is asked, and nothing else. */
static enum result read_kind(struct slice jwt, struct analyze_credential *ret, struct error *err)
{
    static const struct {
        const char *type;
        enum analyze_kind kind;
    } types[] = {
        {"cmg-bulk+jwt", ANALYZE_BULK}, {"cmg-device+jwt", ANALYZE_DEVICE}, {"cmg-access+jwt", ANALYZE_ACCESS}};
    json_t *header = NULL, *claims = NULL;
    if (jose_peek(jwt, JOSE_TOKEN_MAX, &header, &claims, err) != OK)
        return error_prefix(err, "the token");
    const char *type = json_opt_str(header, "typ", "");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(type, types[i].type) == 0)
            ret->kind = types[i].kind;
    }
    const char *subject = json_opt_str(claims, "sub", "");
    if (entra_is_foreign(jwt)) { /* whether a tenant's or whose ever, the gateway knows */
        ret->kind = ANALYZE_ENTRA;
        subject = json_opt_str(claims, ENTRA_DEVICE_CLAIM, subject);
    } else {
        web_text_clean(slice_of(subject), ret->guid, sizeof ret->guid);
    }
    web_text_clean(slice_of(*subject ? subject : json_opt_str(claims, "jti", "")), ret->subject, sizeof ret->subject);
    json_decref(header);
    json_decref(claims);
    if (ret->kind == ANALYZE_NOTHING)
        return error_set(err, R_INVALID,
                         "the token is neither a bulk, a device nor an access token of a site, nor one of a tenant");
    return OK;
}

static enum result read_token(struct slice text, struct analyze_credential *ret, struct error *err)
{
    struct slice pin, jwt, whole;
    size_t len;
    enum result r = line_token(text, &whole, err);
    if (r != OK)
        return error_prefix(err, "the token");
    if (token_bulk_split(whole, &pin, &jwt))
        ret->has_pin = decode_hex(pin, ret->pin, sizeof ret->pin, &len);
    else
        jwt = whole;
    if (!web_token_valid(jwt))
        return error_set(err, R_INVALID, "the token holds characters that no token has, or is empty or too long");
    ret->token = slice_dup(jwt);
    return read_kind(jwt, ret, err);
}

enum result analyze_credential_read(const struct analyze_credential_text *t, struct analyze_credential *ret,
                                    struct error *err)
{
    bool pair = t->certificate_pem.ptr || t->key_pem.ptr;
    enum result r = OK;
    *ret = (struct analyze_credential){.kind = ANALYZE_NOTHING};
    if (pair)
        r = read_pair(t, ret, err);
    if (r == OK && t->token.ptr)
        r = read_token(t->token, ret, err);
    if (r == OK && t->token.ptr && !pair)
        r = make_pair(ret, err);
    if (r == OK && pair && !t->token.ptr) {
        ret->kind = ANALYZE_PKI;
        pki_cert_subject(ret->leaf, ret->subject, sizeof ret->subject);
    }
    if (r != OK)
        analyze_credential_free(ret);
    return r;
}
