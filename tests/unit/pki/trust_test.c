/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts on paths, usage, strength and names. Revocation is in trust_crl_test.c. */
#include "world.h"

#include <openssl/err.h>

static void a_leaf_of_an_uploaded_root_is_let_in(void **state UNUSED)
{
    struct pki_verdict v = judge_plain(root_leaf.cert, NULL);
    assert_reason(v, REASON_OK);
    assert_false(v.unchecked);
    assert_string_equal(v.identity, "device-2");
    assert_int_equal(v.valid_until, NOW + 30 * DAY);
}

static void the_intermediate_may_be_uploaded_or_sent(void **state UNUSED)
{
    assert_reason(judge_plain(leaf.cert, sub.cert), REASON_OK);
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    assert_reason(JUDGE_SENT(t, leaf.cert, sub.cert), REASON_OK);
    assert_reason(JUDGE_SENT(t, leaf.cert, leaf.cert, sub.cert, root.cert), REASON_OK);
    pki_trust_unref(t);
}

static void a_missing_issuer_is_named(void **state UNUSED)
{
    struct pki_verdict v = judge_plain(leaf.cert, NULL);
    assert_reason(v, REASON_CERT_INCOMPLETE_CHAIN);
    assert_says(v.detail, "CN=Sub");
}

static void an_uploaded_intermediate_is_not_an_anchor(void **state UNUSED)
{
    struct pair other = MAKE(.cn = "Other", .ca = true);
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, other.cert);
    add_intermediate(t, sub.cert);
    seal_quietly(t);
    assert_reason(judge(t, leaf.cert), REASON_CERT_INCOMPLETE_CHAIN);
    pki_trust_unref(t);
    drop(&other);
}

static void an_intermediate_uploaded_as_an_anchor_is_one(void **state UNUSED)
{
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, sub.cert);
    seal_quietly(t);
    assert_reason(judge(t, leaf.cert), REASON_OK);
    assert_reason(JUDGE_SENT(t, leaf.cert, sub.cert, root.cert), REASON_OK);
    assert_reason(JUDGE_SENT(t, root_leaf.cert, root.cert), REASON_CERT_UNTRUSTED_ROOT);
    pki_trust_unref(t);
}

static void a_chain_to_a_foreign_root_is_untrusted(void **state UNUSED)
{
    struct pair foreign = MAKE(.cn = "Foreign", .ca = true);
    struct pair device = MAKE(.cn = "device", .issuer = &foreign);
    struct pair self = MAKE(.cn = "self");
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    assert_reason(JUDGE_SENT(t, device.cert, foreign.cert), REASON_CERT_UNTRUSTED_ROOT);
    assert_reason(judge(t, self.cert), REASON_CERT_UNTRUSTED_ROOT);
    pki_trust_unref(t);
    drop(&foreign);
    drop(&device);
    drop(&self);
}

static void a_foreign_root_of_the_same_name_opens_nothing(void **state UNUSED)
{
    struct pair twin = MAKE(.cn = "Root", .ca = true);
    struct pair device = MAKE(.cn = "device", .issuer = &twin);
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    struct pki_verdict v = judge(t, device.cert);
    assert_reason(v, REASON_CERT_INCOMPLETE_CHAIN);
    assert_says(v.detail, "another key");
    assert_reason(JUDGE_SENT(t, device.cert, twin.cert), REASON_CERT_UNTRUSTED_ROOT);
    pki_trust_unref(t);
    drop(&twin);
    drop(&device);
}

static void a_wrong_signature_is_told(void **state UNUSED)
{
    /* No key identifiers: the name alone leads to the root, whose key did not sign. */
    struct pair twin = MAKE(.cn = "Root", .ca = true);
    struct pair device = MAKE(.cn = "device", .issuer = &twin, .ext = {{NID_authority_key_identifier, ""}});
    assert_reason(judge_plain(device.cert, NULL), REASON_CERT_BAD_SIGNATURE);
    drop(&twin);
    drop(&device);
}

static void an_altered_leaf_has_a_bad_signature(void **state UNUSED)
{
    struct slice der = der_of(root_leaf.cert);
    char *bytes = (char *)(uintptr_t)der.ptr;
    bytes[der.len - 3] ^= 0x01;
    X509 *altered;
    assert_int_equal(pki_cert_read(der, &altered, NULL), OK);
    assert_reason(judge_plain(altered, NULL), REASON_CERT_BAD_SIGNATURE);
    X509_free(altered);
    free(bytes);
}

/* Flips every bit of one certificate of the chain. */
static void refuse_flips(const struct pki_trust *t, X509 *whole, bool is_leaf)
{
    struct slice der = der_of(whole);
    for (size_t bit = 0; bit < der.len * 8; bit++) {
        char *bytes = mem_zalloc(der.len);
        memcpy(bytes, der.ptr, der.len);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        X509 *cert;
        if (pki_cert_read(slice_make(bytes, der.len), &cert, NULL) == OK) {
            struct pki_verdict v = is_leaf ? JUDGE_SENT(t, cert, sub.cert) : JUDGE_SENT(t, leaf.cert, cert);
            if (v.reason == REASON_OK)
                fail_msg("let in with bit %zu flipped", bit);
            assert_true(v.detail[0] != '\0');
            X509_free(cert);
        }
        free(bytes);
    }
    free((void *)(uintptr_t)der.ptr);
}

static void a_single_altered_bit_anywhere_lets_nobody_in(void **state UNUSED)
{
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    refuse_flips(t, leaf.cert, true);
    refuse_flips(t, sub.cert, false);
    pki_trust_unref(t);
}

static void times_are_judged_by_the_given_clock(void **state UNUSED)
{
    struct pair ended = MAKE(.cn = "ended", .issuer = &root, .from = NOW - 9 * DAY, .to = NOW - 1);
    struct pair early = MAKE(.cn = "early", .issuer = &root, .from = NOW + 1);
    struct pki_verdict v = judge_plain(ended.cert, NULL);
    assert_reason(v, REASON_CERT_EXPIRED);
    assert_says(v.detail, "expired 2026-09-21T14:13:19Z");
    assert_true(v.valid_until > NOW && v.valid_until <= NOW + 300);
    assert_reason(judge_plain(early.cert, NULL), REASON_CERT_NOT_YET_VALID);
    drop(&ended);
    drop(&early);
}

static void an_ended_intermediate_is_named(void **state UNUSED)
{
    struct pair old = MAKE(.cn = "Old", .ca = true, .issuer = &root, .from = NOW - 9 * DAY, .to = NOW - 1);
    struct pair device = MAKE(.cn = "device", .issuer = &old);
    struct pki_verdict v = judge_plain(device.cert, old.cert);
    assert_reason(v, REASON_CERT_EXPIRED);
    assert_says(v.detail, "CN=Old");
    drop(&old);
    drop(&device);
}

static void the_verdict_ends_with_the_first_certificate_of_the_chain(void **state UNUSED)
{
    struct pair brief = MAKE(.cn = "Brief", .ca = true, .issuer = &root, .to = NOW + DAY);
    struct pair device = MAKE(.cn = "device", .issuer = &brief);
    assert_int_equal(judge_plain(device.cert, brief.cert).valid_until, NOW + DAY);
    drop(&brief);
    drop(&device);
}

static void a_leaf_must_say_client_auth(void **state UNUSED)
{
    static const char *const bad[] = {"serverAuth", "", "anyExtendedKeyUsage", "emailProtection,codeSigning"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pair device = MAKE(.cn = "device", .issuer = &root, .ext = {{NID_ext_key_usage, bad[i]}});
        assert_reason(judge_plain(device.cert, NULL), REASON_CERT_WRONG_USAGE);
        drop(&device);
    }
    struct pair both = MAKE(.cn = "device", .issuer = &root, .ext = {{NID_ext_key_usage, "serverAuth,clientAuth"}});
    assert_reason(judge_plain(both.cert, NULL), REASON_OK);
    drop(&both);
}

static void a_leaf_whose_key_may_not_sign_is_refused(void **state UNUSED)
{
    struct pair device = MAKE(.cn = "device", .issuer = &root, .ext = {{NID_key_usage, "critical,keyEncipherment"}});
    assert_reason(judge_plain(device.cert, NULL), REASON_CERT_WRONG_USAGE);
    drop(&device);
}

static void the_usage_of_an_issuer_binds_what_it_issues(void **state UNUSED)
{
    static const struct {
        const char *eku;
        enum verdict_reason reason;
    } cases[] = {{"serverAuth", REASON_CERT_WRONG_USAGE},
                 {"serverAuth,clientAuth", REASON_OK},
                 {"anyExtendedKeyUsage", REASON_OK}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pair ca = MAKE(.cn = "CA", .ca = true, .issuer = &root, .ext = {{NID_ext_key_usage, cases[i].eku}});
        struct pair device = MAKE(.cn = "device", .issuer = &ca);
        assert_reason(judge_plain(device.cert, ca.cert), cases[i].reason);
        drop(&ca);
        drop(&device);
    }
}

static void weak_keys_are_refused(void **state UNUSED)
{
    static const struct {
        const char *key;
        enum verdict_reason reason;
    } cases[] = {{"RSA-1024", REASON_CERT_WEAK_KEY},
                 {"P-224", REASON_CERT_WEAK_KEY},
                 {"RSA-2048", REASON_OK},
                 {"P-384", REASON_OK},
                 {"ED25519", REASON_OK}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pair device = MAKE(.cn = "device", .issuer = &root, .key = cases[i].key);
        assert_reason(judge_plain(device.cert, NULL), cases[i].reason);
        drop(&device);
    }
}

static void weak_hashes_are_refused(void **state UNUSED)
{
    static const char *const hashes[] = {"SHA1", "MD5"};
    struct pair rsa = MAKE(.cn = "RSA root", .ca = true, .key = "RSA-2048");
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, rsa.cert);
    seal_quietly(t);
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        struct pair device = MAKE(.cn = "device", .issuer = &rsa, .md = hashes[i]);
        struct pki_verdict v = judge(t, device.cert);
        assert_reason(v, REASON_CERT_WEAK_KEY);
        assert_says(v.detail, hashes[i]);
        drop(&device);
    }
    pki_trust_unref(t);
    drop(&rsa);
}

static void an_anchors_own_hash_does_not_matter_but_its_key_does(void **state UNUSED)
{
    struct pair old = MAKE(.cn = "Old root", .ca = true, .md = "SHA1");
    struct pair weak = MAKE(.cn = "Weak root", .ca = true, .key = "RSA-1024");
    struct pair a = MAKE(.cn = "a", .issuer = &old), b = MAKE(.cn = "b", .issuer = &weak);
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, old.cert);
    add_anchor(t, weak.cert);
    seal_quietly(t);
    assert_reason(judge(t, a.cert), REASON_OK);
    struct pki_verdict v = judge(t, b.cert);
    assert_reason(v, REASON_CERT_WEAK_KEY);
    assert_says(v.detail, "Weak root");
    pki_trust_unref(t);
    drop(&old);
    drop(&weak);
    drop(&a);
    drop(&b);
}

static void a_certificate_that_names_nobody_is_refused(void **state UNUSED)
{
    struct pair nobody = MAKE(.issuer = &root);
    struct pair control = MAKE(.cn = "a\nb", .issuer = &root);
    struct pair alternative = MAKE(.issuer = &root, .ext = {{NID_subject_alt_name, "critical,DNS:pc1.example"}});
    assert_reason(judge_plain(nobody.cert, NULL), REASON_CERT_NAME_MISSING);
    struct pki_verdict v = judge_plain(alternative.cert, NULL);
    assert_reason(v, REASON_OK);
    assert_string_equal(v.identity, "pc1.example");
    v = judge_plain(control.cert, NULL);
    assert_reason(v, REASON_OK);
    assert_null(strchr(v.identity, '\n'));
    assert_null(strchr(v.detail, '\n'));
    drop(&nobody);
    drop(&control);
    drop(&alternative);
}

static void a_leaf_can_not_issue(void **state UNUSED)
{
    struct pair device = MAKE(.cn = "device", .issuer = &root_leaf);
    struct pair unconstrained =
        MAKE(.cn = "No CA", .issuer = &root, .ext = {{NID_key_usage, "critical,digitalSignature,keyCertSign"}});
    struct pair forged = MAKE(.cn = "forged", .issuer = &unconstrained);
    assert_reason(judge_plain(device.cert, root_leaf.cert), REASON_CERT_CONSTRAINT_VIOLATED);
    assert_reason(judge_plain(forged.cert, unconstrained.cert), REASON_CERT_CONSTRAINT_VIOLATED);
    drop(&device);
    drop(&unconstrained);
    drop(&forged);
}

static void constraints_of_the_issuers_are_obeyed(void **state UNUSED)
{
    struct pair flat =
        MAKE(.cn = "Flat", .ca = true, .issuer = &root, .ext = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"}});
    struct pair below = MAKE(.cn = "Below", .ca = true, .issuer = &flat);
    struct pair device = MAKE(.cn = "device", .issuer = &below);
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    assert_reason(JUDGE_SENT(t, device.cert, below.cert, flat.cert), REASON_CERT_CONSTRAINT_VIOLATED);
    pki_trust_unref(t);
    drop(&flat);
    drop(&below);
    drop(&device);

    struct pair named = MAKE(.cn = "Named", .ca = true, .issuer = &root,
                             .ext = {{NID_name_constraints, "critical,permitted;DNS:lab.example"}});
    struct pair in = MAKE(.cn = "in", .issuer = &named, .ext = {{NID_subject_alt_name, "DNS:a.lab.example"}});
    struct pair out = MAKE(.cn = "out", .issuer = &named, .ext = {{NID_subject_alt_name, "DNS:a.other.example"}});
    assert_reason(judge_plain(in.cert, named.cert), REASON_OK);
    assert_reason(judge_plain(out.cert, named.cert), REASON_CERT_CONSTRAINT_VIOLATED);
    drop(&named);
    drop(&in);
    drop(&out);

    struct pair strange = MAKE(.cn = "strange", .issuer = &root, .critical_oid = "1.3.6.1.4.1.55555.1");
    assert_reason(judge_plain(strange.cert, NULL), REASON_CERT_CONSTRAINT_VIOLATED);
    drop(&strange);
}

static void a_required_policy_must_be_there(void **state UNUSED)
{
    struct pair strict = MAKE(.cn = "Strict", .ca = true, .issuer = &root,
                              .ext = {{NID_certificate_policies, "1.2.3.4"},
                                      {NID_policy_constraints, "critical,requireExplicitPolicy:0"}});
    struct pair with = MAKE(.cn = "with", .issuer = &strict, .ext = {{NID_certificate_policies, "1.2.3.4"}});
    struct pair without = MAKE(.cn = "without", .issuer = &strict);
    assert_reason(judge_plain(with.cert, strict.cert), REASON_OK);
    assert_reason(judge_plain(without.cert, strict.cert), REASON_CERT_CONSTRAINT_VIOLATED);
    drop(&strict);
    drop(&with);
    drop(&without);
}

static void home_made_but_harmless_forms_pass(void **state UNUSED)
{
    struct pair ca = MAKE(.cn = "Home", .ca = true,
                          .ext = {{NID_subject_key_identifier, ""},
                                  {NID_authority_key_identifier, ""},
                                  {NID_key_usage, ""},
                                  {NID_basic_constraints, "CA:TRUE"}});
    struct pair device =
        MAKE(.cn = "device", .issuer = &ca,
             .ext = {{NID_subject_key_identifier, ""}, {NID_authority_key_identifier, ""}, {NID_key_usage, ""}});
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, ca.cert);
    seal_quietly(t);
    assert_reason(judge(t, device.cert), REASON_OK);
    pki_trust_unref(t);
    drop(&ca);
    drop(&device);
}

static void a_bogus_namesake_does_not_hide_the_good_path(void **state UNUSED)
{
    /* Without key identifiers only a try tells which "Sub" is the issuer. */
    const struct extension none = {NID_authority_key_identifier, ""};
    struct pair bogus[4];
    X509 *sent[5];
    for (size_t i = 0; i < ARRAY_LEN(bogus); i++) {
        bogus[i] = MAKE(.cn = "Sub", .ca = true, .issuer = &root, .to = NOW + 90 * DAY);
        sent[i] = bogus[i].cert;
    }
    sent[4] = sub.cert;
    struct pair device = MAKE(.cn = "device", .issuer = &sub, .ext = {none});
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    assert_reason(judge_sent(t, device.cert, sent, ARRAY_LEN(sent)), REASON_OK);
    assert_reason(judge_sent(t, device.cert, sent, 4), REASON_CERT_BAD_SIGNATURE);
    pki_trust_unref(t);
    for (size_t i = 0; i < ARRAY_LEN(bogus); i++)
        drop(&bogus[i]);
    drop(&device);
}

static void a_cross_certificate_that_ended_does_not_hide_the_other_path(void **state UNUSED)
{
    struct pair old = MAKE(.cn = "Old root", .ca = true);
    struct pair cross =
        MAKE(.cn = "Sub", .ca = true, .issuer = &old, .reuse = sub.key, .ext = {{NID_ext_key_usage, "serverAuth"}});
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, old.cert);
    add_anchor(t, root.cert);
    add_intermediate(t, cross.cert);
    add_intermediate(t, sub.cert);
    seal_quietly(t);
    assert_reason(judge(t, leaf.cert), REASON_OK);
    assert_reason(JUDGE_SENT(t, leaf.cert, cross.cert), REASON_OK);
    pki_trust_unref(t);
    drop(&old);
    drop(&cross);
}

static void a_role_is_no_device_even_under_an_uploaded_site_root(void **state UNUSED)
{
    struct pair role =
        MAKE(.cn = "cp1", .issuer = &root, .ext = {{NID_subject_alt_name, "URI:urn:opencmg:LAB:connector:cp1"}});
    assert_reason(judge_plain(role.cert, NULL), REASON_CERT_WRONG_USAGE);
    drop(&role);
}

static void an_issuer_is_found_behind_forty_others_and_beyond_the_limit_that_is_told(void **state UNUSED)
{
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    struct pair other = MAKE(.cn = "Sub", .ca = true);
    struct pki_verdict v;
    X509 *sent[PKI_SENT_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(sent); i++)
        sent[i] = i == 40 ? sub.cert : other.cert;
    add_anchor(t, root.cert);
    seal_quietly(t);
    assert_reason(judge_sent(t, leaf.cert, sent, ARRAY_LEN(sent)), REASON_OK);
    sent[40] = other.cert;
    sent[PKI_SENT_MAX] = sub.cert;
    v = judge_sent(t, leaf.cert, sent, ARRAY_LEN(sent));
    assert_reason(v, REASON_CERT_INCOMPLETE_CHAIN);
    assert_non_null(strstr(v.detail, "came with 65 certificates, and the first 64"));
    drop(&other);
    pki_trust_unref(t);
}

static void many_certificates_sent_are_harmless(void **state UNUSED)
{
    X509 *sent[200];
    for (size_t i = 0; i < ARRAY_LEN(sent); i++)
        sent[i] = i % 2 ? leaf.cert : sub.cert;
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    assert_reason(judge_sent(t, leaf.cert, sent, ARRAY_LEN(sent)), REASON_OK);
    pki_trust_unref(t);
}

static void an_empty_trust_lets_nobody_in(void **state UNUSED)
{
    struct pki_trust *t = pki_trust_new(&allowing_options);
    seal_quietly(t);
    assert_reason(judge(t, leaf.cert), REASON_CERT_INCOMPLETE_CHAIN);
    assert_reason(JUDGE_SENT(t, leaf.cert, sub.cert, root.cert), REASON_CERT_UNTRUSTED_ROOT);
    assert_reason(judge(t, root.cert), REASON_CERT_UNTRUSTED_ROOT);
    pki_trust_unref(t);
}

static void a_sealed_trust_takes_nothing_more(void **state UNUSED)
{
    struct pki_trust *t = pki_trust_new(&checked_options);
    seal_quietly(t);
    struct slice der = der_of(root.cert);
    struct error err = {0};
    assert_int_equal(pki_trust_add_anchors(t, der, &err), R_INVALID);
    assert_int_equal(pki_trust_add_crl(t, der, &err), R_INVALID);
    free((void *)(uintptr_t)der.ptr);
    pki_trust_unref(t);
}

static void a_judgement_leaves_no_trace_in_openssls_error_queue(void **state UNUSED)
{
    ERR_clear_error();
    (void)judge_plain(leaf.cert, NULL);
    (void)judge_plain(leaf.cert, sub.cert);
    assert_int_equal(ERR_peek_error(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leaf_of_an_uploaded_root_is_let_in),
        cmocka_unit_test(the_intermediate_may_be_uploaded_or_sent),
        cmocka_unit_test(a_missing_issuer_is_named),
        cmocka_unit_test(an_uploaded_intermediate_is_not_an_anchor),
        cmocka_unit_test(an_intermediate_uploaded_as_an_anchor_is_one),
        cmocka_unit_test(a_chain_to_a_foreign_root_is_untrusted),
        cmocka_unit_test(a_foreign_root_of_the_same_name_opens_nothing),
        cmocka_unit_test(a_wrong_signature_is_told),
        cmocka_unit_test(an_altered_leaf_has_a_bad_signature),
        cmocka_unit_test(a_single_altered_bit_anywhere_lets_nobody_in),
        cmocka_unit_test(times_are_judged_by_the_given_clock),
        cmocka_unit_test(an_ended_intermediate_is_named),
        cmocka_unit_test(the_verdict_ends_with_the_first_certificate_of_the_chain),
        cmocka_unit_test(a_leaf_must_say_client_auth),
        cmocka_unit_test(a_leaf_whose_key_may_not_sign_is_refused),
        cmocka_unit_test(the_usage_of_an_issuer_binds_what_it_issues),
        cmocka_unit_test(weak_keys_are_refused),
        cmocka_unit_test(weak_hashes_are_refused),
        cmocka_unit_test(an_anchors_own_hash_does_not_matter_but_its_key_does),
        cmocka_unit_test(a_certificate_that_names_nobody_is_refused),
        cmocka_unit_test(a_leaf_can_not_issue),
        cmocka_unit_test(constraints_of_the_issuers_are_obeyed),
        cmocka_unit_test(a_required_policy_must_be_there),
        cmocka_unit_test(home_made_but_harmless_forms_pass),
        cmocka_unit_test(a_bogus_namesake_does_not_hide_the_good_path),
        cmocka_unit_test(a_cross_certificate_that_ended_does_not_hide_the_other_path),
        cmocka_unit_test(a_role_is_no_device_even_under_an_uploaded_site_root),
        cmocka_unit_test(an_issuer_is_found_behind_forty_others_and_beyond_the_limit_that_is_told),
        cmocka_unit_test(many_certificates_sent_are_harmless),
        cmocka_unit_test(an_empty_trust_lets_nobody_in),
        cmocka_unit_test(a_sealed_trust_takes_nothing_more),
        cmocka_unit_test(a_judgement_leaves_no_trace_in_openssls_error_queue),
    };
    make_world();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop_world();
    return failed;
}
