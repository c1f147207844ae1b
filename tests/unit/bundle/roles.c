/* SPDX-License-Identifier: Apache-2.0 */
/* See roles.h. */
#include "roles.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "digest/digest.h"
#include "pki/issue/issue.h"

static X509 *issue(enum pki_profile profile, const char *uri, EVP_PKEY *key, const struct roles_pair *issuer,
                   int64_t from, int64_t to)
{
    X509 *cert;
    struct error err;
    const struct pki_request q = {.profile = profile,
                                  .common_name = "test",
                                  .uri = uri,
                                  .not_before = from,
                                  .not_after = to,
                                  .subject_key = key,
                                  .issuer = issuer ? issuer->cert : NULL,
                                  .issuer_key = issuer ? issuer->key : NULL};
    if (pki_issue(&q, &cert, &err) != OK)
        fatal("test: %s", err.text);
    return cert;
}

static struct roles_pair make_pair(enum pki_profile profile, const char *uri, const struct roles_pair *issuer,
                                   int64_t from, int64_t to)
{
    struct roles_pair p = {.key = pki_key_new()};
    p.cert = issue(profile, uri, p.key, issuer, from, to);
    return p;
}

void roles_drop(struct roles_pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
}

static struct document_signer *make_signer(const struct roles *r, int64_t from, int64_t to)
{
    struct error err;
    struct document_signer *signer;
    struct roles_pair p = make_pair(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", &r->root, from, to);
    char *key = pki_key_pem(p.key), *cert = pki_cert_pem(p.cert);
    if (document_signer_new(slice_of(key), slice_of(cert), slice_of(r->root_pem), &signer, &err) != OK)
        fatal("test: %s", err.text);
    free(key);
    free(cert);
    roles_drop(&p);
    return signer;
}

void roles_make(struct roles *r, int64_t now)
{
    int64_t from = now - 400 * ROLES_DAY, to = now + 4000 * ROLES_DAY;
    r->root = make_pair(PKI_SITE_ROOT, NULL, NULL, from, to);
    r->ca = make_pair(PKI_ROLE_CA, NULL, &r->root, from, to);
    r->root_pem = pki_cert_pem(r->root.cert);
    pki_cert_sha256(r->root.cert, r->pin);
    r->signer = make_signer(r, from, to);
}

void roles_end(struct roles *r)
{
    document_signer_free(r->signer);
    free(r->root_pem);
    roles_drop(&r->ca);
    roles_drop(&r->root);
}

static X509 *certify(const struct roles *r, EVP_PKEY *key, const char *kind, const char *id, int64_t from, int64_t to)
{
    char uri[128];
    (void)snprintf(uri, sizeof uri, "urn:opencmg:LAB:%s:%s", kind, id);
    return issue(PKI_ROLE, uri, key, &r->ca, from, to);
}

struct roles_pair roles_issue(const struct roles *r, const char *kind, const char *id, int64_t from, int64_t to)
{
    struct roles_pair p = {.key = pki_key_new()};
    p.cert = certify(r, p.key, kind, id, from, to);
    return p;
}

char *roles_certify(const struct roles *r, EVP_PKEY *key, const char *kind, const char *id, int64_t from, int64_t to)
{
    X509 *leaf = certify(r, key, kind, id, from, to);
    char *one = pki_cert_pem(leaf), *two = pki_cert_pem(r->ca.cert);
    size_t size = strlen(one) + strlen(two) + 1;
    char *both = mem_zalloc(size);
    (void)snprintf(both, size, "%s%s", one, two);
    free(one);
    free(two);
    X509_free(leaf);
    return both;
}

struct role_identity roles_identity(const struct roles *r, const char *kind, const char *id, int64_t from, int64_t to)
{
    EVP_PKEY *key = pki_key_new();
    struct role_identity i = {roles_certify(r, key, kind, id, from, to), pki_key_pem(key), from, to, false};
    EVP_PKEY_free(key);
    return i;
}

void roles_bootstrap(const struct roles *r, const char *id, const struct role_identity *i, struct bootstrap *ret)
{
    *ret = (struct bootstrap){.site = "LAB",
                              .root_pem = mem_strdup(r->root_pem),
                              .certificate_pem = mem_strdup(i->certificate_pem),
                              .key_pem = mem_strdup(i->key_pem)};
    cstr_copy(ret->id, sizeof ret->id, id);
    memcpy(ret->pin, r->pin, sizeof ret->pin);
}

char *roles_document(const struct roles *r, enum document_type type, const char *audience, int64_t sequence,
                     const char *content, int64_t now)
{
    char *text;
    struct error err;
    struct document d = {.type = type,
                         .site = "LAB",
                         .sequence = sequence,
                         .issued = now,
                         .expires = now + ROLES_DAY,
                         .content = json_loads(content, 0, NULL)};
    cstr_copy(d.audience, sizeof d.audience, audience);
    if (!d.content || document_sign(r->signer, &d, &text, &err) != OK)
        fatal("test: %s", d.content ? err.text : content);
    json_decref(d.content);
    return text;
}
