/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the same trust as others do (pki/trust.h) and turns its one verdict into the step that rules the certificate
 * out. Never refuses anybody. */
#include "pki/own_check.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { CHAIN_MAX = 16 };

const char *pki_own_step_name(enum pki_own_step step)
{
    static const char *const names[] = {
        "certificate", "private_key", "digital_signature", "client_auth", "validity", "chain", "crl", "none"};
    return names[step];
}

const char *pki_own_outcome_name(enum pki_own_outcome outcome)
{
    static const char *const names[] = {"ok", "failed", "unknown"};
    return names[outcome];
}

static void PRINTF_LIKE(4, 5)
    set(struct pki_own_check *c, enum pki_own_step step, enum pki_own_outcome outcome, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    c->steps[step].outcome = outcome;
    (void)vsnprintf(c->steps[step].detail, sizeof c->steps[step].detail, fmt, args);
    va_end(args);
    utf8_mend_end(c->steps[step].detail);
}

static void check_key(X509 *leaf, struct slice pem, struct pki_own_check *ret)
{
    EVP_PKEY *key = NULL;
    struct error err;
    if (!pem.len)
        set(ret, PKI_OWN_PRIVATE_KEY, PKI_OWN_FAILED, "there is no private key beside the certificate");
    else if (pki_key_read(pem, &key, &err) != OK)
        set(ret, PKI_OWN_PRIVATE_KEY, PKI_OWN_FAILED, "the private key can't be used: %.200s", err.text);
    else if (X509_check_private_key(leaf, key) != 1)
        set(ret, PKI_OWN_PRIVATE_KEY, PKI_OWN_FAILED, "the private key belongs to another certificate");
    EVP_PKEY_free(key);
}

/* Extensions of the leaf that can be looked at without knowing whom it will be shown to. */
static void check_leaf(X509 *leaf, int64_t now, struct pki_own_check *ret)
{
    char when[CLOCK_TEXT_SIZE];
    uint32_t flags = X509_get_extension_flags(leaf);
    if ((flags & EXFLAG_KUSAGE) && !(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
        set(ret, PKI_OWN_DIGITAL_SIGNATURE, PKI_OWN_FAILED, "its key usage lacks digitalSignature");
    if (!pki_cert_for_clients(leaf))
        set(ret, PKI_OWN_CLIENT_AUTH, PKI_OWN_FAILED,
            "it does not have the extended key usage clientAuth (1.3.6.1.5.5.7.3.2)");
    if (now < ret->not_before) {
        clock_rfc3339(ret->not_before, when);
        set(ret, PKI_OWN_VALIDITY, PKI_OWN_FAILED, "it is valid from %s only", when);
    } else if (now > ret->not_after) {
        clock_rfc3339(ret->not_after, when);
        set(ret, PKI_OWN_VALIDITY, PKI_OWN_FAILED, "it expired on %s", when);
    }
}

/* --- the verdict of those to whom it is shown --- */

static enum pki_own_step step_of(enum verdict_reason reason, const struct pki_own_check *c)
{
    switch (reason) {
    case REASON_CERT_WRONG_USAGE:
        return PKI_OWN_CLIENT_AUTH;
    case REASON_CERT_EXPIRED:
    case REASON_CERT_NOT_YET_VALID: /* the leaf's, or that of an issuer */
        return c->steps[PKI_OWN_VALIDITY].outcome == PKI_OWN_FAILED ? PKI_OWN_VALIDITY : PKI_OWN_CHAIN;
    case REASON_CERT_REVOKED:
    case REASON_CERT_CRL_UNAVAILABLE:
    case REASON_CERT_CRL_EXPIRED:
    case REASON_CERT_OCSP_UNAVAILABLE:
        return PKI_OWN_CRL;
    default:
        return PKI_OWN_CHAIN;
    }
}

static void take_verdict(const struct pki_own_question *q, const struct pki_verdict *v, struct pki_own_check *ret)
{
    enum pki_own_step step = step_of(v->reason, ret);
    ret->reason = v->reason;
    if (v->reason == REASON_OK) {
        if (!q->crl_check)
            set(ret, PKI_OWN_CRL, PKI_OWN_OK, "not asked for: crl_check is off");
        else if (v->unchecked)
            set(ret, PKI_OWN_CRL, PKI_OWN_UNKNOWN, "%s", v->detail);
        return;
    }
    if (ret->steps[step].outcome != PKI_OWN_FAILED)
        set(ret, step, PKI_OWN_FAILED, "%s", v->detail);
    for (enum pki_own_step after = PKI_OWN_CHAIN; after < PKI_OWN_STEPS; after++) {
        if (after > step)
            set(ret, after, PKI_OWN_UNKNOWN, "not judged: step %s comes first", pki_own_step_name(step));
    }
}

static void judge(const struct pki_own_question *q, STACK_OF(X509) * chain, struct pki_own_check *ret)
{
    struct pki_verdict v;
    if (!q->trust) {
        set(ret, PKI_OWN_CHAIN, PKI_OWN_UNKNOWN, "not judged: the site's trust anchors are not known here");
        set(ret, PKI_OWN_CRL, PKI_OWN_UNKNOWN, "not judged: the site's lists are not known here");
        return;
    }
    pki_trust_judge(q->trust, sk_X509_value(chain, 0), chain, q->now, &v);
    take_verdict(q, &v, ret);
}

static void unreadable(const struct error *err, struct pki_own_check *ret)
{
    set(ret, PKI_OWN_CERTIFICATE, PKI_OWN_FAILED, "%s", err->text);
    for (enum pki_own_step s = PKI_OWN_PRIVATE_KEY; s < PKI_OWN_STEPS; s++)
        set(ret, s, PKI_OWN_UNKNOWN, "not judged: there is no certificate to judge");
}

void pki_own_check(const struct pki_own_question *q, struct pki_own_check *ret)
{
    STACK_OF(X509) *chain = NULL;
    unsigned char hash[PKI_SHA256];
    struct error err;
    memset(ret, 0, sizeof *ret);
    if (pki_cert_read_all(q->certificate_pem, CHAIN_MAX, &chain, &err) != OK) {
        unreadable(&err, ret);
        return;
    }
    X509 *leaf = sk_X509_value(chain, 0);
    pki_cert_subject(leaf, ret->subject, sizeof ret->subject);
    pki_cert_sha256(leaf, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), ret->sha256);
    ret->not_before = pki_cert_not_before(leaf);
    ret->not_after = pki_cert_not_after(leaf);
    check_key(leaf, q->key_pem, ret);
    check_leaf(leaf, q->now, ret);
    judge(q, chain, ret);
    sk_X509_pop_free(chain, X509_free);
}

enum pki_own_step pki_own_ruled_out(const struct pki_own_check *c)
{
    enum pki_own_step s = PKI_OWN_CERTIFICATE;
    while (s < PKI_OWN_STEPS && c->steps[s].outcome != PKI_OWN_FAILED)
        s++;
    return s;
}

bool pki_own_good(const struct pki_own_check *c)
{
    enum pki_own_step s = PKI_OWN_CERTIFICATE;
    while (s < PKI_OWN_STEPS && c->steps[s].outcome == PKI_OWN_OK)
        s++;
    return s == PKI_OWN_STEPS;
}
