/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge of role and signing certificates: OpenSSL verifies the path with the site root as the only anchor, then
 * shape (exactly leaf ← role CA ← root, or leaf ← root), usage and URN are checked here. Nothing else is ever trusted,
 * so a device PKI can't make a role.
 */
#include "pki/role.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert/cert.h"

enum { URN_MAX = 128, CHAIN_SENT_MAX = 8 };

struct pki_role_judge {
    STACK_OF(X509) * root; /* one */
    char prefix[URN_MAX];  /* "urn:opencmg:LAB:connector:"; for signing the whole name */
    bool signing;
};

enum result pki_role_judge_new(struct slice root_pem, const char *site, const char *kind, struct pki_role_judge **ret,
                               struct error *err)
{
    *ret = NULL;
    STACK_OF(X509) * root;
    enum result r = pki_cert_read_all(root_pem, 1, &root, err);
    if (r != OK) {
        (void)error_prefix(err, "site root");
        return r; /* err may be NULL */
    }
    if (strlen(site) == 0 || strlen(site) >= PKI_SITE_MAX || strlen(kind) > 40) {
        sk_X509_pop_free(root, X509_free);
        return error_set(err, R_INVALID, "site code or kind of role has a wrong length");
    }
    struct pki_role_judge *j = mem_zalloc(sizeof *j);
    j->root = root;
    j->signing = strncmp(kind, "signing:", 8) == 0;
    (void)snprintf(j->prefix, sizeof j->prefix, "urn:opencmg:%s:%s%s", site, kind, j->signing ? "" : ":");
    (void)X509_check_purpose(sk_X509_value(root, 0), -1, 0); /* fills the extension cache before threads share it */
    *ret = j;
    return OK;
}

void pki_role_judge_free(struct pki_role_judge *j)
{
    if (!j)
        return;
    sk_X509_pop_free(j->root, X509_free);
    free(j);
}

/* Exactly one URI in the SAN: two names could be read as two roles by two readers. */
static bool single_uri(X509 *leaf, char *ret, size_t size)
{
    int count = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        count += sk_GENERAL_NAME_value(names, i)->type == GEN_URI;
    GENERAL_NAMES_free(names);
    return count == 1 && pki_cert_uri(leaf, "", ret, size);
}

static bool valid_id(struct slice id)
{
    return id.len > 0 && id.len < PKI_ROLE_ID_MAX && ascii_all_alnum_or(id, "._-");
}

static enum result check_urn(const struct pki_role_judge *j, X509 *leaf, char ret_id[PKI_ROLE_ID_MAX],
                             struct error *err)
{
    char uri[URN_MAX + PKI_ROLE_ID_MAX];
    if (!single_uri(leaf, uri, sizeof uri))
        return error_set(err, R_DENIED, "the certificate does not have exactly one URI as its name");
    struct slice name = slice_of(uri), prefix = slice_of(j->prefix);
    if (!slice_starts(name, prefix))
        return error_set(err, R_DENIED, "the certificate is of '%s', wanted is '%s…'", uri, j->prefix);
    struct slice id = slice_skip(name, prefix.len);
    if (j->signing) {
        if (id.len != 0)
            return error_set(err, R_DENIED, "the certificate is of '%s', wanted is '%s'", uri, j->prefix);
        id = slice_skip(prefix, slice_find_slice(prefix, SLICE(":signing:")) + strlen(":signing:"));
    }
    if (!valid_id(id) || !slice_to_cstr(id, ret_id, PKI_ROLE_ID_MAX))
        return error_set(err, R_DENIED, "the certificate's name '%s' holds no valid id", uri);
    return OK;
}

static enum result check_usage(const struct pki_role_judge *j, X509 *leaf, struct error *err)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    uint32_t eku = X509_get_extended_key_usage(leaf);
    if ((flags & EXFLAG_CA) || !(flags & EXFLAG_KUSAGE) || !(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
        return error_set(err, R_DENIED, "the certificate is not one for digital signatures");
    if (j->signing && (flags & EXFLAG_XKUSAGE))
        return error_set(err, R_DENIED, "a signing certificate has no extended key usage, this one has");
    if (!j->signing && (!(flags & EXFLAG_XKUSAGE) || !(eku & XKU_SSL_CLIENT) || !(eku & XKU_SSL_SERVER)))
        return error_set(err, R_DENIED, "a role certificate has the usages clientAuth and serverAuth");
    return OK;
}

static enum result check_shape(const struct pki_role_judge *j, X509_STORE_CTX *ctx, struct error *err)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    int length = sk_X509_num(chain);
    if (length != (j->signing ? 2 : 3) || X509_cmp(sk_X509_value(chain, length - 1), sk_X509_value(j->root, 0)) != 0)
        return error_set(err, R_DENIED, "the chain is not %s", j->signing ? "leaf, root" : "leaf, role CA, root");
    return OK;
}

/* Whose certificate it is, or, when the time is wrong, which times: one of the two clocks may be. */
static enum result tell_fault(X509_STORE_CTX *ctx, int64_t now, struct error *err)
{
    int code = X509_STORE_CTX_get_error(ctx);
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx), *at = X509_STORE_CTX_get_current_cert(ctx);
    const char *what = X509_verify_cert_error_string(code);
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE], here[CLOCK_TEXT_SIZE], subject[128], issuer[128];
    if (at && (code == X509_V_ERR_CERT_NOT_YET_VALID || code == X509_V_ERR_CERT_HAS_EXPIRED)) {
        clock_rfc3339(pki_cert_not_before(at), from);
        clock_rfc3339(pki_cert_not_after(at), until);
        clock_rfc3339(now, here);
        return error_set(err, R_DENIED, "%s: it is good from %s to %s, and by this machine's clock it is %s", what,
                         from, until, here);
    }
    pki_cert_subject(leaf, subject, sizeof subject);
    pki_cert_issuer(leaf, issuer, sizeof issuer);
    return error_set(err, R_DENIED, "the certificate is not the site's: '%s', issued by '%s': %s", subject, issuer,
                     what);
}

static enum result check_chain(const struct pki_role_judge *j, X509 *leaf, STACK_OF(X509) * chain, int64_t now,
                               struct error *err)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx || !X509_STORE_CTX_init(ctx, NULL, leaf, chain))
        fatal("pki: out of memory");
    X509_STORE_CTX_set0_trusted_stack(ctx, j->root);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)now);
    X509_VERIFY_PARAM_set_depth(param, 2);
    (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    /* Signing certificates have no purpose that OpenSSL knows; CA bits are checked all the same. */
    if (!j->signing)
        (void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT);
    enum result r;
    if (X509_verify_cert(ctx) != 1)
        r = tell_fault(ctx, now, err);
    else
        r = check_shape(j, ctx, err);
    X509_STORE_CTX_free(ctx);
    return r;
}

enum result pki_role_check(const struct pki_role_judge *j, X509 *leaf, STACK_OF(X509) * chain, int64_t now,
                           char ret_id[PKI_ROLE_ID_MAX], struct error *err)
{
    ret_id[0] = '\0';
    if (sk_X509_num(chain) > CHAIN_SENT_MAX)
        return error_set(err, R_DENIED, "more than %d certificates were sent", CHAIN_SENT_MAX);
    ERR_set_mark();
    enum result r = check_chain(j, leaf, chain, now, err);
    if (r == OK)
        r = check_usage(j, leaf, err);
    if (r == OK)
        r = check_urn(j, leaf, ret_id, err);
    ERR_pop_to_mark();
    return r;
}

enum result pki_role_tls_verify(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err)
{
    char id[PKI_ROLE_ID_MAX];
    return pki_role_check(arg, leaf, chain, clock_wall_s(), id, err);
}
