/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of trusts share: a small PKI made once for a program, and one-line judgements. Include it once. */
#ifndef TEST_PKI_WORLD_H
#define TEST_PKI_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "maker.h"
#include "pki/cert/cert.h"
#include "pki/trust.h"

/* root ← sub ← leaf, and a leaf of the root itself. */
static struct pair root, sub, leaf, root_leaf;

static void make_world(void)
{
    root = MAKE(.cn = "Root", .ca = true);
    sub = MAKE(.cn = "Sub", .ca = true, .issuer = &root);
    leaf = MAKE(.cn = "device-1", .issuer = &sub);
    root_leaf = MAKE(.cn = "device-2", .issuer = &root);
}

static void drop_world(void)
{
    drop(&root);
    drop(&sub);
    drop(&leaf);
    drop(&root_leaf);
}

static const struct pki_trust_options unchecked_options = {.crl_check = false};
static const struct pki_trust_options checked_options = {.crl_check = true};
static const struct pki_trust_options allowing_options = {.crl_check = true, .allow_when_unavailable = true};

static inline void add_anchor(struct pki_trust *t, X509 *cert)
{
    struct slice der = der_of(cert);
    assert_int_equal(pki_trust_add_anchors(t, der, NULL), OK);
    free((void *)(uintptr_t)der.ptr);
}

static inline void add_intermediate(struct pki_trust *t, X509 *cert)
{
    struct slice der = der_of(cert);
    assert_int_equal(pki_trust_add_intermediates(t, der, NULL), OK);
    free((void *)(uintptr_t)der.ptr);
}

static inline void add_crl(struct pki_trust *t, struct slice der)
{
    struct error err = {0};
    if (pki_trust_add_crl(t, der, &err) != OK)
        fail_msg("%s", err.text);
    free((void *)(uintptr_t)der.ptr);
}

/* Seals; the caller frees the warnings, if any. */
static inline char *seal(struct pki_trust *t)
{
    char *warnings;
    pki_trust_seal(t, &warnings);
    return warnings;
}

static inline void seal_quietly(struct pki_trust *t)
{
    char *warnings = seal(t);
    if (warnings)
        fail_msg("%s", warnings);
}

static inline struct pki_verdict judge_sent(const struct pki_trust *t, X509 *cert, X509 *const *sent, size_t count)
{
    struct pki_verdict v;
    STACK_OF(X509) *stack = sk_X509_new_null();
    for (size_t i = 0; i < count; i++)
        sk_X509_push(stack, sent[i]);
    pki_trust_judge(t, cert, stack, NOW, &v);
    sk_X509_free(stack);
    return v;
}
#define JUDGE_SENT(t, cert, ...)                                                                                       \
    judge_sent((t), (cert), (X509 *const[]){__VA_ARGS__}, sizeof((X509 *const[]){__VA_ARGS__}) / sizeof(X509 *))

static inline struct pki_verdict judge(const struct pki_trust *t, X509 *cert)
{
    struct pki_verdict v;
    pki_trust_judge(t, cert, NULL, NOW, &v);
    return v;
}

static inline void assert_reason(struct pki_verdict v, enum verdict_reason wanted)
{
    if (v.reason != wanted)
        fail_msg("%s (%s), wanted %s", verdict_reason_info(v.reason)->name, v.detail,
                 verdict_reason_info(wanted)->name);
}

static inline void assert_says(const char *text, const char *part)
{
    if (!text || !strstr(text, part))
        fail_msg("'%s' does not say '%s'", text ? text : "(nothing)", part);
}

/* A trust without revocation in the root (and, uploaded, in the intermediates named), judging one leaf. */
static inline struct pki_verdict judge_plain(X509 *cert, X509 *intermediate)
{
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    if (intermediate)
        add_intermediate(t, intermediate);
    seal_quietly(t);
    struct pki_verdict v = judge(t, cert);
    pki_trust_unref(t);
    return v;
}

#endif
