/* SPDX-License-Identifier: Apache-2.0 */
/* Loading the site's keys, and the role CA at work. */
#include "mp/keys.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "pki/issue/issue.h"
#include "pki/key/key.h"
#include "pki/role.h"
#include "json/json.h"

enum { PEM_MAX = 64 * 1024, URN_MAX = 160, SKEW_S = 3600 };

static char *read_pem(const char *dir, const char *name, struct error *err)
{
    char *path = file_join(dir, name), *text = NULL;
    size_t len;
    if (file_read(path, PEM_MAX, &text, &len, err) != OK)
        text = NULL;
    free(path);
    return text;
}

static char *read_key(const char *dir, const char *name, struct error *err)
{
    char *path = file_join(dir, name);
    char *text = file_check_private(path, err) == OK ? read_pem(dir, name, err) : NULL;
    free(path);
    return text;
}

static void wipe(char *secret)
{
    if (secret)
        mem_free_secret(secret, strlen(secret));
}

static enum result load_root(const char *dir, struct mp_keys *k, struct error *err)
{
    unsigned char hash[PKI_SHA256];
    if (!(k->root_pem = read_pem(dir, "root.pem", err)))
        return err->code;
    enum result r = pki_cert_read(slice_of(k->root_pem), &k->root, err);
    if (r != OK)
        return r;
    pki_cert_sha256(k->root, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), k->pin);
    return OK;
}

static enum result load_role_ca(const char *dir, struct mp_keys *k, struct error *err)
{
    if (!(k->role_ca_pem = read_pem(dir, "role-ca.pem", err)))
        return err->code;
    enum result r = pki_cert_read(slice_of(k->role_ca_pem), &k->role_ca, err);
    if (r != OK)
        return r;
    char *key_pem = read_key(dir, "role-ca.key", err);
    if (!key_pem)
        return err->code;
    r = pki_key_of(slice_of(key_pem), &k->role_ca_key, NULL, err);
    wipe(key_pem);
    if (r != OK)
        return error_prefix(err, "role-ca.key");
    if (X509_check_private_key(k->role_ca, k->role_ca_key) != 1)
        return error_set(err, R_INVALID, "role-ca.key is not the key of role-ca.pem");
    if (X509_verify(k->role_ca, X509_get0_pubkey(k->root)) != 1)
        return error_set(err, R_INVALID, "role-ca.pem was not issued by root.pem");
    return OK;
}

/* Chain to the root, validity, URN. */
static enum result check_signing(const struct mp_keys *k, const char *use, X509 *cert, struct error *err)
{
    struct pki_role_judge *judge;
    char kind[32], id[PKI_ROLE_ID_MAX];
    (void)snprintf(kind, sizeof kind, "signing:%s", use);
    enum result r = pki_role_judge_new(slice_of(k->root_pem), k->site, kind, &judge, err);
    if (r != OK)
        return r;
    r = pki_role_check(judge, cert, NULL, clock_wall_s(), id, err);
    pki_role_judge_free(judge);
    return r;
}

struct signing {
    char *certificate_pem, *key_pem;
    X509 *certificate;
};

static void signing_done(struct signing *s)
{
    free(s->certificate_pem);
    wipe(s->key_pem);
    X509_free(s->certificate);
}

static enum result load_signing(const char *dir, const struct mp_keys *k, const char *use, struct signing *ret,
                                struct error *err)
{
    char name[64];
    *ret = (struct signing){0};
    (void)snprintf(name, sizeof name, "sign-%s.pem", use);
    if (!(ret->certificate_pem = read_pem(dir, name, err)))
        return err->code;
    enum result r = pki_cert_read(slice_of(ret->certificate_pem), &ret->certificate, err);
    if (r == OK)
        r = check_signing(k, use, ret->certificate, err);
    if (r != OK)
        return error_prefix(err, "%s", name);
    (void)snprintf(name, sizeof name, "sign-%s.key", use);
    ret->key_pem = read_key(dir, name, err);
    return ret->key_pem ? OK : err->code;
}

static void note_end(struct mp_keys *k, const char *what, const char *more, X509 *cert)
{
    if (k->end_count == MP_KEY_ENDS_MAX)
        return;
    struct mp_key_end *e = &k->ends[k->end_count++];
    (void)snprintf(e->what, sizeof e->what, "%s%s", what, more);
    e->not_after = pki_cert_not_after(cert);
}

static enum result load_document_signer(const char *dir, struct mp_keys *k, const char *use,
                                        struct document_signer **ret, struct error *err)
{
    struct signing s;
    enum result r = load_signing(dir, k, use, &s, err);
    if (r == OK)
        r = document_signer_new(slice_of(s.key_pem), slice_of(s.certificate_pem), slice_of(k->root_pem), ret, err);
    if (r == OK)
        note_end(k, "signing key for ", strcmp(use, "bundle") == 0 ? "bundles" : "policies", s.certificate);
    signing_done(&s);
    return r;
}

/* The public key of the one that signs next, or signed before: in the key set while its certificate holds. */
static enum result add_other_token_key(const char *dir, struct mp_keys *k, const char *which, struct error *err)
{
    char name[64];
    X509 *cert;
    json_t *jwk;
    struct error gone;
    (void)snprintf(name, sizeof name, "sign-token.%s.pem", which);
    char *pem = read_pem(dir, name, &gone);
    if (!pem)
        return gone.code == R_NOTFOUND ? OK : error_set(err, gone.code, "%s", gone.text);
    enum result r = pki_cert_read(slice_of(pem), &cert, err);
    free(pem);
    if (r != OK)
        return error_prefix(err, "%s", name);
    r = check_signing(k, "token", cert, err);
    if (r == OK)
        r = jose_public_jwk(X509_get0_pubkey(cert), &jwk, err);
    if (r == OK)
        (void)json_array_append_new(json_object_get(k->jwks, "keys"), jwk);
    if (r == OK)
        note_end(k, "signing key for tokens, ", which, cert);
    X509_free(cert);
    return r == OK ? OK : error_prefix(err, "%s", name);
}

static enum result load_token_signer(const char *dir, struct mp_keys *k, struct error *err)
{
    struct signing s;
    EVP_PKEY *key = NULL;
    enum result r = load_signing(dir, k, "token", &s, err);
    if (r == OK)
        r = pki_key_read(slice_of(s.key_pem), &key, err);
    if (r == OK && X509_check_private_key(s.certificate, key) != 1)
        r = error_set(err, R_INVALID, "sign-token.key is not the key of sign-token.pem");
    if (r == OK)
        r = jose_signer_new(key, &k->token, err);
    if (r == OK) {
        note_end(k, "signing key for tokens", "", s.certificate);
        k->jwks = json_pack("{s:[o]}", "keys", jose_signer_public_jwk(k->token));
        r = add_other_token_key(dir, k, "next", err);
    }
    if (r == OK)
        r = add_other_token_key(dir, k, "old", err);
    if (r == OK)
        r = jose_keys_new(k->jwks, &k->token_keys, err);
    EVP_PKEY_free(key);
    signing_done(&s);
    return r;
}

enum result mp_keys_load(const char *dir, const char *site, struct mp_keys *ret, struct error *err)
{
    *ret = (struct mp_keys){.site = mem_strdup(site)};
    enum result r = load_root(dir, ret, err);
    if (r == OK)
        r = load_role_ca(dir, ret, err);
    if (r == OK) {
        note_end(ret, "site root", "", ret->root);
        note_end(ret, "role CA", "", ret->role_ca);
    }
    if (r == OK)
        r = load_document_signer(dir, ret, "bundle", &ret->bundle, err);
    if (r == OK)
        r = load_document_signer(dir, ret, "policy", &ret->policy, err);
    if (r == OK)
        r = load_token_signer(dir, ret, err);
    if (r != OK)
        return error_prefix(err, "%s", dir);
    return OK;
}

void mp_keys_free(struct mp_keys *k)
{
    free(k->site);
    free(k->root_pem);
    free(k->role_ca_pem);
    X509_free(k->root);
    X509_free(k->role_ca);
    EVP_PKEY_free(k->role_ca_key);
    document_signer_free(k->bundle);
    document_signer_free(k->policy);
    jose_signer_free(k->token);
    jose_keys_free(k->token_keys);
    json_decref(k->jwks);
    *k = (struct mp_keys){0};
}

/* --- issuing --- */

void mp_role_certificate_free(struct mp_role_certificate *c)
{
    free(c->certificate_pem);
    wipe(c->key_pem);
    *c = (struct mp_role_certificate){0};
}

/* Never outside the role CA's own validity; an hour back for clocks that are behind. */
static void validity(const struct mp_keys *k, int64_t later_than, int64_t *begins, int64_t *ends)
{
    int64_t now = clock_wall_s(), first = pki_cert_not_before(k->role_ca), last = pki_cert_not_after(k->role_ca);
    *begins = now - SKEW_S > first ? now - SKEW_S : first;
    int64_t wanted = now + MP_ROLE_DAYS * 86400LL > later_than ? now + MP_ROLE_DAYS * 86400LL : later_than + 1;
    *ends = wanted < last ? wanted : last;
}

static void fill(const struct mp_keys *k, X509 *leaf, struct mp_role_certificate *ret)
{
    struct buf chain;
    char *pem = pki_cert_pem(leaf), *issuer = pki_cert_pem(k->role_ca);
    buf_init(&chain, 2 * PEM_MAX);
    if (buf_append_str(&chain, pem) != OK || buf_append_str(&chain, issuer) != OK)
        fatal("mp: a certificate chain over %d bytes", 2 * PEM_MAX);
    *ret = (struct mp_role_certificate){buf_take_str(&chain), NULL, pki_cert_not_after(leaf)};
    buf_free(&chain);
    free(pem);
    free(issuer);
}

static enum result issue(const struct mp_keys *k, const char *kind, const char *id, const char *host, EVP_PKEY *key,
                         int64_t later_than, struct mp_role_certificate *ret, struct error *err)
{
    char urn[URN_MAX];
    const char *hosts[] = {host, NULL};
    X509 *leaf = NULL;
    (void)snprintf(urn, sizeof urn, "urn:opencmg:%s:%s:%s", k->site, kind, id);
    struct pki_request request = {.profile = PKI_ROLE,
                                  .common_name = id,
                                  .uri = urn,
                                  .hosts = host ? hosts : NULL,
                                  .subject_key = key,
                                  .issuer = k->role_ca,
                                  .issuer_key = k->role_ca_key};
    validity(k, later_than, &request.not_before, &request.not_after);
    enum result r = pki_issue(&request, &leaf, err);
    if (r == OK)
        fill(k, leaf, ret);
    X509_free(leaf);
    return r;
}

enum result mp_role_issue(const struct mp_keys *k, const char *kind, const char *id, const char *host,
                          int64_t later_than, struct mp_role_certificate *ret, struct error *err)
{
    EVP_PKEY *key = pki_key_new();
    enum result r = issue(k, kind, id, host, key, later_than, ret, err);
    if (r == OK)
        ret->key_pem = pki_key_pem(key);
    EVP_PKEY_free(key);
    return r;
}

enum result mp_role_certify(const struct mp_keys *k, const char *kind, const char *id, EVP_PKEY *key,
                            int64_t later_than, struct mp_role_certificate *ret, struct error *err)
{
    return issue(k, kind, id, NULL, key, later_than, ret, err);
}

enum result mp_role_outlives(const struct mp_keys *k, const char *kind, const char *id, int64_t withdrawn,
                             struct error *err)
{
    if (pki_cert_not_after(k->role_ca) > withdrawn)
        return OK;
    (void)error_set(err, R_CONFLICT,
                    "a new certificate of %s '%s' would end with the role CA, no later than those that are withdrawn, "
                    "and never count",
                    kind, id);
    error_remedy(err, "remove it and add it under another id; cmg status tells when the role CA ends");
    return R_CONFLICT;
}
