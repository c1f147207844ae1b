/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search. A try is OpenSSL's verification with some certificates left out. When a try fails, those of its path are
 * found of which every good path lacks at least one; each of them is left out in turn and the rest is tried again,
 * breadth first. Whatever good path exists survives that, so it is found unless the maximum of tries ends the search.
 * Most faults are of one certificate alone (ended, no CA, a dead end): then there is only one way on, and a mesh of
 * cross-certificates takes one try for each bad one.
 *
 *     {} → path A fails → {without A1} {without A2} → …
 */
#include "pki/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/mem.h"
#include "pki/cert.h"
#include "pki/path_fault.h"
#include "pki/strength.h"

enum { WITHOUT_MAX = 64 };

struct
try {
    X509 *without[WITHOUT_MAX]; /* borrowed from the pool */
    size_t count;
};

struct search {
    const struct pki_path_search *asked;
    X509 *leaf;
    struct try *queue; /* PKI_PATH_TRIES of them, once the first try failed */
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

void pki_path_detail(struct pki_verdict *v, X509 *cert, const char *fmt, ...)
{
    char subject[100];
    va_list args;
    pki_cert_subject(cert, subject, sizeof subject);
    int len = snprintf(v->detail, sizeof v->detail, "certificate '%s' ", subject);
    va_start(args, fmt);
    if (len > 0 && (size_t)len < sizeof v->detail)
        (void)vsnprintf(v->detail + len, sizeof v->detail - (size_t)len, fmt, args);
    va_end(args);
}

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

static STACK_OF(X509) * all_but(STACK_OF(X509) * certs, const struct try *t)
{
    STACK_OF(X509) *rest = sk_X509_new_null();
    if (!rest)
        fatal("pki: out of memory");
    for (int i = 0; i < sk_X509_num(certs); i++) {
        if (!left_out(t, sk_X509_value(certs, i)) && !sk_X509_push(rest, sk_X509_value(certs, i)))
            fatal("pki: out of memory");
    }
    return rest;
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
    if (s->queued == PKI_PATH_TRIES || from->count == WITHOUT_MAX || left_out(from, cert))
        return;
    if (!s->queue)
        s->queue = mem_array(PKI_PATH_TRIES, sizeof *s->queue);
    struct try *t = &s->queue[s->queued];
    *t = *from;
    t->without[t->count++] = cert;
    for (size_t i = 0; i < s->queued; i++) {
        if (same_try(&s->queue[i], t))
            return;
    }
    s->queued++;
}

/* --- one try --- */

static X509_STORE_CTX *new_context(const struct search *s, const struct pki_pool *pool)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!ctx || !X509_STORE_CTX_init(ctx, NULL, s->leaf, pool->untrusted))
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

/* A good path, or what to leave out next. */
static void run(struct search *s, const struct try *t, struct pki_verdict *v, struct pki_path_blame *blame)
{
    struct pki_pool pool = {all_but(s->asked->pool->anchors, t), all_but(s->asked->pool->untrusted, t)};
    X509_STORE_CTX *ctx = new_context(s, &pool);
    v->unchecked = false;
    v->detail[0] = '\0';
    blame->count = 0;
    if (X509_verify_cert(ctx) == 1) {
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
        v->reason = REASON_OK;
        int depth = s->asked->check(s->asked->arg, chain, v);
        if (v->reason != REASON_OK)
            pki_path_blame_depth(blame, chain, depth);
    } else {
        pki_path_explain(ctx, &pool, v, blame);
    }
    X509_STORE_CTX_free(ctx); /* the blamed ones live on in the pool */
    sk_X509_free(pool.anchors);
    sk_X509_free(pool.untrusted);
}

static void keep_more_telling(struct pki_verdict *best, const struct pki_verdict *v)
{
    if (best->reason != REASON_OK && telling[v->reason] <= telling[best->reason])
        return;
    best->reason = v->reason;
    best->unchecked = v->unchecked;
    best->valid_until = v->valid_until;
    memcpy(best->detail, v->detail, sizeof best->detail);
}

static void search(struct search *s, struct pki_verdict *ret)
{
    struct pki_verdict v = *ret;
    struct try t = {.count = 0};
    ret->reason = REASON_OK; /* tells nothing: any failure replaces it */
    for (size_t next = 0; *s->asked->tries > 0; next++) {
        struct pki_path_blame blame;
        --*s->asked->tries;
        run(s, &t, &v, &blame);
        if (v.reason == REASON_OK) {
            *ret = v;
            return;
        }
        keep_more_telling(ret, &v);
        for (size_t i = 0; i < blame.count; i++)
            enqueue(s, &t, blame.certs[i]);
        if (next == s->queued)
            return;
        t = s->queue[next];
    }
    if (ret->reason == REASON_OK) { /* not tried at all */
        ret->reason = REASON_CERT_INCOMPLETE_CHAIN;
        pki_path_detail(ret, s->leaf, "was not judged: too many paths were tried");
    }
}

void pki_path_judge(const struct pki_path_search *asked, X509 *leaf, struct pki_verdict *ret)
{
    struct search s = {.asked = asked, .leaf = leaf};
    ERR_set_mark();
    search(&s, ret);
    ERR_pop_to_mark();
    free(s.queue);
}
