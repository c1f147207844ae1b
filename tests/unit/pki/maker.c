/* SPDX-License-Identifier: Apache-2.0 */
#include "maker.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "base/error.h"
#include "base/mem.h"

static void must(int ok)
{
    if (ok <= 0) {
        ERR_print_errors_fp(stderr);
        fatal("test: a certificate could not be made");
    }
}

static EVP_PKEY *new_key(const char *kind)
{
    EVP_PKEY *key;
    if (!kind)
        kind = "P-256";
    if (strncmp(kind, "RSA-", 4) == 0)
        key = EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10));
    else if (strcmp(kind, "ED25519") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        key = EVP_EC_gen(kind);
    must(key != NULL);
    return key;
}

static void add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    CONF *conf = NCONF_new(NULL); /* empty, but some kinds of extension insist on one */
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, conf);
    X509_EXTENSION *e = X509V3_EXT_nconf_nid(conf, &ctx, nid, value);
    must(e != NULL && X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
    NCONF_free(conf);
}

static void add_default(X509 *cert, X509 *issuer, const struct spec *s, int nid, const char *value)
{
    for (size_t i = 0; i < ARRAY_LEN(s->ext) && s->ext[i].nid; i++) {
        if (s->ext[i].nid == nid)
            return;
    }
    add_ext(cert, issuer, nid, value);
}

static X509_EXTENSION *unknown_critical(const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    must(object && value && ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2));
    X509_EXTENSION *e = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    must(e != NULL);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(value);
    return e;
}

static void add_extensions(X509 *cert, X509 *issuer, const struct spec *s)
{
    add_default(cert, issuer, s, NID_subject_key_identifier, "hash");
    add_default(cert, issuer, s, NID_authority_key_identifier, "keyid:always");
    add_default(cert, issuer, s, NID_basic_constraints, s->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_default(cert, issuer, s, NID_key_usage, s->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!s->ca)
        add_default(cert, issuer, s, NID_ext_key_usage, "clientAuth");
    for (size_t i = 0; i < ARRAY_LEN(s->ext) && s->ext[i].nid; i++) {
        if (s->ext[i].value[0])
            add_ext(cert, issuer, s->ext[i].nid, s->ext[i].value);
    }
    if (s->critical_oid) {
        X509_EXTENSION *e = unknown_critical(s->critical_oid);
        must(X509_add_ext(cert, e, -1));
        X509_EXTENSION_free(e);
    }
}

static const EVP_MD *digest_for(EVP_PKEY *key, const char *md)
{
    return EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_get_digestbyname(md ? md : "SHA256");
}

struct pair make(const struct spec *s)
{
    struct pair p = {X509_new(), s->reuse};
    if (s->reuse)
        must(EVP_PKEY_up_ref(s->reuse));
    else
        p.key = new_key(s->key);
    X509 *issuer = s->issuer ? s->issuer->cert : p.cert;
    EVP_PKEY *signer = s->issuer ? s->issuer->key : p.key;
    unsigned char serial[8];
    must(RAND_bytes(serial, sizeof serial));
    serial[0] &= 0x7f;
    serial[0] |= 0x01;
    BIGNUM *n = BN_bin2bn(serial, sizeof serial, NULL);
    must(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(p.cert)) != NULL);
    BN_free(n);
    must(X509_set_version(p.cert, X509_VERSION_3));
    must(ASN1_TIME_set(X509_getm_notBefore(p.cert), (time_t)(s->from ? s->from : NOW - DAY)) != NULL);
    must(ASN1_TIME_set(X509_getm_notAfter(p.cert), (time_t)(s->to ? s->to : NOW + 30 * DAY)) != NULL);
    if (s->cn)
        must(X509_NAME_add_entry_by_txt(X509_get_subject_name(p.cert), "CN", MBSTRING_UTF8,
                                        (const unsigned char *)s->cn, -1, -1, 0));
    must(X509_set_issuer_name(p.cert, X509_get_subject_name(issuer)));
    must(X509_set_pubkey(p.cert, p.key));
    add_extensions(p.cert, issuer, s);
    must(X509_sign(p.cert, signer, digest_for(signer, s->md)));
    return p;
}

void drop(struct pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
    *p = (struct pair){0};
}

/* --- CRL --- */

static void add_revoked(X509_CRL *crl, X509 *cert, const struct crl_spec *s)
{
    X509_REVOKED *e = X509_REVOKED_new();
    ASN1_TIME *when = ASN1_TIME_set(NULL, (time_t)(NOW - DAY));
    must(e && when && X509_REVOKED_set_serialNumber(e, X509_get_serialNumber(cert)));
    must(X509_REVOKED_set_revocationDate(e, when));
    ASN1_TIME_free(when);
    if (s->reason) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        must(reason && ASN1_ENUMERATED_set(reason, s->reason - 1));
        must(X509_REVOKED_add1_ext_i2d(e, NID_crl_reason, reason, 0, X509V3_ADD_DEFAULT));
        ASN1_ENUMERATED_free(reason);
    }
    if (s->critical_entry_oid) {
        X509_EXTENSION *x = unknown_critical(s->critical_entry_oid);
        must(X509_REVOKED_add_ext(e, x, -1));
        X509_EXTENSION_free(x);
    }
    must(X509_CRL_add0_revoked(crl, e));
}

static void add_crl_ext(X509_CRL *crl, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    CONF *conf = NCONF_new(NULL);
    long line;
    bool section = strchr(value, '\n'); /* several lines are a section named "x"; one line stands for itself */
    BIO *bio = BIO_new_mem_buf(value, -1);
    must(conf && bio && (!section || NCONF_load_bio(conf, bio, &line)));
    BIO_free(bio);
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    X509V3_set_nconf(&ctx, conf);
    X509_EXTENSION *e = X509V3_EXT_nconf_nid(conf, &ctx, nid, section ? "critical,@x" : value);
    must(e != NULL && X509_CRL_add_ext(crl, e, -1));
    X509_EXTENSION_free(e);
    NCONF_free(conf);
}

static void add_number(X509_CRL *crl, int nid, const char *text)
{
    ASN1_INTEGER *n = s2i_ASN1_INTEGER(NULL, text);
    must(n != NULL && X509_CRL_add1_ext_i2d(crl, nid, n, nid == NID_delta_crl, X509V3_ADD_DEFAULT));
    ASN1_INTEGER_free(n);
}

static void sign_pss(X509_CRL *crl, EVP_PKEY *key, const char *md)
{
    EVP_PKEY_CTX *parameters = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    must(ctx && EVP_DigestSignInit(ctx, &parameters, EVP_get_digestbyname(md), NULL, key));
    must(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING));
    must(X509_CRL_sign_ctx(crl, ctx));
    EVP_MD_CTX_free(ctx);
}

struct slice make_crl(const struct crl_spec *s)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(s->from ? s->from : NOW - DAY));
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)(s->to ? s->to : NOW + DAY));
    must(crl && from && to && X509_CRL_set_version(crl, X509_CRL_VERSION_2));
    must(X509_CRL_set_issuer_name(crl, X509_get_subject_name(s->issuer->cert)));
    must(X509_CRL_set1_lastUpdate(crl, from) && (s->to == -1 || X509_CRL_set1_nextUpdate(crl, to)));
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    for (size_t i = 0; i < ARRAY_LEN(s->revoked) && s->revoked[i]; i++)
        add_revoked(crl, s->revoked[i], s);
    if (!s->number || s->number[0])
        add_number(crl, NID_crl_number, s->number ? s->number : "1");
    if (s->delta_base)
        add_number(crl, NID_delta_crl, s->delta_base);
    for (size_t i = 0; i < ARRAY_LEN(s->ext) && s->ext[i].nid; i++)
        add_crl_ext(crl, s->issuer->cert, s->ext[i].nid, s->ext[i].value);
    must(X509_CRL_sort(crl));
    EVP_PKEY *signer = s->signer ? s->signer : s->issuer->key;
    if (s->md && strncmp(s->md, "PSS-", 4) == 0)
        sign_pss(crl, signer, s->md + 4);
    else
        must(X509_CRL_sign(crl, signer, digest_for(signer, s->md)));
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    must(len);
    char *copy = mem_zalloc((size_t)len);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    X509_CRL_free(crl);
    return slice_make(copy, (size_t)len);
}

struct slice der_of(X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    must(len);
    char *copy = mem_zalloc((size_t)len);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    return slice_make(copy, (size_t)len);
}
