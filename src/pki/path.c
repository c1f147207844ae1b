/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search. A try is OpenSSL's verification with some certificates left out. When a try fails, each issuer on its
 * path is left out in turn and the rest is tried again, breadth first: whatever good path exists, it survives leaving
 * out the certificates that are not on it, so it is found unless the maximum of tries ends the search first.
 *
 *     {} → path A fails → {without A1} {without A2} → …
 */
#include "pki/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "pki/cert.h"
#include "pki/path_fault.h"

enum { TRIES_MAX = 24, WITHOUT_MAX = 6, DEPTH_MAX = 8 };

struct
try {
    X509 *without[WITHOUT_MAX]; /* borrowed from the pool */
    size_t count;
};

struct search {
    const struct pki_pool *pool;
    X509 *leaf;
    int64_t now;
    pki_path_check_fn *check;
    void *arg;
    struct try queue[TRIES_MAX];
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
    if (s->queued == TRIES_MAX || from->count == WITHOUT_MAX || left_out(from, cert))
        return;
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
    X509_VERIFY_PARAM_set_time(param, (time_t)s->now);
    X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, 0); /* strength is judged by ourselves, with a reason of its own */
    /* Partial chain: an intermediate that was uploaded as an anchor is one. Only anchors are trusted here. */
    if (!X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN |
                                                X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_TRUSTED_FIRST) ||
        !X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) ||
        /* Any policy will do for us (RFC 5280 6.1.1 (c)); OpenSSL takes an empty set for "none". */
        !X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)))
        fatal("pki: OpenSSL does not take our verification parameters");
    return ctx;
}

/* True when the search is over: a good path, or a fault of the leaf itself. */
static bool run(struct search *s, const struct try *t, struct pki_verdict *v)
{
    struct pki_pool pool = {all_but(s->pool->anchors, t), all_but(s->pool->untrusted, t)};
    X509_STORE_CTX *ctx = new_context(s, &pool);
    bool over;
    v->unchecked = false;
    v->detail[0] = '\0';
    if (X509_verify_cert(ctx) == 1) {
        v->reason = REASON_OK;
        over = s->check(s->arg, X509_STORE_CTX_get0_chain(ctx), v) || v->reason == REASON_OK;
    } else {
        over = pki_path_explain(ctx, &pool, v);
    }
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
    for (int i = 1; !over && i < sk_X509_num(chain); i++)
        enqueue(s, t, sk_X509_value(chain, i));
    X509_STORE_CTX_free(ctx);
    sk_X509_free(pool.anchors);
    sk_X509_free(pool.untrusted);
    return over;
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

void pki_path_judge(const struct pki_pool *pool, X509 *leaf, int64_t now, pki_path_check_fn *check, void *arg,
                    struct pki_verdict *ret)
{
    struct search s = {.pool = pool, .leaf = leaf, .now = now, .check = check, .arg = arg, .queued = 1};
    struct pki_verdict v = *ret;
    ret->reason = REASON_OK; /* tells nothing: any failure replaces it */
    ERR_set_mark();
    for (size_t i = 0; i < s.queued; i++) {
        struct try t = s.queue[i];
        bool over = run(&s, &t, &v);
        if (over && v.reason == REASON_OK) {
            *ret = v;
            break;
        }
        keep_more_telling(ret, &v);
        if (over)
            break;
    }
    ERR_pop_to_mark();
}
