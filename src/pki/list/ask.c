/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every CRL that speaks for the certificate is asked: one that lists it is enough to revoke it, and only those that
 * together cover all reasons of revocation (RFC 5280 6.3.3 (e)) make it good.
 */
#include "pki/list/ask.h"

#include <openssl/err.h>

#include "pki/list/scope.h"

enum { CLOCK_LEEWAY = 300 };

struct asking {
    const struct pki_crl_set *set;
    struct pki_crl_subject subject;
    X509 *issuer;
    unsigned char issuer_spki[PKI_SHA256];
    int64_t now;
    pki_crl_believe_fn *believe;
    void *arg;
    unsigned good;      /* reasons about which a fresh CRL does not list it */
    int64_t good_until; /* earliest nextUpdate of these */
    struct pki_crl_answer *ret;
};

static bool begun(const struct pki_crl *c, int64_t now)
{
    return c->this_update <= now + CLOCK_LEEWAY;
}

static bool fresh(const struct pki_crl *c, int64_t now)
{
    return begun(c, now) && c->next_update >= now;
}

/* The complete CRL together with its deltas (RFC 5280 5.2.4): the newest one that names the certificate decides, so
 * that what an older one lists stays listed. Only a delta takes back (5.3.1), and only while it is fresh. */
static bool listed(const struct pki_crl_set *set, size_t i, const X509_NAME *issuer, struct slice serial, int64_t now)
{
    const struct pki_crl *c = pki_crl_set_at(set, i);
    for (size_t k = 0; k < c->delta_count; k++) {
        enum pki_crl_entry_state changed = pki_crl_set_look_up(set, c->deltas[k], issuer, serial);
        if (changed == PKI_CRL_LISTED)
            return true;
        if (changed == PKI_CRL_REMOVED && fresh(pki_crl_set_at(set, c->deltas[k]), now))
            return false;
    }
    return pki_crl_set_look_up(set, i, issuer, serial) != PKI_CRL_ABSENT;
}

static void earliest(struct asking *a, const struct pki_crl *c)
{
    if (c->next_update < a->good_until)
        a->good_until = c->next_update;
}

static void latest_end(struct asking *a, const struct pki_crl *c)
{
    if (a->ret->state != PKI_CRL_EXPIRED || c->next_update > a->ret->next_update) {
        a->ret->next_update = c->next_update;
        a->ret->remedy = c->remedy;
    }
    a->ret->state = PKI_CRL_EXPIRED;
}

/* The newest one that is fresh; NULL: none is. */
static const struct pki_crl *fresh_delta(const struct asking *a, const struct pki_crl *c)
{
    for (size_t k = 0; k < c->delta_count; k++) {
        const struct pki_crl *delta = pki_crl_set_at(a->set, c->deltas[k]);
        if (fresh(delta, a->now))
            return delta;
    }
    return NULL;
}

/* Takes one complete CRL's word into the answer. A fresh delta makes an outdated one complete again. */
static void consult(struct asking *a, size_t i, unsigned reasons)
{
    const struct pki_crl *c = pki_crl_set_at(a->set, i);
    const struct pki_crl *delta = begun(c, a->now) ? fresh_delta(a, c) : NULL;
    if (listed(a->set, i, X509_get_issuer_name(a->subject.cert), a->subject.serial, a->now)) {
        a->ret->state = PKI_CRL_REVOKED;
    } else if (!begun(c, a->now)) {
        a->ret->not_begun = true;
    } else if (fresh(c, a->now) || delta) {
        if (fresh(c, a->now))
            earliest(a, c);
        if (delta)
            earliest(a, delta);
        a->good |= reasons;
    } else {
        latest_end(a, c);
    }
}

static bool by_issuer_itself(const struct asking *a, const struct pki_crl *c)
{
    return memcmp(c->signer_spki, a->issuer_spki, PKI_SHA256) == 0 &&
           X509_NAME_cmp(pki_crl_issuer(c), X509_get_subject_name(a->issuer)) == 0 && pki_crl_may_sign(a->issuer);
}

static void ask(struct asking *a, size_t i)
{
    const struct pki_crl *c = pki_crl_set_at(a->set, i);
    unsigned reasons = c->base ? 0 : pki_crl_scope(c, &a->subject);
    if (!reasons) {
        if (!c->base && X509_NAME_cmp(pki_crl_issuer(c), X509_get_issuer_name(a->subject.cert)) == 0)
            a->ret->elsewhere = c;
        return;
    }
    if (by_issuer_itself(a, c) || a->believe(a->arg, c))
        consult(a, i, reasons);
    else
        a->ret->unbelieved = true;
}

void pki_crl_ask(const struct pki_crl_set *s, X509 *cert, X509 *issuer, int64_t now, pki_crl_believe_fn *believe,
                 void *arg, struct pki_crl_answer *ret)
{
    struct asking a = {
        .set = s, .issuer = issuer, .now = now, .believe = believe, .arg = arg, .good_until = INT64_MAX, .ret = ret};
    *ret = (struct pki_crl_answer){.state = PKI_CRL_UNAVAILABLE};
    ret->dropped = pki_crl_set_dropped(s, X509_get_issuer_name(cert));
    ERR_set_mark();
    if (pki_crl_subject_open(&a.subject, cert)) {
        pki_cert_spki_sha256(issuer, a.issuer_spki);
        for (size_t i = 0; i < pki_crl_set_count(s) && ret->state != PKI_CRL_REVOKED; i++)
            ask(&a, i);
    }
    if (ret->state != PKI_CRL_REVOKED && a.good == PKI_CRL_REASONS_ALL) {
        ret->state = PKI_CRL_GOOD;
        ret->next_update = a.good_until;
    }
    ret->partial = a.good != 0 && a.good != PKI_CRL_REASONS_ALL;
    pki_crl_subject_close(&a.subject);
    ERR_pop_to_mark();
}

/* Signed by the key that the certificate names, or by one that may be it. */
static bool is_of_issuer(const struct pki_crl *c, const struct pki_cert_ref *cert)
{
    for (int i = 0; i < sk_X509_num(c->signers); i++) {
        if (pki_cert_ref_issued_by(cert, sk_X509_value(c->signers, i)))
            return true;
    }
    return false;
}

bool pki_crl_lists(const struct pki_crl_set *s, const struct pki_cert_ref *cert, int64_t now)
{
    struct slice serial = slice_make(cert->serial, cert->serial_len);
    for (size_t i = 0; i < pki_crl_set_count(s); i++) {
        const struct pki_crl *c = pki_crl_set_at(s, i);
        if (!c->base && is_of_issuer(c, cert) && listed(s, i, pki_crl_issuer(c), serial, now))
            return true;
    }
    return false;
}
