/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trust and its verdicts: path.c finds a path, then strength, usage, name and revocation are judged on it.
 */
#include "pki/trust.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/cert/identity.h"
#include "pki/list/ask.h"
#include "pki/list/news.h"
#include "pki/list/set.h"
#include "pki/path/constraint.h"
#include "pki/path/path.h"
#include "pki/revocation/revocation.h"

enum {
    CERTS_MAX = 4096,
    QUICK_SENT_MAX = 8,
    QUICK_BYTES_MAX = 16 * 1024,
    WARNINGS_MAX = 64 * 1024,
    REFUSAL_HOLDS_S = 60
};

struct pki_trust {
    atomic_uint refs;
    struct pki_trust_options options;
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * intermediates;
    struct pki_crl_set *crls;
    struct pki_ocsp_set *ocsp;
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
    t->ocsp = pki_ocsp_set_new();
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
    pki_ocsp_set_free(t->ocsp);
    free(t);
}

/* --- building --- */

static enum result add_certs(struct pki_trust *t, STACK_OF(X509) * to, struct slice certs, struct error *err)
{
    STACK_OF(X509) * read;
    if (t->sealed)
        return error_set(err, R_INVALID, "the trust is sealed");
    enum result r = pki_cert_read_given(certs, CERTS_MAX - (size_t)sk_X509_num(to), &read, err);
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

enum result pki_trust_add_crl_file(struct pki_trust *t, const char *path, struct error *err)
{
    return pki_crl_set_add_file(t->crls, path, err);
}

void pki_trust_lists_remedy(struct pki_trust *t, const char *remedy)
{
    pki_crl_set_remedy(t->crls, remedy);
}

enum result pki_trust_check_crl(const struct pki_trust *t, struct slice der, struct slice present, int64_t now,
                                struct pki_crl_news *ret, struct error *err)
{
    struct pki_crl_signers from = {t->anchors, t->intermediates, t->options.any_strength};
    struct pki_crl_check q = {&from, t->crls, present, now};
    return pki_crl_check_news(&q, der, ret, err);
}

enum result pki_trust_add_ocsp(struct pki_trust *t, struct slice response, struct error *err)
{
    if (t->sealed)
        return error_set(err, R_INVALID, "the trust is sealed");
    return pki_ocsp_set_add(t->ocsp, response, err);
}

void pki_trust_seal(struct pki_trust *t, char **warnings)
{
    struct buf text;
    buf_init(&text, WARNINGS_MAX);
    struct pki_crl_signers from = {t->anchors, t->intermediates, t->options.any_strength};
    pki_crl_set_seal(t->crls, &from, &text);
    t->sealed = true;
    if (warnings)
        *warnings = buf_len(&text) > 0 ? buf_take_str(&text) : NULL;
    buf_free(&text);
}

/* --- judging a path --- */

struct judging {
    const struct pki_trust *trust;
    struct pki_revocation revocation;
    bool named;
};

/* A role's certificate is no device's, even where somebody uploaded the site root as an anchor (PROTOCOL 1). */
static bool check_usage(X509 *leaf, struct pki_verdict *v)
{
    char urn[128];
    if (!pki_cert_for_clients(leaf))
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

static void bound(int64_t *until, int64_t limit)
{
    if (limit < *until)
        *until = limit;
}

/* What OpenSSL checks for clientAuth, for any purpose: a usage of the leaf is of use only when every issuer that has
 * usages has it too. Usages that OpenSSL does not know have no bit, and are not looked at. */
static bool check_any_usage(STACK_OF(X509) * chain, struct pki_verdict *v)
{
    uint32_t usage = X509_get_extended_key_usage(sk_X509_value(chain, 0)); /* all bits: there is none */
    for (int i = 1; usage && i + 1 < sk_X509_num(chain); i++) {
        uint32_t above = X509_get_extended_key_usage(sk_X509_value(chain, i));
        if (above == UINT32_MAX || (above & XKU_ANYEKU))
            continue;
        usage = usage & XKU_ANYEKU ? above : usage & above;
        if (usage)
            continue;
        v->reason = REASON_CERT_WRONG_USAGE;
        pki_path_detail(v, sk_X509_value(chain, i), "(an issuer) leaves none of the leaf's extended key usages");
        return false;
    }
    return true;
}

static int judge_path(void *arg, STACK_OF(X509) * chain, struct pki_verdict *v)
{
    const struct judging *j = arg;
    const struct pki_trust_options *o = &j->trust->options;
    X509 *leaf = sk_X509_value(chain, 0);
    int depth = pki_path_check_form(chain, v);
    if (depth < 0 && !o->any_strength)
        depth = pki_path_check_strength(chain, v);
    v->valid_until = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++)
        bound(&v->valid_until, pki_cert_not_after(sk_X509_value(chain, i)));
    if (depth >= 0)
        return depth;
    pki_cert_sha256(sk_X509_value(chain, sk_X509_num(chain) - 1), v->anchor);
    if (pki_constraint_check(chain, !o->any_purpose, v) >= 0)
        return PKI_PATH_TOGETHER;
    if (o->any_purpose && !check_any_usage(chain, v))
        return PKI_PATH_TOGETHER;
    if (!o->any_purpose && (!check_usage(leaf, v) || !check_name(j, leaf, v)))
        return 0;
    return o->crl_check ? pki_revocation_check(&j->revocation, chain, v) : PKI_PATH_TOGETHER;
}

/* --- the verdict --- */

static void push(STACK_OF(X509) * to, X509 *cert)
{
    if (!sk_X509_push(to, cert))
        fatal("pki: out of memory");
}

static bool may_end_at(const struct pki_question *q, X509 *anchor)
{
    unsigned char sha256[PKI_SHA256];
    bool ret = q->below_count == 0;
    if (!ret)
        pki_cert_sha256(anchor, sha256);
    for (size_t i = 0; i < q->below_count && !ret; i++)
        ret = memcmp(q->below[i], sha256, PKI_SHA256) == 0;
    return ret;
}

/* An anchor at which no path may end can stand in the middle of one: its key may be certified by another. */
static struct pki_pool gather(const struct pki_trust *t, const struct pki_question *q)
{
    struct pki_pool pool = {sk_X509_new_null(), sk_X509_dup(t->intermediates)};
    if (!pool.anchors || !pool.untrusted)
        fatal("pki: out of memory");
    for (int i = 0; i < sk_X509_num(t->anchors); i++) {
        X509 *anchor = sk_X509_value(t->anchors, i);
        push(may_end_at(q, anchor) ? pool.anchors : pool.untrusted, anchor);
    }
    for (int i = 0; i < sk_X509_num(q->sent) && i < PKI_SENT_MAX; i++)
        push(pool.untrusted, sk_X509_value(q->sent, i));
    return pool;
}

void pki_trust_judge(const struct pki_trust *t, X509 *leaf, STACK_OF(X509) * sent, int64_t now, struct pki_verdict *ret)
{
    const struct pki_question q = {.leaf = leaf, .sent = sent, .now = now};
    pki_trust_answer(t, &q, ret);
}

/* What is not counted as work takes its time too: reading what was sent, and comparing it. */
static bool fits_quick(const struct pki_question *q)
{
    size_t bytes = 0;
    if (q->read)
        return true;
    if (sk_X509_num(q->sent) > QUICK_SENT_MAX)
        return false;
    for (int i = 0; i < sk_X509_num(q->sent); i++)
        bytes += (size_t)i2d_X509(sk_X509_value(q->sent, i), NULL);
    return bytes <= QUICK_BYTES_MAX;
}

static void not_yet(X509 *leaf, struct pki_verdict *ret)
{
    ret->reason = REASON_CERT_INCOMPLETE_CHAIN;
    ret->unfinished = true;
    pki_path_detail(ret, leaf, "was not judged yet");
}

/* An issuer that was sent too far behind would else be said to be missing. */
static void tell_cut(const struct pki_question *q, struct pki_verdict *ret)
{
    if (ret->reason == REASON_CERT_INCOMPLETE_CHAIN && sk_X509_num(q->sent) > PKI_SENT_MAX)
        pki_path_detail(ret, q->leaf, "came with %d certificates, and the first %d of them hold no path to an anchor",
                        sk_X509_num(q->sent), PKI_SENT_MAX);
}

static void judge(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret)
{
    struct pki_effort effort = {.tries = q->quick ? PKI_EFFORT_QUICK_TRIES : PKI_EFFORT_TRIES,
                                .work = q->quick ? PKI_EFFORT_QUICK_WORK : PKI_EFFORT_WORK,
                                .any_strength = t->options.any_strength};
    struct pki_pool pool = gather(t, q), signers = {t->anchors, pool.untrusted};
    struct judging j = {.trust = t};
    struct pki_path_search search = {.pool = &pool,
                                     .now = q->now,
                                     .client = !t->options.any_purpose,
                                     .check = judge_path,
                                     .arg = &j,
                                     .effort = &effort};
    j.named = ret->identity[0] != '\0';
    j.revocation = (struct pki_revocation){.crls = t->crls,
                                           .ocsp = t->ocsp,
                                           .oracle = q->oracle,
                                           .pool = &signers,
                                           .now = q->now,
                                           .any_strength = t->options.any_strength,
                                           .allow_when_unavailable = t->options.allow_when_unavailable,
                                           .effort = &effort,
                                           .places = q->ret_places};
    pki_path_judge(&search, q->leaf, ret);
    ret->unfinished = q->quick && effort.spent && ret->reason != REASON_OK;
    pki_effort_done(&effort);
    sk_X509_free(pool.anchors);
    sk_X509_free(pool.untrusted);
}

void pki_trust_answer(const struct pki_trust *t, const struct pki_question *q, struct pki_verdict *ret)
{
    if (!t->sealed)
        fatal("pki: a trust is asked before it is sealed");
    memset(ret, 0, sizeof *ret);
    if (q->ret_places)
        q->ret_places->count = 0;
    (void)!pki_identity(q->leaf, ret->identity, sizeof ret->identity);
    if (q->quick && !fits_quick(q))
        not_yet(q->leaf, ret);
    else
        judge(t, q, ret);
    tell_cut(q, ret);
    if (ret->reason != REASON_OK) {
        ret->unchecked = false;
        ret->valid_until = q->now + REFUSAL_HOLDS_S;
    }
}

bool pki_trust_lists_cert(const struct pki_trust *t, const struct pki_cert_ref *cert, int64_t now)
{
    return t->options.crl_check && pki_crl_lists(t->crls, cert, now);
}

/* --- which lists speak for a certificate --- */

size_t pki_trust_lists(const struct pki_trust *t, X509 *cert, struct pki_list_info *ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < pki_crl_set_count(t->crls) && n < max; i++) {
        const struct pki_crl *c = pki_crl_set_at(t->crls, i);
        if (X509_NAME_cmp(pki_crl_issuer(c), X509_get_issuer_name(cert)) == 0)
            pki_list_tell(c, &ret[n++]);
    }
    return n;
}
