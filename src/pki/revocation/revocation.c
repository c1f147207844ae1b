/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a CRL signer is judged like any other, its own revocation included. It may come back to a CRL whose
 * signer is just being judged (a CA may let a CRL issuer list itself, as in PKITS 4.14.30): that CRL is then believed
 * for this question, so that it can revoke its own signer but needs no second opinion.
 */
#include "pki/revocation/revocation.h"

#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "pki/cert/cert.h"
#include "pki/cert/strength.h"
#include "pki/list/ask.h"
#include "pki/list/info.h"
#include "verdict/remedy.h"

enum { NESTING_MAX = 3 };

/* --- the signer of a CRL --- */

struct believing {
    const struct pki_revocation *r;
    STACK_OF(X509) * chain; /* of the certificate that the CRL is asked about */
    int at;                 /* which it is */
};

/* The CA that `from` is of, behind the certificates that it gave itself for a change of keys; its place in the chain.
 */
static int ca_of(STACK_OF(X509) * chain, int from)
{
    while (from + 1 < sk_X509_num(chain) && pki_cert_self_issued(sk_X509_value(chain, from)))
        from++;
    return from;
}

static bool same_key(X509 *a, X509 *b)
{
    unsigned char x[PKI_SHA256], y[PKI_SHA256];
    pki_cert_spki_sha256(a, x);
    pki_cert_spki_sha256(b, y);
    return memcmp(x, y, PKI_SHA256) == 0;
}

/* Two CAs may bear one name. They are one CA when the same key certified both, or are the anchor itself. */
static bool same_ca(STACK_OF(X509) * signer, STACK_OF(X509) * chain, int issuer)
{
    int s = ca_of(signer, 0), c = ca_of(chain, issuer);
    bool s_is_anchor = s + 1 == sk_X509_num(signer), c_is_anchor = c + 1 == sk_X509_num(chain);
    if (s_is_anchor || c_is_anchor)
        return s_is_anchor && c_is_anchor && same_key(sk_X509_value(signer, s), sk_X509_value(chain, c));
    return same_key(sk_X509_value(signer, s + 1), sk_X509_value(chain, c + 1));
}

struct signer_check {
    const struct believing *asked;
    struct pki_revocation nested;
    bool of_issuer; /* the CRL bears the name of the certificate's issuer: it must be that CA's */
};

static int check_signer(void *arg, STACK_OF(X509) * chain, struct pki_verdict *v)
{
    struct signer_check *s = arg;
    int depth = pki_path_check_form(chain, v);
    if (depth < 0 && !s->nested.any_strength)
        depth = pki_path_check_strength(chain, v);
    if (depth >= 0)
        return depth;
    if (s->of_issuer && !same_ca(chain, s->asked->chain, s->asked->at + 1)) {
        v->reason = REASON_CERT_CRL_UNAVAILABLE;
        return PKI_PATH_TOGETHER;
    }
    return pki_revocation_check(&s->nested, chain, v);
}

static bool stands_in(STACK_OF(X509) * chain, X509 *cert)
{
    for (int i = 1; i < sk_X509_num(chain); i++) {
        if (X509_cmp(sk_X509_value(chain, i), cert) == 0)
            return true;
    }
    return false;
}

static bool signer_is_good(const struct believing *b, const struct pki_crl *c, X509 *signer)
{
    const struct pki_revocation *r = b->r;
    X509 *cert = sk_X509_value(b->chain, b->at);
    struct signer_check s = {.asked = b, .nested = *r};
    s.of_issuer = X509_NAME_cmp(pki_crl_issuer(c), X509_get_issuer_name(cert)) == 0;
    s.nested.outer = r;
    s.nested.vouching = c;
    s.nested.allow_when_unavailable = false;
    s.nested.oracle = NULL; /* lists speak for those who sign lists */
    s.nested.places = NULL;
    STACK_OF(X509) *anchor = sk_X509_new_null();
    if (!anchor || !sk_X509_push(anchor, sk_X509_value(b->chain, sk_X509_num(b->chain) - 1)))
        fatal("pki: out of memory");
    struct pki_pool pool = {anchor, r->pool->untrusted};
    struct pki_path_search search = {
        .pool = &pool, .now = r->now, .check = check_signer, .arg = &s, .effort = r->effort};
    struct pki_verdict v = {.valid_until = INT64_MAX};
    pki_path_judge(&search, signer, &v);
    sk_X509_free(anchor);
    return v.reason == REASON_OK;
}

static bool believe(void *arg, const struct pki_crl *c)
{
    const struct believing *b = arg;
    int nesting = 0;
    for (const struct pki_revocation *r = b->r; r; r = r->outer, nesting++) {
        if (r->vouching == c)
            return true;
    }
    for (int i = 0; i < sk_X509_num(c->signers); i++) {
        X509 *signer = sk_X509_value(c->signers, i);
        if (stands_in(b->chain, signer) || (nesting <= NESTING_MAX && signer_is_good(b, c, signer)))
            return true;
    }
    return false;
}

/* --- one certificate --- */

static void revoked(struct pki_verdict *v, X509 *cert, const char *where)
{
    char serial[64];
    pki_cert_serial_hex(cert, serial, sizeof serial);
    v->reason = REASON_CERT_REVOKED;
    pki_path_detail(v, cert, "with the serial number %s %s", serial, where);
}

/* Which list the certificate itself names. */
static void tell_own_place(X509 *cert, char *ret, size_t size)
{
    struct pki_list_places places = {.count = 0};
    pki_list_places_add(&places, cert, cert);
    if (X509_get_ext_by_NID(cert, NID_crl_distribution_points, -1) < 0)
        (void)snprintf(ret, size, "no distribution point");
    else if (places.count)
        utf8_escape(slice_of(places.list[0].url), ret, size); /* cut between characters */
    else
        (void)snprintf(ret, size, "another distribution point");
}

static void of_another_scope(X509 *cert, const char *issuer, const struct pki_crl *crl, struct pki_verdict *v)
{
    char own[120];
    struct pki_list_info list;
    pki_list_tell(crl, &list);
    tell_own_place(cert, own, sizeof own);
    pki_path_detail(
        v, cert, "can't be checked: the CRL of '%s' at hand is of another scope (%.160s); this one is %s, %s%s", issuer,
        list.scope, X509_get_extension_flags(cert) & EXFLAG_CA ? "a CA's" : "a device's", "and names ", own);
    v->remedy = verdict_remedy(REMEDY_LIST_SCOPE);
}

static void no_crl_at_hand(X509 *cert, const char *issuer, const struct pki_crl_answer *answer, struct pki_verdict *v)
{
    const char *before = "there is no CRL of", *after = "", *why = "", *remedy = NULL;
    if (answer->not_begun) {
        before = "thisUpdate lies in the future in the CRL of";
        remedy = verdict_remedy(REMEDY_LIST_BEGINS);
    } else if (answer->unbelieved) {
        before = "the CRL at hand of";
        after = " was signed by another key than the one that issued it, and that key's own certificate is not good";
        remedy = verdict_remedy(REMEDY_LIST_KEY);
    } else if (answer->partial) {
        before = "not all reasons of revocation are covered by the CRLs of";
        remedy = verdict_remedy(REMEDY_LIST_REASONS);
    } else if (answer->elsewhere) {
        of_another_scope(cert, issuer, answer->elsewhere, v);
        return;
    } else if (answer->dropped) {
        before = "the CRL of";
        after = " at hand can't be used: ";
        why = answer->dropped;
        remedy = verdict_remedy(REMEDY_LIST_UNUSABLE);
    }
    pki_path_detail(v, cert, "can't be checked: %s '%s'%s%s", before, issuer, after, why);
    v->remedy = remedy;
}

static void no_crl(struct pki_verdict *v, X509 *cert, const struct pki_crl_answer *answer)
{
    char issuer[100], when[CLOCK_TEXT_SIZE];
    const char *remedy = answer->remedy;
    pki_cert_issuer(cert, issuer, sizeof issuer);
    if (answer->state == PKI_CRL_EXPIRED) {
        clock_rfc3339(answer->next_update, when);
        v->reason = REASON_CERT_CRL_EXPIRED;
        pki_path_detail(v, cert, "can't be checked: the CRL of '%s' expired %s%s%s", issuer, when, remedy ? "; " : "",
                        remedy ? remedy : "");
    } else {
        v->reason = REASON_CERT_CRL_UNAVAILABLE;
        no_crl_at_hand(cert, issuer, answer, v);
    }
}

/* When neither the lists nor the responses at hand answer. NONE: nobody is there to be asked. */
static void ask_oracle(const struct pki_revocation *r, X509 *cert, X509 *issuer, struct pki_ocsp_answer *ret)
{
    unsigned char key[PKI_OCSP_KEY_SIZE];
    if (!r->oracle)
        return;
    pki_ocsp_key(cert, issuer, key);
    r->oracle->ask(r->oracle->arg, key, r->now, ret);
    if (ret->state == PKI_OCSP_UNUSABLE && r->oracle->open)
        pki_ocsp_questions_add(r->oracle->open, cert, issuer, key);
}

/* A responder whose certificate was taken back has nothing to say. */
static void discredit(const struct pki_revocation *r, struct pki_ocsp_answer *a)
{
    bool says = a->state == PKI_OCSP_GOOD || a->state == PKI_OCSP_REVOKED;
    if (!says || !a->delegated || !pki_crl_lists(r->crls, &a->signer, r->now))
        return;
    a->state = PKI_OCSP_UNUSABLE;
    a->why = "the certificate of the responder that signed it was revoked";
}

/* v->reason: REASON_OK and bounded, revoked, or why it can't be known. A good word of the responder spares the CRL, its
 * silence or uselessness does not. */
static void ask(const struct pki_revocation *r, STACK_OF(X509) * chain, int at, struct pki_verdict *v)
{
    X509 *cert = sk_X509_value(chain, at), *issuer = sk_X509_value(chain, at + 1);
    struct pki_ocsp_answer ocsp;
    struct pki_crl_answer crl;
    struct believing b = {r, chain, at};
    int64_t until = 0;
    pki_ocsp_ask(r->ocsp, cert, issuer, r->now, r->any_strength, &ocsp);
    discredit(r, &ocsp);
    if (ocsp.state == PKI_OCSP_REVOKED) {
        revoked(v, cert, "is revoked, says its OCSP responder");
        return;
    }
    pki_crl_ask(r->crls, cert, issuer, r->now, believe, &b, &crl);
    if (crl.state == PKI_CRL_REVOKED) {
        revoked(v, cert, "is on its issuer's CRL");
        return;
    }
    if (ocsp.state != PKI_OCSP_GOOD && crl.state != PKI_CRL_GOOD)
        ask_oracle(r, cert, issuer, &ocsp);
    discredit(r, &ocsp);
    if (ocsp.state == PKI_OCSP_REVOKED) {
        revoked(v, cert, "is revoked, says its OCSP responder");
        return;
    }
    if (ocsp.state != PKI_OCSP_GOOD && crl.state != PKI_CRL_GOOD && r->places)
        pki_list_places_add(r->places, cert, sk_X509_value(chain, sk_X509_num(chain) - 1));
    if (ocsp.state == PKI_OCSP_GOOD) {
        until = ocsp.next_update;
    } else if (crl.state == PKI_CRL_GOOD) {
        until = crl.next_update;
    } else if (ocsp.state == PKI_OCSP_UNUSABLE) {
        v->reason = REASON_CERT_OCSP_UNAVAILABLE;
        pki_path_detail(v, cert, "can't be checked: no OCSP response can be used: %s", ocsp.why);
        return;
    } else {
        no_crl(v, cert, &crl);
        return;
    }
    if (until < v->valid_until)
        v->valid_until = until;
}

/* Everything but the anchor is looked up: it is the administrator who takes an anchor back. What is revoked is told
 * before what could not be checked. */
int pki_revocation_check(const struct pki_revocation *r, STACK_OF(X509) * chain, struct pki_verdict *v)
{
    struct pki_verdict unchecked = {.reason = REASON_OK};
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        ask(r, chain, i, v);
        if (v->reason == REASON_CERT_REVOKED)
            return i;
        if (v->reason != REASON_OK && unchecked.reason == REASON_OK)
            unchecked = *v;
        v->reason = REASON_OK;
        v->remedy = NULL;
    }
    if (unchecked.reason == REASON_OK)
        return PKI_PATH_TOGETHER;
    memcpy(v->detail, unchecked.detail, sizeof v->detail); /* the alert's text when let in */
    v->unchecked = r->allow_when_unavailable;
    if (!v->unchecked)
        v->reason = unchecked.reason;
    v->remedy = unchecked.remedy;
    return PKI_PATH_TOGETHER;
}
