/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate that is not at hand, looked for on lists by what a few bytes say of it. */
#include "world.h"

enum { HOLD = 6, REMOVE = 8 };

static struct pki_cert_ref ref_of(const struct pair *p)
{
    struct pki_cert_ref r;
    assert_true(pki_cert_ref_of(p->cert, &r));
    return r;
}

static struct pki_trust *with_lists(const struct pki_trust_options *o, const struct slice *lists, size_t count)
{
    struct pki_trust *t = pki_trust_new(o);
    add_anchor(t, root.cert);
    add_intermediate(t, sub.cert);
    for (size_t i = 0; i < count; i++)
        add_crl(t, lists[i]);
    seal_quietly(t);
    return t;
}
#define WITH(options, ...)                                                                                             \
    with_lists((options), (const struct slice[]){__VA_ARGS__},                                                         \
               sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))

static bool listed(struct pki_trust *t, const struct pki_cert_ref *r)
{
    bool ret = pki_trust_lists_cert(t, r, NOW);
    pki_trust_unref(t);
    return ret;
}

static void a_revoked_certificate_is_found_and_its_sister_is_not(void **state UNUSED)
{
    struct pair sister = MAKE(.cn = "sister", .issuer = &sub);
    struct pki_cert_ref r = ref_of(&leaf), other = ref_of(&sister);
    assert_true(listed(WITH(&checked_options, MAKE_CRL(.issuer = &sub, .revoked = {leaf.cert})), &r));
    assert_false(listed(WITH(&checked_options, MAKE_CRL(.issuer = &sub, .revoked = {leaf.cert})), &other));
    assert_false(listed(WITH(&checked_options, MAKE_CRL(.issuer = &root, .revoked = {leaf.cert})), &r));
    drop(&sister);
}

static void an_outdated_list_still_revokes(void **state UNUSED)
{
    struct pki_cert_ref r = ref_of(&leaf);
    assert_true(listed(WITH(&checked_options,
                            MAKE_CRL(.issuer = &sub, .revoked = {leaf.cert}, .from = NOW - 9 * DAY, .to = NOW - DAY)),
                       &r));
}

static void where_revocation_is_not_checked_nothing_is_listed(void **state UNUSED)
{
    struct pki_cert_ref r = ref_of(&leaf);
    assert_false(listed(WITH(&unchecked_options, MAKE_CRL(.issuer = &sub, .revoked = {leaf.cert})), &r));
}

static void a_delta_adds_and_takes_back(void **state UNUSED)
{
    struct pki_cert_ref r = ref_of(&leaf);
    struct slice complete = MAKE_CRL(.issuer = &sub, .number = "3");
    assert_true(listed(WITH(&checked_options, complete,
                            MAKE_CRL(.issuer = &sub, .number = "5", .delta_base = "3", .revoked = {leaf.cert})),
                       &r));
    assert_false(listed(
        WITH(&checked_options, MAKE_CRL(.issuer = &sub, .number = "3", .revoked = {leaf.cert}, .reason = HOLD + 1),
             MAKE_CRL(.issuer = &sub, .number = "5", .delta_base = "3", .revoked = {leaf.cert}, .reason = REMOVE + 1)),
        &r));
}

/* Two CAs may bear one name: the key identifiers tell them apart. */
static void a_list_of_a_namesake_says_nothing(void **state UNUSED)
{
    struct pair namesake = MAKE(.cn = "Sub", .ca = true, .issuer = &root);
    struct pair device = MAKE(.cn = "device-9", .issuer = &namesake);
    struct pki_trust *t = pki_trust_new(&checked_options);
    struct pki_cert_ref r = ref_of(&leaf), other = ref_of(&device);
    add_anchor(t, root.cert);
    add_intermediate(t, sub.cert);
    add_intermediate(t, namesake.cert);
    add_crl(t, MAKE_CRL(.issuer = &namesake, .revoked = {leaf.cert, device.cert}));
    seal_quietly(t);
    assert_false(pki_trust_lists_cert(t, &r, NOW));
    assert_true(pki_trust_lists_cert(t, &other, NOW));
    pki_trust_unref(t);
    drop(&namesake);
    drop(&device);
}

static void what_issued_itself_has_no_reference(void **state UNUSED)
{
    struct pki_cert_ref r;
    assert_false(pki_cert_ref_of(root.cert, &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_certificate_is_found_and_its_sister_is_not),
        cmocka_unit_test(an_outdated_list_still_revokes),
        cmocka_unit_test(where_revocation_is_not_checked_nothing_is_listed),
        cmocka_unit_test(a_delta_adds_and_takes_back),
        cmocka_unit_test(a_list_of_a_namesake_says_nothing),
        cmocka_unit_test(what_issued_itself_has_no_reference),
    };
    make_world();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop_world();
    return failed;
}
