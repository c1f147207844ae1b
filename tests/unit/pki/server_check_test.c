/* SPDX-License-Identifier: Apache-2.0 */
/* What clients hold against a server's certificate: each fault alone, and none of a good one. */
#include "world.h"

#include "base/buf.h"
#include "pki/server_check.h"

static struct buf said;
static unsigned count;

static void on_fault(void *arg UNUSED, const char *words)
{
    count++;
    assert_int_equal(buf_append_str(&said, words), OK);
}

/* What is told of this chain at NOW, until the next call. */
static const char *told(X509 *const *chain, size_t n)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    for (size_t i = 0; i < n; i++)
        sk_X509_push(stack, chain[i]);
    buf_free(&said);
    buf_init(&said, 16 * 1024);
    count = 0;
    pki_server_check(stack, NOW, on_fault, NULL);
    sk_X509_free(stack);
    assert_int_equal(buf_append(&said, slice_make("", 1)), OK);
    return buf_data(&said).ptr;
}
#define TOLD(...) told((X509 *const[]){__VA_ARGS__}, sizeof((X509 *const[]){__VA_ARGS__}) / sizeof(X509 *))

#define SERVER                                                                                                         \
    {NID_subject_alt_name, "DNS:gw.example"},                                                                          \
    {                                                                                                                  \
        NID_ext_key_usage, "serverAuth"                                                                                \
    }

static void assert_only(const char *all, const char *part)
{
    if (count != 1)
        fail_msg("%u faults: %s", count, all);
    assert_says(all, part);
}

static int setup(void **state)
{
    (void)state;
    make_world();
    buf_init(&said, 16 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&said);
    drop_world();
    return 0;
}

static void a_good_server_s_chain_is_told_nothing_of(void **state)
{
    struct pair p = MAKE(.cn = "gw", .issuer = &sub, .ext = {SERVER});
    (void)state;
    assert_string_equal(TOLD(p.cert, sub.cert), "");
    assert_string_equal(TOLD(p.cert, sub.cert, root.cert), "");
    drop(&p);
}

static void a_ca_s_certificate_is_told_as_that_alone(void **state)
{
    (void)state;
    assert_only(TOLD(root.cert), "is a CA's certificate");
}

static void one_for_no_host_is_told(void **state)
{
    struct pair p = MAKE(.cn = "gw.example", .issuer = &root, .ext = {{NID_ext_key_usage, "serverAuth"}});
    (void)state;
    assert_only(TOLD(p.cert), "names no host"); /* a common name is none */
    drop(&p);
}

static void one_for_clients_alone_is_told_and_one_for_anything_is_not(void **state)
{
    struct pair p = MAKE(.cn = "gw", .issuer = &root, .ext = {{NID_subject_alt_name, "DNS:gw.example"}}),
                any =
                    MAKE(.cn = "gw", .issuer = &root,
                         .ext = {{NID_subject_alt_name, "DNS:gw.example"}, {NID_ext_key_usage, "anyExtendedKeyUsage"}}),
                none = MAKE(.cn = "gw", .issuer = &root,
                            .ext = {{NID_subject_alt_name, "DNS:gw.example"}, {NID_ext_key_usage, ""}});
    (void)state;
    assert_only(TOLD(p.cert), "is not for servers");
    assert_string_equal(TOLD(any.cert), "");
    assert_string_equal(TOLD(none.cert), "");
    drop(&p);
    drop(&any);
    drop(&none);
}

static void one_whose_key_may_not_sign_is_told(void **state)
{
    struct pair p = MAKE(.cn = "gw", .issuer = &root, .ext = {SERVER, {NID_key_usage, "critical,keyAgreement"}});
    (void)state;
    assert_only(TOLD(p.cert), "may sign no handshake");
    drop(&p);
}

static void its_time_is_told_when_it_is_over_almost_over_or_not_begun(void **state)
{
    struct pair over = MAKE(.cn = "gw", .issuer = &root, .to = NOW, .from = NOW - 9 * DAY, .ext = {SERVER}),
                soon = MAKE(.cn = "gw", .issuer = &root, .to = NOW + 7 * DAY - 60, .ext = {SERVER}),
                tomorrow = MAKE(.cn = "gw", .issuer = &root, .to = NOW + DAY - 60, .ext = {SERVER}),
                later = MAKE(.cn = "gw", .issuer = &root, .to = NOW + 15 * DAY, .ext = {SERVER}),
                early = MAKE(.cn = "gw", .issuer = &root, .from = NOW + 1, .ext = {SERVER});
    (void)state;
    assert_only(TOLD(over.cert), "has expired");
    assert_only(TOLD(soon.cert), "within 7 days");
    assert_only(TOLD(tomorrow.cert), "within 1 day:");
    assert_string_equal(TOLD(later.cert), "");
    assert_only(TOLD(early.cert), "is not valid yet");
    drop(&over);
    drop(&soon);
    drop(&tomorrow);
    drop(&later);
    drop(&early);
}

static void an_issuer_out_of_its_place_or_of_nothing_there_is_told(void **state)
{
    struct pair p = MAKE(.cn = "gw", .issuer = &sub, .ext = {SERVER});
    (void)state;
    assert_says(TOLD(p.cert, root.cert, sub.cert), "holds as certificate 2 one that has not issued the one before it");
    assert_int_equal(count, 2);
    assert_only(TOLD(p.cert, sub.cert, leaf.cert), "holds as certificate 3");
    drop(&p);
}

static void an_issuer_that_has_expired_is_told_by_its_place(void **state)
{
    struct pair old = MAKE(.cn = "Old sub", .ca = true, .issuer = &root, .from = NOW - 9 * DAY, .to = NOW),
                p = MAKE(.cn = "gw", .issuer = &old, .ext = {SERVER});
    (void)state;
    assert_only(TOLD(p.cert, old.cert), "has expired, certificate 2 (CN=Old sub)");
    drop(&p);
    drop(&old);
}

static void a_chain_that_ends_before_an_issuer_that_could_be_fetched_is_told(void **state)
{
    struct pair far = MAKE(.cn = "Far sub", .ca = true, .issuer = &root,
                           .ext = {{NID_info_access, "caIssuers;URI:http://a.example/root.cer"}}),
                p = MAKE(.cn = "gw", .issuer = &far, .ext = {SERVER});
    (void)state;
    assert_only(TOLD(p.cert, far.cert), "ends at CN=Far sub without its issuer CN=Root");
    assert_string_equal(TOLD(p.cert, far.cert, root.cert), "");
    drop(&p);
    drop(&far);
}

/* --- anchors --- */

static enum result leads(X509 *first, X509 *second, X509 *anchor, struct error *err)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    char *pem = pki_cert_pem(anchor);
    sk_X509_push(chain, first);
    if (second)
        sk_X509_push(chain, second);
    enum result r = pki_server_leads_to(chain, slice_of(pem), err);
    sk_X509_free(chain);
    free(pem);
    return r;
}

static void a_chain_leads_to_its_own_root_and_to_no_other_and_its_time_is_no_matter(void **state)
{
    struct pair other = MAKE(.cn = "Root", .ca = true),
                over = MAKE(.cn = "gw", .issuer = &sub, .from = NOW - 9 * DAY, .to = NOW - DAY, .ext = {SERVER});
    struct error err = {.text = ""};
    (void)state;
    assert_int_equal(leads(over.cert, sub.cert, root.cert, &err), OK);
    assert_int_equal(leads(over.cert, sub.cert, other.cert, &err), R_DENIED);
    assert_string_not_equal(err.text, "");
    assert_int_equal(leads(over.cert, NULL, root.cert, &err), R_DENIED); /* the issuer between is not there */
    drop(&other);
    drop(&over);
}

static void anchors_that_can_t_be_read_are_said_so(void **state)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    struct error err = {.text = ""};
    (void)state;
    sk_X509_push(chain, leaf.cert);
    assert_int_equal(pki_server_leads_to(chain, SLICE("no certificate"), &err), R_INVALID);
    sk_X509_free(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_server_s_chain_is_told_nothing_of),
        cmocka_unit_test(a_ca_s_certificate_is_told_as_that_alone),
        cmocka_unit_test(one_for_no_host_is_told),
        cmocka_unit_test(one_for_clients_alone_is_told_and_one_for_anything_is_not),
        cmocka_unit_test(one_whose_key_may_not_sign_is_told),
        cmocka_unit_test(its_time_is_told_when_it_is_over_almost_over_or_not_begun),
        cmocka_unit_test(an_issuer_out_of_its_place_or_of_nothing_there_is_told),
        cmocka_unit_test(an_issuer_that_has_expired_is_told_by_its_place),
        cmocka_unit_test(a_chain_that_ends_before_an_issuer_that_could_be_fetched_is_told),
        cmocka_unit_test(a_chain_leads_to_its_own_root_and_to_no_other_and_its_time_is_no_matter),
        cmocka_unit_test(anchors_that_can_t_be_read_are_said_so),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
