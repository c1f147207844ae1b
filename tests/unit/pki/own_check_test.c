/* SPDX-License-Identifier: Apache-2.0 */
/* A program's look at its own certificate: each fault is told at its step, and what is not known is not called good. */
#include "world.h"

#include "pki/own_check.h"

struct own {
    char *certificate, *key;
    struct pki_own_check check;
};

static struct own look(const struct pair *certificate, const struct pair *key, const struct pki_trust *trust,
                       int64_t now)
{
    struct own o = {pki_cert_pem(certificate->cert), key ? pki_key_pem(key->key) : mem_strdup(""), {{{0}}}};
    struct pki_own_question q = {slice_of(o.certificate), slice_of(o.key), trust, false, now};
    pki_own_check(&q, &o.check);
    free(o.certificate);
    mem_free_secret(o.key, strlen(o.key));
    return o;
}

static struct pki_trust *trust_in_root(void)
{
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    return t;
}

static void a_good_one_passes_every_step(void **state UNUSED)
{
    struct pki_trust *t = trust_in_root();
    struct own o = look(&root_leaf, &root_leaf, t, NOW);
    assert_true(pki_own_good(&o.check));
    assert_int_equal(pki_own_ruled_out(&o.check), PKI_OWN_STEPS);
    assert_string_equal(o.check.subject, "CN=device-2");
    pki_trust_unref(t);
}

static void without_anchors_nothing_is_known_of_the_chain(void **state UNUSED)
{
    struct own o = look(&root_leaf, &root_leaf, NULL, NOW);
    assert_false(pki_own_good(&o.check));
    assert_int_equal(pki_own_ruled_out(&o.check), PKI_OWN_STEPS);
    assert_int_equal(o.check.steps[PKI_OWN_CHAIN].outcome, PKI_OWN_UNKNOWN);
    assert_int_equal(o.check.steps[PKI_OWN_CRL].outcome, PKI_OWN_UNKNOWN);
}

static void a_key_that_is_missing_or_anothers(void **state UNUSED)
{
    struct own none = look(&root_leaf, NULL, NULL, NOW), other = look(&root_leaf, &leaf, NULL, NOW);
    assert_int_equal(pki_own_ruled_out(&none.check), PKI_OWN_PRIVATE_KEY);
    assert_int_equal(pki_own_ruled_out(&other.check), PKI_OWN_PRIVATE_KEY);
}

static void a_text_that_is_no_certificate(void **state UNUSED)
{
    static const char *const texts[] = {"", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct pki_own_check c;
        struct pki_own_question q = {slice_of(texts[i]), SLICE("k"), NULL, true, NOW};
        pki_own_check(&q, &c);
        assert_int_equal(pki_own_ruled_out(&c), PKI_OWN_CERTIFICATE);
        assert_int_equal(c.steps[PKI_OWN_CRL].outcome, PKI_OWN_UNKNOWN);
    }
}

static void steps_behind_the_one_that_failed_are_not_called_good(void **state UNUSED)
{
    struct pki_trust *t = trust_in_root();
    struct own stranger = look(&leaf, &leaf, t, NOW), ended = look(&root_leaf, &root_leaf, t, NOW + 400 * DAY);
    assert_int_equal(pki_own_ruled_out(&stranger.check), PKI_OWN_CHAIN);
    assert_int_equal(stranger.check.steps[PKI_OWN_CRL].outcome, PKI_OWN_UNKNOWN);
    assert_int_equal(pki_own_ruled_out(&ended.check), PKI_OWN_VALIDITY);
    assert_int_equal(ended.check.steps[PKI_OWN_CHAIN].outcome, PKI_OWN_UNKNOWN);
    pki_trust_unref(t);
}

static int setup(void **state UNUSED)
{
    make_world();
    return 0;
}

static int teardown(void **state UNUSED)
{
    drop_world();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_passes_every_step),
        cmocka_unit_test(without_anchors_nothing_is_known_of_the_chain),
        cmocka_unit_test(a_key_that_is_missing_or_anothers),
        cmocka_unit_test(a_text_that_is_no_certificate),
        cmocka_unit_test(steps_behind_the_one_that_failed_are_not_called_good),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
