/* SPDX-License-Identifier: Apache-2.0 */
/* What a judgement may cost, counted in the work that signatures take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "maker.h"
#include "pki/cert/strength.h"
#include "pki/path/path.h"

enum { SENT = 32 };

/* A leaf and what was sent with it, all of them "X" by "X". */
struct heap {
    struct pair first, leaf, others[SENT];
    STACK_OF(X509) * sent;
};

static void make_heap(struct heap *h, const struct pair *issuer, bool one_key)
{
    h->sent = sk_X509_new_null();
    h->first = MAKE(.cn = "X", .ca = true, .issuer = issuer);
    h->leaf = MAKE(.cn = "device", .issuer = &h->first);
    for (size_t i = 0; i < SENT; i++) {
        h->others[i] = MAKE(.cn = "X", .ca = true, .issuer = &h->first, .reuse = one_key ? h->first.key : NULL,
                            .ext = {{NID_authority_key_identifier, ""}, {NID_subject_key_identifier, ""}});
        assert_true(sk_X509_push(h->sent, h->others[i].cert));
    }
}

static void drop_heap(struct heap *h)
{
    sk_X509_free(h->sent);
    for (size_t i = 0; i < SENT; i++)
        drop(&h->others[i]);
    drop(&h->leaf);
    drop(&h->first);
}

static int take_any(void *arg, STACK_OF(X509) * chain, struct pki_verdict *v)
{
    (void)arg;
    (void)chain;
    v->reason = REASON_OK;
    return PKI_PATH_TOGETHER;
}

/* The work that is left of `work`. */
static unsigned judge(X509 *leaf, X509 *anchor, STACK_OF(X509) * sent, unsigned work, struct pki_verdict *ret)
{
    struct pki_pool pool = {sk_X509_new_null(), sent};
    struct pki_effort effort = {.tries = PKI_EFFORT_TRIES, .work = work};
    struct pki_path_search search = {.pool = &pool, .now = NOW, .client = true, .check = take_any, .effort = &effort};
    assert_true(sk_X509_push(pool.anchors, anchor));
    *ret = (struct pki_verdict){.reason = REASON_OK};
    pki_path_judge(&search, leaf, ret);
    sk_X509_free(pool.anchors);
    pki_effort_done(&effort);
    return effort.work;
}

static void a_strangers_keys_verify_nothing(void **state)
{
    struct pair anchor = MAKE(.cn = "Root", .ca = true);
    struct pki_verdict v;
    struct heap h;
    (void)state;
    make_heap(&h, NULL, true);
    assert_int_equal(judge(h.leaf.cert, anchor.cert, h.sent, PKI_EFFORT_WORK, &v), PKI_EFFORT_WORK);
    assert_int_not_equal(v.reason, REASON_OK);
    drop_heap(&h);
    drop(&anchor);
}

static void an_anchors_key_is_tried_once_on_each_certificate(void **state)
{
    struct pair anchor = MAKE(.cn = "X", .ca = true);
    unsigned cost = pki_strength_cost(X509_get0_pubkey(anchor.cert));
    struct pki_verdict v;
    struct heap h;
    (void)state;
    make_heap(&h, NULL, true);
    unsigned left = judge(h.leaf.cert, anchor.cert, h.sent, PKI_EFFORT_WORK, &v);
    assert_in_range(PKI_EFFORT_WORK - left, cost, (SENT + 2) * cost);
    assert_int_not_equal(v.reason, REASON_OK);
    drop_heap(&h);
    drop(&anchor);
}

static void what_was_right_once_costs_nothing_again(void **state)
{
    struct pair anchor = MAKE(.cn = "Root", .ca = true), device = MAKE(.cn = "device", .issuer = &anchor);
    struct pki_verdict v;
    (void)state;
    assert_true(judge(device.cert, anchor.cert, NULL, PKI_EFFORT_WORK, &v) < PKI_EFFORT_WORK);
    assert_int_equal(v.reason, REASON_OK);
    (void)judge(device.cert, anchor.cert, NULL, PKI_EFFORT_QUESTION, &v);
    assert_int_equal(v.reason, REASON_OK);
    drop(&device);
    drop(&anchor);
}

static void what_was_left_undone_is_no_fault_of_a_signature(void **state)
{
    struct pair anchor = MAKE(.cn = "Root", .ca = true), device = MAKE(.cn = "device", .issuer = &anchor);
    struct pki_verdict v;
    (void)state;
    (void)judge(device.cert, anchor.cert, NULL, 1, &v);
    assert_int_equal(v.reason, REASON_CERT_INCOMPLETE_CHAIN);
    assert_non_null(strstr(v.detail, "not judged to the end"));
    drop(&device);
    drop(&anchor);
}

static void the_longest_path_of_the_slowest_keys_is_within_the_work(void **state)
{
    static const char *const names[] = {"P-256", "P-384", "P-521", "RSA-2048", "ED25519"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct pair p = MAKE(.cn = "Root", .ca = true, .key = names[i]);
        unsigned cost = pki_strength_cost(X509_get0_pubkey(p.cert));
        assert_in_range(cost, 1, PKI_EFFORT_WORK / 9);
        drop(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strangers_keys_verify_nothing),
        cmocka_unit_test(an_anchors_key_is_tried_once_on_each_certificate),
        cmocka_unit_test(what_was_right_once_costs_nothing_again),
        cmocka_unit_test(what_was_left_undone_is_no_fault_of_a_signature),
        cmocka_unit_test(the_longest_path_of_the_slowest_keys_is_within_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
