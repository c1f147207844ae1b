/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issuing: one table of profiles, extensions made as objects (never from configuration strings, in which a name could
 * smuggle a second one), random 128-bit serials (RFC 5280 4.1.2.2), P-256 with SHA-256.
 */
#include "pki/issue/issue.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "base/rand.h"
#include "base/slice.h"
#include "pki/issue/names.h"

enum { HOSTS_MAX = 64, HOST_MAX = 253, NO_PATH_LENGTH = -1 };

struct profile {
    bool ca;
    int path_length;
    int key_usage[3]; /* bits of RFC 5280 4.2.1.3, ends with -1 */
    int eku[3];       /* NIDs, ends with NID_undef */
    bool needs_uri;
    bool self_signed_only;
};

enum { DIGITAL_SIGNATURE = 0, KEY_CERT_SIGN = 5, CRL_SIGN = 6 };

static const struct profile profiles[] = {
    [PKI_SITE_ROOT] = {true, 1, {KEY_CERT_SIGN, CRL_SIGN, -1}, {NID_undef}, false, true},
    [PKI_ROLE_CA] = {true, 0, {KEY_CERT_SIGN, CRL_SIGN, -1}, {NID_undef}, false, false},
    [PKI_ROLE] = {false, NO_PATH_LENGTH, {DIGITAL_SIGNATURE, -1}, {NID_client_auth, NID_server_auth}, true, false},
    [PKI_SIGNING] = {false, NO_PATH_LENGTH, {DIGITAL_SIGNATURE, -1}, {NID_undef}, true, false},
    [PKI_DEVICE] = {false, NO_PATH_LENGTH, {DIGITAL_SIGNATURE, -1}, {NID_client_auth}, false, true},
    [PKI_TLS_CA] = {true, NO_PATH_LENGTH, {KEY_CERT_SIGN, CRL_SIGN, -1}, {NID_undef}, false, false},
    [PKI_TLS_SERVER] = {false, NO_PATH_LENGTH, {DIGITAL_SIGNATURE, -1}, {NID_server_auth}, false, false},
    [PKI_TLS_CLIENT] = {false, NO_PATH_LENGTH, {DIGITAL_SIGNATURE, -1}, {NID_client_auth}, false, false},
    [PKI_ACME] = {false, NO_PATH_LENGTH, {DIGITAL_SIGNATURE, -1}, {NID_server_auth}, false, true},
};

EVP_PKEY *pki_key_new(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key)
        fatal("pki: no P-256 key could be made");
    return key;
}

EVP_PKEY *pki_key_new_rsa(void)
{
    enum { BITS = 3072 };
    EVP_PKEY *key = EVP_RSA_gen(BITS);
    if (!key)
        fatal("pki: no RSA key could be made");
    return key;
}

/* Positive, not zero, 128 bits of entropy in 17 bytes at most. */
static bool set_serial(ASN1_INTEGER *serial)
{
    unsigned char bytes[17];
    rand_bytes(bytes, sizeof bytes);
    bytes[0] = 1; /* so that it always has the same length and never a sign bit */
    BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = n && BN_to_ASN1_INTEGER(n, serial);
    BN_free(n);
    return ok;
}

static bool add_basic_constraints(X509 *cert, const struct profile *p)
{
    BASIC_CONSTRAINTS *bc = BASIC_CONSTRAINTS_new();
    bool ok = bc != NULL;
    if (ok && p->ca) {
        bc->ca = 0xff;
        if (p->path_length != NO_PATH_LENGTH) {
            bc->pathlen = ASN1_INTEGER_new();
            ok = bc->pathlen && ASN1_INTEGER_set(bc->pathlen, p->path_length);
        }
    }
    ok = ok && X509_add1_ext_i2d(cert, NID_basic_constraints, bc, 1, X509V3_ADD_DEFAULT) == 1;
    BASIC_CONSTRAINTS_free(bc);
    return ok;
}

static bool add_key_usage(X509 *cert, const struct profile *p)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    bool ok = bits != NULL;
    for (size_t i = 0; ok && i < ARRAY_LEN(p->key_usage) && p->key_usage[i] >= 0; i++)
        ok = ASN1_BIT_STRING_set_bit(bits, p->key_usage[i], 1) == 1;
    ok = ok && X509_add1_ext_i2d(cert, NID_key_usage, bits, 1, X509V3_ADD_DEFAULT) == 1;
    ASN1_BIT_STRING_free(bits);
    return ok;
}

static bool add_eku(X509 *cert, const struct profile *p)
{
    if (p->eku[0] == NID_undef)
        return true;
    EXTENDED_KEY_USAGE *eku = EXTENDED_KEY_USAGE_new();
    bool ok = eku != NULL;
    for (size_t i = 0; ok && i < ARRAY_LEN(p->eku) && p->eku[i] != NID_undef; i++)
        ok = sk_ASN1_OBJECT_push(eku, OBJ_nid2obj(p->eku[i])) > 0;
    ok = ok && X509_add1_ext_i2d(cert, NID_ext_key_usage, eku, 0, X509V3_ADD_DEFAULT) == 1;
    EXTENDED_KEY_USAGE_free(eku);
    return ok;
}

static bool printable(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return text[0] != '\0';
}

static bool add_names(X509 *cert, const struct pki_request *r)
{
    if (!r->uri && (!r->hosts || !r->hosts[0]))
        return true;
    GENERAL_NAMES *names = pki_names_new(r->uri, r->hosts);
    bool ok = names && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(names);
    return ok;
}

/* Of a challenge's answer alone: critical, an OCTET STRING in the extension's own (RFC 8737 3). */
static bool add_acme(X509 *cert, const struct pki_request *r)
{
    if (r->profile != PKI_ACME)
        return true;
    unsigned char der[2 + PKI_ACME_DIGEST] = {V_ASN1_OCTET_STRING, PKI_ACME_DIGEST};
    memcpy(der + 2, r->acme_digest, PKI_ACME_DIGEST);
    ASN1_OBJECT *oid = OBJ_txt2obj(PKI_ACME_OID, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *ext = NULL;
    if (oid && value && ASN1_OCTET_STRING_set(value, der, sizeof der) == 1)
        ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
    bool ok = ext && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(oid);
    return ok;
}

/* Constant configuration only: nothing of the request gets into these strings. */
static bool add_fixed(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool set_subject(X509 *cert, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1,
                                      0) == 1;
}

static enum result check_request(const struct pki_request *r, struct error *err)
{
    if ((size_t)r->profile >= ARRAY_LEN(profiles))
        return error_set(err, R_INVALID, "unknown certificate profile %d", (int)r->profile);
    const struct profile *p = &profiles[r->profile];
    if (!r->common_name || !r->common_name[0] || strlen(r->common_name) > 64)
        return error_set(err, R_INVALID, "a common name has 1 to 64 characters (RFC 5280 A.1)");
    if (p->needs_uri && !r->uri)
        return error_set(err, R_INVALID, "a certificate of this profile needs a URI as its name");
    if (r->profile == PKI_ACME && (!r->acme_digest || !r->hosts || !r->hosts[0] || r->hosts[1]))
        return error_set(err, R_INVALID, "a challenge's answer is for one name and has a digest (RFC 8737)");
    if (r->uri && !printable(r->uri))
        return error_set(err, R_INVALID, "a URI in a certificate is printable ASCII without blanks");
    for (size_t i = 0; r->hosts && r->hosts[i]; i++) {
        if (i >= HOSTS_MAX || strlen(r->hosts[i]) > HOST_MAX || !printable(r->hosts[i]))
            return error_set(err, R_INVALID, "a certificate takes at most %d host names of 1 to %d ASCII characters",
                             HOSTS_MAX, HOST_MAX);
    }
    if (r->not_after <= r->not_before)
        return error_set(err, R_INVALID, "a certificate must end after it begins");
    if (!r->subject_key || !r->issuer != !r->issuer_key)
        return error_set(err, R_INVALID, "a certificate needs a subject's key, and issuer and issuer's key together");
    if (p->self_signed_only && r->issuer)
        return error_set(err, R_INVALID, "a certificate of this profile is self-signed");
    if (r->issuer && X509_check_private_key(r->issuer, r->issuer_key) != 1)
        return error_set(err, R_INVALID, "the issuer's key is not that of the issuer's certificate");
    return OK;
}

static bool fill(X509 *cert, const struct pki_request *r)
{
    const struct profile *p = &profiles[r->profile];
    X509 *issuer = r->issuer ? r->issuer : cert;
    return X509_set_version(cert, X509_VERSION_3) && set_serial(X509_get_serialNumber(cert)) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)r->not_before) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)r->not_after) && set_subject(cert, r->common_name) &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer)) && X509_set_pubkey(cert, r->subject_key) &&
           add_basic_constraints(cert, p) && add_key_usage(cert, p) && add_eku(cert, p) && add_names(cert, r) &&
           add_acme(cert, r) && add_fixed(cert, issuer, NID_subject_key_identifier, "hash") &&
           add_fixed(cert, issuer, NID_authority_key_identifier, "keyid:always") &&
           X509_sign(cert, r->issuer_key ? r->issuer_key : r->subject_key, EVP_sha256()) > 0;
}

enum result pki_issue(const struct pki_request *r, X509 **ret, struct error *err)
{
    *ret = NULL;
    ERR_set_mark();
    enum result result = check_request(r, err);
    if (result == OK) {
        X509 *cert = X509_new();
        if (!cert)
            fatal("pki: out of memory");
        if (fill(cert, r)) {
            *ret = cert;
        } else {
            X509_free(cert);
            result = error_set(err, R_INVALID, "the certificate '%s' can't be made: %s", r->common_name,
                               ERR_reason_error_string(ERR_peek_last_error()));
        }
    }
    ERR_pop_to_mark();
    return result;
}

/* --- CRL --- */

static bool push_revoked(X509_CRL *crl, X509 *cert, int64_t when)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *date = ASN1_TIME_set(NULL, (time_t)when);
    bool ok = entry && date && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) &&
              X509_REVOKED_set_revocationDate(entry, date) && X509_CRL_add0_revoked(crl, entry);
    ASN1_TIME_free(date);
    if (!ok)
        X509_REVOKED_free(entry);
    return ok;
}

static bool add_crl_extensions(X509_CRL *crl, X509 *issuer, int64_t number)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, NULL, NULL, crl, 0);
    X509_EXTENSION *aki = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    ASN1_INTEGER *n = ASN1_INTEGER_new();
    bool ok = aki && X509_CRL_add_ext(crl, aki, -1) == 1 && n && ASN1_INTEGER_set_int64(n, number) &&
              X509_CRL_add1_ext_i2d(crl, NID_crl_number, n, 0, X509V3_ADD_DEFAULT) == 1;
    ASN1_INTEGER_free(n);
    X509_EXTENSION_free(aki);
    return ok;
}

static bool set_crl_times(X509_CRL *crl, int64_t this_update, int64_t next_update)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)this_update);
    ASN1_TIME *to = ASN1_TIME_set(NULL, (time_t)next_update);
    bool ok = from && to && X509_CRL_set1_lastUpdate(crl, from) && X509_CRL_set1_nextUpdate(crl, to);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return ok;
}

static bool fill_crl(X509_CRL *crl, X509 *issuer, X509 *const *revoked, size_t count, int64_t this_update)
{
    bool ok =
        X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer));
    for (size_t i = 0; ok && i < count; i++)
        ok = push_revoked(crl, revoked[i], this_update);
    return ok;
}

enum result pki_issue_crl(X509 *issuer, EVP_PKEY *issuer_key, X509 *const *revoked, size_t count, int64_t number,
                          int64_t this_update, int64_t next_update, unsigned char **ret, size_t *ret_len,
                          struct error *err)
{
    *ret = NULL;
    *ret_len = 0;
    ERR_set_mark();
    X509_CRL *crl = X509_CRL_new();
    if (!crl)
        fatal("pki: out of memory");
    enum result r = OK;
    unsigned char *der = NULL;
    int len = 0;
    if (next_update <= this_update || number < 0)
        r = error_set(err, R_INVALID, "a CRL's next update must be after this one, and its number not negative");
    else if (X509_check_private_key(issuer, issuer_key) != 1)
        r = error_set(err, R_INVALID, "the issuer's key is not that of the issuer's certificate");
    else if (!fill_crl(crl, issuer, revoked, count, this_update) || !set_crl_times(crl, this_update, next_update) ||
             !add_crl_extensions(crl, issuer, number) || !X509_CRL_sort(crl) ||
             X509_CRL_sign(crl, issuer_key, EVP_sha256()) <= 0 || (len = i2d_X509_CRL(crl, &der)) <= 0)
        r = error_set(err, R_INVALID, "the CRL can't be made: %s", ERR_reason_error_string(ERR_peek_last_error()));
    if (r == OK) {
        *ret = mem_zalloc((size_t)len); /* OpenSSL's allocator may not be free()'s */
        memcpy(*ret, der, (size_t)len);
        *ret_len = (size_t)len;
    }
    OPENSSL_free(der);
    X509_CRL_free(crl);
    ERR_pop_to_mark();
    return r;
}
