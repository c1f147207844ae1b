/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search. A try is OpenSSL's verification with some certificates left out. When a try fails, those of its path are
 * found of which every good path lacks at least one; each of them is left out in turn and the rest is tried again,
 * breadth first. Whatever good path exists survives that, so it is found unless the maximum of tries ends the search.
 * Most faults are of one certificate alone (no CA, revoked): that one is left out for good, and a mesh of
 * cross-certificates takes one try for each bad one. From the second try on OpenSSL sees only certificates that lead
 * to an anchor by right signatures (path/graph.h).
 *
 *     {} → path A fails → {without A1} {without A2} → …
 */
#include "pki/path/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/cert/form.h"
#include "pki/cert/strength.h"
#include "pki/path/fault.h"
#include "pki/path/graph.h"
#include "verdict/remedy.h"

enum { WITHOUT_MAX = 64 };

struct
try {
    X509 *without[WITHOUT_MAX]; /* borrowed from the pool */
    size_t count;
};

struct search {
    const struct pki_path_search *asked;
    X509 *leaf;
    struct pki_graph *graph; /* once the first try failed */
    struct try bad;          /* left out for good */
    X509_STORE *store;       /* empty: holds check_issued */
    struct try *queue;       /* PKI_EFFORT_TRIES of them, once the first try failed */
    size_t queued;
};

/* How much a failure tells: that of a path which was nearly good beats that of a dead end. */
static const unsigned char telling[REASON_COUNT] = {
    [REASON_CERT_INCOMPLETE_CHAIN] = 1, [REASON_CERT_BAD_SIGNATURE] = 2,       [REASON_CERT_UNTRUSTED_ROOT] = 3,
    [REASON_CERT_EXPIRED] = 4,          [REASON_CERT_NOT_YET_VALID] = 4,       [REASON_CERT_WRONG_USAGE] = 4,
    [REASON_CERT_NAME_MISSING] = 4,     [REASON_CERT_CONSTRAINT_VIOLATED] = 4, [REASON_CERT_WEAK_KEY] = 5,
    [REASON_CERT_CRL_UNAVAILABLE] = 6,  [REASON_CERT_CRL_EXPIRED] = 6,         [REASON_CERT_OCSP_UNAVAILABLE] = 6,
    [REASON_CERT_REVOKED] = 7,
};

int pki_path_check_strength(STACK_OF(X509) * chain, struct pki_verdict *v)
{
    char why[120];
    int last = sk_X509_num(chain) - 1;
    for (int i = 0; i <= last; i++) {
        if (pki_strength_ok(sk_X509_value(chain, i), i < last, why, sizeof why))
            continue;
        v->reason = REASON_CERT_WEAK_KEY;
        pki_path_detail(v, sk_X509_value(chain, i), "%s", why);
        return i;
    }
    return -1;
}

int pki_path_check_form(STACK_OF(X509) * chain, struct pki_verdict *v)
{
    char why[240];
    for (int i = 0; i < sk_X509_num(chain); i++) {
        v->reason = pki_form_check(sk_X509_value(chain, i), why, sizeof why);
        if (v->reason == REASON_OK)
            continue;
        pki_path_detail(v, sk_X509_value(chain, i), "%s%s", i > 0 ? "(an issuer) " : "", why);
        if (v->reason == REASON_CERT_CONSTRAINT_VIOLATED)
            v->remedy = verdict_remedy(REMEDY_FORM);
        return i;
    }
    return -1;
}

static int tolerate(int ok, X509_STORE_CTX *ctx)
{
    if (ok)
        return 1;
    if (!pki_path_tolerable(ctx))
        return 0;
    X509_STORE_CTX_set_error(ctx, X509_V_OK);
    return 1;
}

/* --- what is left out --- */

static bool left_out(const struct try *t, X509 *cert)
{
    for (size_t i = 0; i < t->count; i++) {
        if (X509_cmp(t->without[i], cert) == 0)
            return true;
    }
    return false;
}

struct exclusion {
    const struct try *now, *ever;
};

static bool excluded(const void *arg, X509 *cert)
{
    const struct exclusion *x = arg;
    return left_out(x->now, cert) || left_out(x->ever, cert);
}

/* What OpenSSL is shown; false: nothing that leads to an anchor. The first time, when there is nothing to be left out
 * yet, it is everything as it came. */
static bool take_pool(const struct search *s, const struct try *t, struct pki_pool *ret)
{
    struct exclusion x = {t, &s->bad};
    if (s->graph)
        return pki_graph_pool(s->graph, excluded, &x, ret);
    *ret = (struct pki_pool){sk_X509_dup(s->asked->pool->anchors), sk_X509_dup(s->asked->pool->untrusted)};
    if (!ret->anchors || !ret->untrusted)
        fatal("pki: out of memory");
    return true;
}

static bool same_try(const struct try *a, const struct try *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!left_out(b, a->without[i]))
            return false;
    }
    return true;
}

static void enqueue(struct search *s, const struct try *from, X509 *cert)
{
    if (s->queued == PKI_EFFORT_TRIES || from->count == WITHOUT_MAX || left_out(from, cert))
        return;
    if (!s->queue)
        s->queue = mem_array(PKI_EFFORT_TRIES, sizeof *s->queue);
    struct try *t = &s->queue[s->queued];
    *t = *from;
    t->without[t->count++] = cert;
    for (size_t i = 0; i < s->queued; i++) {
        if (same_try(&s->queue[i], t))
            return;
    }
    s->queued++;
}

/* OpenSSL's choice of issuers is by name; where the graph is known, by signature. */
static int check_issued(X509_STORE_CTX *ctx, X509 *subject, X509 *issuer)
{
    const struct search *s = X509_STORE_CTX_get_app_data(ctx);
    if (s->graph)
        return pki_graph_issued(s->graph, issuer, subject);
    int r = X509_check_issued(issuer, subject);
    return r == X509_V_OK || r == X509_V_ERR_KEYUSAGE_NO_CERTSIGN; /* as OpenSSL itself: usage is judged later */
}

static X509_STORE_CTX *new_context(struct search *s, const struct pki_pool *pool)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509 *leaf = s->graph ? pki_graph_shown(s->graph, s->leaf) : s->leaf;
    if (!ctx || !X509_STORE_CTX_init(ctx, s->store, leaf, pool->untrusted) || !X509_STORE_CTX_set_app_data(ctx, s))
        fatal("pki: out of memory");
    X509_STORE_CTX_set0_trusted_stack(ctx, pool->anchors);
    X509_STORE_CTX_set_verify_cb(ctx, tolerate);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)s->asked->now);
    X509_VERIFY_PARAM_set_depth(param, PKI_PATH_DEPTH);
    X509_VERIFY_PARAM_set_auth_level(param, 0); /* strength is judged by ourselves, with a reason of its own */
    /* Partial chain: an intermediate that was uploaded as an anchor is one. Only anchors are trusted here. */
    if (!X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN |
                                                X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_TRUSTED_FIRST) ||
        !X509_VERIFY_PARAM_set_purpose(param, s->asked->client ? X509_PURPOSE_SSL_CLIENT : X509_PURPOSE_ANY) ||
        /* Any policy will do for us (RFC 5280 6.1.1 (c)); OpenSSL takes an empty set for "none". */
        !X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)))
        fatal("pki: OpenSSL does not take our verification parameters");
    return ctx;
}

/* --- signatures --- */

static bool report(X509_STORE_CTX *ctx, int depth, int error)
{
    X509_STORE_CTX_set_error_depth(ctx, depth);
    X509_STORE_CTX_set_error(ctx, error);
    X509_STORE_CTX_set_current_cert(ctx, sk_X509_value(X509_STORE_CTX_get0_chain(ctx), depth));
    return tolerate(0, ctx);
}

/* Its key before it is used: OpenSSL would verify with whatever was sent. */
static bool may_sign(X509_STORE_CTX *ctx, const struct pki_effort *effort, X509 *issuer, int depth)
{
    char why[PKI_STRENGTH_TEXT];
    if (!X509_get0_pubkey(issuer))
        return report(ctx, depth, X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY);
    if (!(X509_get_key_usage(issuer) & KU_KEY_CERT_SIGN)) /* all bits: it has none (6.1.4 (n)) */
        return report(ctx, depth, X509_V_ERR_KEYUSAGE_NO_CERTSIGN);
    return effort->any_strength || pki_strength_key_ok(issuer, why, sizeof why) ||
           report(ctx, depth, X509_V_ERR_CA_KEY_TOO_SMALL);
}

static bool signed_by(struct pki_effort *effort, X509 *cert, X509 *issuer)
{
    struct pki_party subject, signer;
    pki_effort_look(effort, cert, &subject);
    pki_effort_look(effort, issuer, &signer);
    return pki_effort_signed_by(effort, &subject, &signer);
}

/* What the graph says is so was verified. */
static bool signature_right(X509_STORE_CTX *ctx, struct search *s, int depth)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    X509 *cert = sk_X509_value(chain, depth), *issuer = sk_X509_value(chain, depth + 1);
    if (!may_sign(ctx, s->asked->effort, issuer, depth + 1))
        return false;
    return s->graph || signed_by(s->asked->effort, cert, issuer) ||
           report(ctx, depth, X509_V_ERR_CERT_SIGNATURE_FAILURE);
}

/* The last second is in (RFC 5280 4.1.2.5); for OpenSSL it is the first that is not. */
static bool in_time(X509_STORE_CTX *ctx, X509 *cert, int depth, int64_t now)
{
    time_t at = (time_t)now;
    int begin = X509_cmp_time(X509_get0_notBefore(cert), &at), end = X509_cmp_time(X509_get0_notAfter(cert), &at);
    if (begin == 0)
        return report(ctx, depth, X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD);
    if (begin > 0)
        return report(ctx, depth, X509_V_ERR_CERT_NOT_YET_VALID);
    if (end == 0)
        return report(ctx, depth, X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD);
    return end > 0 || pki_cert_not_after(cert) == now || report(ctx, depth, X509_V_ERR_CERT_HAS_EXPIRED);
}

/* Instead of OpenSSL's own walk, from the anchor down: RFC 5280 6.1.3 (a) (1) and (2). An anchor's own signature says
 * nothing. */
static int verify_chain(X509_STORE_CTX *ctx)
{
    struct search *s = X509_STORE_CTX_get_app_data(ctx);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    int top = sk_X509_num(chain) - 1;
    for (int i = top; i >= 0; i--) {
        if ((i < top && !signature_right(ctx, s, i)) || !in_time(ctx, sk_X509_value(chain, i), i, s->asked->now))
            return 0;
    }
    return 1;
}

/* --- one try --- */

/* The chain that OpenSSL built, of what was uploaded and sent: the caller sk_X509_free()s it. */
static STACK_OF(X509) * built_chain(const struct search *s, X509_STORE_CTX *ctx)
{
    STACK_OF(X509) *ret = sk_X509_dup(X509_STORE_CTX_get0_chain(ctx));
    if (!ret)
        fatal("pki: out of memory");
    for (int i = 0; s->graph && i < sk_X509_num(ret); i++)
        (void)sk_X509_set(ret, i, pki_graph_original(s->graph, sk_X509_value(ret, i)));
    return ret;
}

/* A good path, or what to leave out next; false: there was nothing to try. */
static bool run(struct search *s, const struct try *t, struct pki_verdict *v, struct pki_path_blame *blame)
{
    struct pki_pool pool;
    *blame = (struct pki_path_blame){.count = 0};
    if (!pki_effort_try(s->asked->effort) || !take_pool(s, t, &pool))
        return false;
    X509_STORE_CTX *ctx = new_context(s, &pool);
    v->unchecked = false;
    v->remedy = NULL;
    v->detail[0] = '\0';
    bool good = X509_verify_cert(ctx) == 1;
    STACK_OF(X509) *chain = built_chain(s, ctx);
    if (good) {
        v->reason = REASON_OK;
        int depth = s->asked->check(s->asked->arg, chain, v);
        if (v->reason != REASON_OK)
            pki_path_blame_check(blame, chain, depth);
    } else {
        pki_path_explain(ctx, chain, &pool, v, blame);
    }
    sk_X509_free(chain);
    X509_STORE_CTX_free(ctx); /* the blamed ones live on in the pool */
    sk_X509_free(pool.anchors);
    sk_X509_free(pool.untrusted);
    return true;
}

static void keep_more_telling(struct pki_verdict *best, const struct pki_verdict *v)
{
    if (best->reason != REASON_OK && telling[v->reason] <= telling[best->reason])
        return;
    best->reason = v->reason;
    best->unchecked = v->unchecked;
    best->valid_until = v->valid_until;
    best->remedy = v->remedy;
    memcpy(best->detail, v->detail, sizeof best->detail);
}

/* Before there is a graph, OpenSSL may take it for a root and be wrong. */
static bool may_be_no_root(const struct search *s, X509 *cert)
{
    return !s->graph && X509_self_signed(cert, 0) == 1;
}

/* True when the same is to be tried again, knowing more. */
static bool learn(struct search *s, const struct pki_path_blame *blame)
{
    bool first = !s->graph && (blame->count > 0 || may_be_no_root(s, s->leaf));
    bool new_bad = blame->alone && s->bad.count < WITHOUT_MAX && !may_be_no_root(s, blame->certs[0]);
    if (first)
        s->graph = pki_graph_new(s->leaf, s->asked);
    if (new_bad)
        s->bad.without[s->bad.count++] = blame->certs[0];
    return first || new_bad;
}

/* True: a good path. */
static bool search(struct search *s, struct pki_verdict *ret)
{
    struct pki_verdict v = *ret;
    struct try t = {.count = 0};
    size_t next = 0;
    ret->reason = REASON_OK; /* tells nothing: any failure replaces it */
    while (s->asked->effort->tries > 0) {
        struct pki_path_blame blame;
        bool tried = run(s, &t, &v, &blame);
        if (tried && v.reason == REASON_OK) {
            *ret = v;
            return true;
        }
        if (tried)
            keep_more_telling(ret, &v);
        if (learn(s, &blame))
            continue;
        for (size_t i = 0; i < blame.count; i++)
            enqueue(s, &t, blame.certs[i]);
        if (next == s->queued)
            return false;
        t = s->queue[next++];
    }
    s->asked->effort->spent = true;
    return false;
}

/* What was left undone is no fault of a signature. */
static void tell_spent(const struct search *s, struct pki_verdict *ret)
{
    bool nothing = ret->reason == REASON_OK || ret->reason == REASON_CERT_BAD_SIGNATURE ||
                   ret->reason == REASON_CERT_INCOMPLETE_CHAIN;
    if (!s->asked->effort->spent || !nothing)
        return;
    ret->reason = REASON_CERT_INCOMPLETE_CHAIN;
    pki_path_detail(ret, s->leaf,
                    "was not judged to the end: too many certificates may stand above it (only those between it and "
                    "its root should be sent)");
}

/* OpenSSL finds no issuer for a certificate that it can't read. */
static bool leaf_can_be_read(X509 *leaf, struct pki_verdict *ret)
{
    char why[240];
    ret->reason = pki_form_check(leaf, why, sizeof why);
    if (ret->reason != REASON_OK)
        pki_path_detail(ret, leaf, "%s", why);
    if (ret->reason == REASON_CERT_CONSTRAINT_VIOLATED)
        ret->remedy = verdict_remedy(REMEDY_FORM);
    return ret->reason == REASON_OK;
}

void pki_path_judge(const struct pki_path_search *asked, X509 *leaf, struct pki_verdict *ret)
{
    if (!leaf_can_be_read(leaf, ret))
        return;
    struct search s = {.asked = asked, .leaf = leaf, .store = X509_STORE_new()};
    if (!s.store)
        fatal("pki: out of memory");
    X509_STORE_set_check_issued(s.store, check_issued);
    X509_STORE_set_verify(s.store, verify_chain);
    ERR_set_mark();
    if (!search(&s, ret))
        tell_spent(&s, ret);
    ERR_pop_to_mark();
    X509_STORE_free(s.store);
    pki_graph_free(s.graph);
    free(s.queue);
}
