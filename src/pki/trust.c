/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trust and its verdicts: path.c finds a path, then strength, usage, name and revocation are judged on it here.
 */
#include "pki/trust.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert.h"
#include "pki/crl_set.h"
#include "pki/identity.h"
#include "pki/path.h"
#include "pki/strength.h"

enum { CERTS_MAX = 4096, SENT_MAX = 32, WARNINGS_MAX = 64 * 1024, REFUSAL_HOLDS_S = 60 };

struct pki_trust {
    atomic_uint refs;
    struct pki_trust_options options;
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * intermediates;
    struct pki_crl_set *crls;
    bool sealed;
};

struct pki_trust *pki_trust_new(const struct pki_trust_options *o)
{
    struct pki_trust *t = mem_zalloc(sizeof *t);
    atomic_init(&t->refs, 1);
    t->options = *o;
    t->anchors = sk_X509_new_null();
    t->intermediates = sk_X509_new_null();
    t->crls = pki_crl_set_new();
    if (!t->anchors || !t->intermediates)
        fatal("pki: out of memory");
    return t;
}

struct pki_trust *pki_trust_ref(struct pki_trust *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void pki_trust_unref(struct pki_trust *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    sk_X509_pop_free(t->anchors, X509_free);
    sk_X509_pop_free(t->intermediates, X509_free);
    pki_crl_set_free(t->crls);
    free(t);
}

/* --- building --- */

static enum result add_certs(struct pki_trust *t, STACK_OF(X509) * to, struct slice certs, struct error *err)
{
    STACK_OF(X509) * read;
    if (t->sealed)
        return error_set(err, R_INVALID, "the trust is sealed");
    enum result r = pki_cert_read_all(certs, CERTS_MAX - (size_t)sk_X509_num(to), &read, err);
    if (r != OK)
        return r;
    for (int i = 0; i < sk_X509_num(read); i++) {
        X509 *cert = sk_X509_value(read, i);
        (void)X509_check_purpose(cert, -1, 0); /* fills the extension cache now rather than in every thread */
        if (X509_up_ref(cert) != 1 || !sk_X509_push(to, cert))
            fatal("pki: out of memory");
    }
    sk_X509_pop_free(read, X509_free);
    return OK;
}

enum result pki_trust_add_anchors(struct pki_trust *t, struct slice certs, struct error *err)
{
    return add_certs(t, t->anchors, certs, err);
}

enum result pki_trust_add_intermediates(struct pki_trust *t, struct slice certs, struct error *err)
{
    return add_certs(t, t->intermediates, certs, err);
}

enum result pki_trust_add_crl(struct pki_trust *t, struct slice crl, struct error *err)
{
    return pki_crl_set_add(t->crls, crl, err);
}

void pki_trust_seal(struct pki_trust *t, char **warnings)
{
    struct buf text;
    buf_init(&text, WARNINGS_MAX);
    pki_crl_set_seal(t->crls, t->anchors, t->intermediates, &text);
    t->sealed = true;
    if (warnings)
        *warnings = buf_len(&text) > 0 ? buf_take_str(&text) : NULL;
    buf_free(&text);
}

/* --- judging a path --- */

struct judging {
    const struct pki_trust *trust;
    int64_t now;
    bool named;
};

static bool check_strength(STACK_OF(X509) * chain, struct pki_verdict *v, bool *of_leaf)
{
    char why[120];
    int last = sk_X509_num(chain) - 1;
    for (int i = 0; i <= last; i++) {
        /* An anchor is trusted because it was uploaded, not because of the signature on it. */
        if (pki_strength_ok(sk_X509_value(chain, i), i < last, why, sizeof why))
            continue;
        v->reason = REASON_CERT_WEAK_KEY;
        pki_path_detail(v, sk_X509_value(chain, i), "%s", why);
        *of_leaf = i == 0;
        return false;
    }
    return true;
}

/* OpenSSL accepts a leaf without any extended key usage; we want clientAuth said. A role's certificate is no device's,
 * even where somebody uploaded the site root as an anchor (PROTOCOL 1). */
static bool check_usage(X509 *leaf, struct pki_verdict *v)
{
    char urn[128];
    if (!(X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) || !(X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT))
        pki_path_detail(v, leaf, "does not have the extended key usage clientAuth");
    else if (pki_cert_uri(leaf, "urn:opencmg:", urn, sizeof urn))
        pki_path_detail(v, leaf, "is one of the site's own roles, not a device's");
    else
        return true;
    v->reason = REASON_CERT_WRONG_USAGE;
    return false;
}

static bool check_name(const struct judging *j, X509 *leaf, struct pki_verdict *v)
{
    if (j->named)
        return true;
    v->reason = REASON_CERT_NAME_MISSING;
    pki_path_detail(v, leaf, "has neither a subject nor a subject alternative name that can be read");
    return false;
}

static void no_crl(struct pki_verdict *v, X509 *cert, const struct pki_crl_answer *answer)
{
    char issuer[100], when[CLOCK_TEXT_SIZE];
    pki_cert_issuer(cert, issuer, sizeof issuer);
    if (answer->state == PKI_CRL_EXPIRED) {
        clock_rfc3339(answer->next_update, when);
        v->reason = REASON_CERT_CRL_EXPIRED;
        pki_path_detail(v, cert, "can't be checked: the CRL of '%s' ended %s", issuer, when);
    } else {
        v->reason = REASON_CERT_CRL_UNAVAILABLE;
        pki_path_detail(v, cert, "can't be checked: %s '%s'",
                        answer->not_begun ? "thisUpdate lies in the future in the CRL of" : "there is no CRL of",
                        issuer);
    }
}

static void bound(int64_t *until, int64_t limit)
{
    if (limit < *until)
        *until = limit;
}

/* Everything but the anchor is looked up: it is the administrator who takes an anchor back. */
static bool check_revocation(const struct judging *j, STACK_OF(X509) * chain, struct pki_verdict *v, bool *of_leaf)
{
    struct pki_verdict unchecked = *v;
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        struct pki_crl_answer answer;
        X509 *cert = sk_X509_value(chain, i);
        pki_crl_set_check(j->trust->crls, cert, sk_X509_value(chain, i + 1), j->now, &answer);
        if (answer.state == PKI_CRL_REVOKED) {
            char serial[64];
            pki_cert_serial_hex(cert, serial, sizeof serial);
            v->reason = REASON_CERT_REVOKED;
            pki_path_detail(v, cert, "with the serial number %s is on its issuer's CRL", serial);
            *of_leaf = i == 0;
            return false;
        }
        if (answer.state == PKI_CRL_GOOD)
            bound(&v->valid_until, answer.next_update);
        else if (unchecked.reason == REASON_OK)
            no_crl(&unchecked, cert, &answer);
    }
    if (unchecked.reason == REASON_OK)
        return true;
    v->unchecked = j->trust->options.allow_when_unavailable;
    memcpy(v->detail, unchecked.detail, sizeof v->detail); /* the alert's text when let in */
    if (!v->unchecked)
        v->reason = unchecked.reason;
    return v->unchecked;
}

static bool judge_path(void *arg, STACK_OF(X509) * chain, struct pki_verdict *v)
{
    const struct judging *j = arg;
    X509 *leaf = sk_X509_value(chain, 0);
    bool of_leaf = false;
    v->valid_until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++)
        bound(&v->valid_until, pki_cert_not_after(sk_X509_value(chain, i)));
    if (!check_strength(chain, v, &of_leaf))
        return of_leaf;
    if (!check_usage(leaf, v) || !check_name(j, leaf, v))
        return true;
    if (j->trust->options.crl_check && !check_revocation(j, chain, v, &of_leaf))
        return of_leaf;
    return false;
}

/* --- the verdict --- */

static STACK_OF(X509) * gather(const struct pki_trust *t, STACK_OF(X509) * sent)
{
    STACK_OF(X509) *all = sk_X509_dup(t->intermediates);
    if (!all)
        fatal("pki: out of memory");
    for (int i = 0; i < sk_X509_num(sent) && i < SENT_MAX; i++) {
        if (!sk_X509_push(all, sk_X509_value(sent, i)))
            fatal("pki: out of memory");
    }
    return all;
}

void pki_trust_judge(const struct pki_trust *t, X509 *leaf, STACK_OF(X509) * sent, int64_t now, struct pki_verdict *ret)
{
    struct judging j = {.trust = t, .now = now};
    if (!t->sealed)
        fatal("pki: a trust is asked before it is sealed");
    memset(ret, 0, sizeof *ret);
    j.named = pki_identity(leaf, ret->identity, sizeof ret->identity);
    struct pki_pool pool = {t->anchors, gather(t, sent)};
    pki_path_judge(&pool, leaf, now, judge_path, &j, ret);
    sk_X509_free(pool.untrusted);
    if (ret->reason != REASON_OK) {
        ret->unchecked = false;
        ret->valid_until = now + REFUSAL_HOLDS_S;
    }
}
