/* SPDX-License-Identifier: Apache-2.0 */
/* The site's own certificates: issued by pki_issue, judged by pki_role, and never mixed up with the devices'. */
#include <openssl/pem.h>

#include "pki/issue/issue.h"
#include "pki/role.h"
#include "world.h"

static struct pair site_root, role_ca;

static struct pair issue(enum pki_profile profile, const char *cn, const char *uri, const struct pair *issuer)
{
    struct error err = {0};
    struct pair p = {NULL, pki_key_new()};
    struct pki_request r = {.profile = profile,
                            .common_name = cn,
                            .uri = uri,
                            .not_before = NOW - 300,
                            .not_after = NOW + 90 * DAY,
                            .subject_key = p.key,
                            .issuer = issuer ? issuer->cert : NULL,
                            .issuer_key = issuer ? issuer->key : NULL};
    if (pki_issue(&r, &p.cert, &err) != OK)
        fail_msg("%s", err.text);
    return p;
}

static struct pki_role_judge *new_judge(const char *kind)
{
    char *pem = pki_cert_pem(site_root.cert);
    struct pki_role_judge *j;
    assert_int_equal(pki_role_judge_new(slice_of(pem), "LAB", kind, &j, NULL), OK);
    free(pem);
    return j;
}

/* The id, or the reason in brackets; in static memory. */
static const char *checked(const char *kind, X509 *cert, X509 *sent, int64_t now)
{
    static char text[ERROR_TEXT_MAX + 4];
    struct error err = {0};
    char id[PKI_ROLE_ID_MAX];
    struct pki_role_judge *j = new_judge(kind);
    STACK_OF(X509) *chain = sent ? sk_X509_new_null() : NULL;
    if (sent)
        sk_X509_push(chain, sent);
    enum result r = pki_role_check(j, cert, chain, now, id, &err);
    assert_true(r == OK || r == R_DENIED);
    assert_true(r == OK || (id[0] == '\0' && err.text[0] != '\0') || r == R_DENIED);
    (void)snprintf(text, sizeof text, r == OK ? "%s" : "[%s]", r == OK ? id : err.text);
    sk_X509_free(chain);
    pki_role_judge_free(j);
    return text;
}

static void a_role_is_known_by_its_id(void **state UNUSED)
{
    struct pair p = issue(PKI_ROLE, "cp1", "urn:opencmg:LAB:connector:cp1", &role_ca);
    assert_string_equal(checked("connector", p.cert, role_ca.cert, NOW), "cp1");
    drop(&p);
}

static void a_role_is_none_of_another_kind_site_or_time(void **state UNUSED)
{
    struct pair p = issue(PKI_ROLE, "cp1", "urn:opencmg:LAB:connector:cp1", &role_ca);
    struct pair other = issue(PKI_ROLE, "cp1", "urn:opencmg:LAB2:connector:cp1", &role_ca);
    assert_says(checked("gateway", p.cert, role_ca.cert, NOW), "wanted is 'urn:opencmg:LAB:gateway:");
    assert_says(checked("connector", other.cert, role_ca.cert, NOW), "wanted is");
    assert_says(checked("connector", p.cert, role_ca.cert, NOW + 91 * DAY), "expired");
    assert_says(checked("connector", p.cert, role_ca.cert, NOW - DAY), "not yet valid");
    assert_says(checked("connector", p.cert, NULL, NOW), "not the site's");
    drop(&p);
    drop(&other);
}

static void malformed_names_are_refused(void **state UNUSED)
{
    static const char *const bad[] = {
        "urn:opencmg:LAB:connector:",
        "urn:opencmg:LAB:connector:a:b",
        "urn:opencmg:LAB:connector:a/b",
        "urn:opencmg:LAB:connector",
        "urn:opencmg:lab:connector:cp1",
        "URN:opencmg:LAB:connector:cp1",
        "urn:opencmg:LAB:connector:a%00b",
        "urn:opencmg:LAB:connectors:cp1",
        "urn:opencmg:LAB:connector:0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct pair p = issue(PKI_ROLE, "cp1", bad[i], &role_ca);
        assert_int_equal(checked("connector", p.cert, role_ca.cert, NOW)[0], '[');
        drop(&p);
    }
    struct pair two = MAKE(.cn = "cp1", .issuer = &role_ca,
                           .ext = {{NID_subject_alt_name, "URI:urn:opencmg:LAB:connector:cp1,URI:urn:other"},
                                   {NID_ext_key_usage, "clientAuth,serverAuth"}});
    assert_says(checked("connector", two.cert, role_ca.cert, NOW), "exactly one URI");
    drop(&two);
}

static void a_role_has_both_usages_and_three_certificates(void **state UNUSED)
{
    const struct extension name = {NID_subject_alt_name, "URI:urn:opencmg:LAB:connector:cp1"};
    const struct extension both = {NID_ext_key_usage, "clientAuth,serverAuth"};
    struct pair client = MAKE(.cn = "cp1", .issuer = &role_ca, .ext = {name});
    struct pair no_eku = MAKE(.cn = "cp1", .issuer = &role_ca, .ext = {name, {NID_ext_key_usage, ""}});
    struct pair direct = MAKE(.cn = "cp1", .issuer = &site_root, .ext = {name, both});
    assert_says(checked("connector", client.cert, role_ca.cert, NOW), "clientAuth and serverAuth");
    assert_int_equal(checked("connector", no_eku.cert, role_ca.cert, NOW)[0], '[');
    assert_says(checked("connector", direct.cert, role_ca.cert, NOW), "leaf, role CA, root");
    drop(&client);
    drop(&no_eku);
    drop(&direct);
}

static void another_root_of_the_same_name_makes_no_roles(void **state UNUSED)
{
    struct pair twin = issue(PKI_SITE_ROOT, "LAB site root", NULL, NULL);
    struct pair twin_ca = issue(PKI_ROLE_CA, "LAB role CA", NULL, &twin);
    struct pair p = issue(PKI_ROLE, "cp1", "urn:opencmg:LAB:connector:cp1", &twin_ca);
    assert_says(checked("connector", p.cert, twin_ca.cert, NOW), "not the site's");
    assert_says(checked("connector", p.cert, role_ca.cert, NOW), "not the site's");
    drop(&twin);
    drop(&twin_ca);
    drop(&p);
}

static void a_role_can_not_issue_roles(void **state UNUSED)
{
    struct pair p = issue(PKI_ROLE, "cp1", "urn:opencmg:LAB:connector:cp1", &role_ca);
    struct pair forged = issue(PKI_ROLE, "gw1", "urn:opencmg:LAB:gateway:gw1", &p);
    char id[PKI_ROLE_ID_MAX];
    struct pki_role_judge *j = new_judge("gateway");
    STACK_OF(X509) *chain = sk_X509_new_null();
    sk_X509_push(chain, p.cert);
    sk_X509_push(chain, role_ca.cert);
    assert_int_equal(pki_role_check(j, forged.cert, chain, NOW, id, NULL), R_DENIED);
    sk_X509_free(chain);
    pki_role_judge_free(j);
    drop(&p);
    drop(&forged);
}

static void signing_certificates_come_from_the_root_alone(void **state UNUSED)
{
    struct pair good = issue(PKI_SIGNING, "bundle", "urn:opencmg:LAB:signing:bundle", &site_root);
    struct pair role_signed = issue(PKI_SIGNING, "bundle", "urn:opencmg:LAB:signing:bundle", &role_ca);
    struct pair longer = issue(PKI_SIGNING, "bundle", "urn:opencmg:LAB:signing:bundles", &site_root);
    assert_string_equal(checked("signing:bundle", good.cert, NULL, NOW), "bundle");
    assert_says(checked("signing:policy", good.cert, NULL, NOW), "wanted is");
    assert_says(checked("signing:bundle", role_signed.cert, role_ca.cert, NOW), "leaf, root");
    assert_says(checked("signing:bundle", longer.cert, NULL, NOW), "wanted is");
    assert_int_equal(checked("connector", good.cert, role_ca.cert, NOW)[0], '[');
    drop(&good);
    drop(&role_signed);
    drop(&longer);
}

static void a_role_is_no_signer(void **state UNUSED)
{
    struct pair p =
        MAKE(.cn = "b", .issuer = &site_root, .ext = {{NID_subject_alt_name, "URI:urn:opencmg:LAB:signing:bundle"}});
    assert_says(checked("signing:bundle", p.cert, NULL, NOW), "no extended key usage");
    drop(&p);
}

static void roles_and_devices_do_not_pass_for_each_other(void **state UNUSED)
{
    struct pair role = issue(PKI_ROLE, "cp1", "urn:opencmg:LAB:connector:cp1", &role_ca);
    struct pair device_role = MAKE(.cn = "cp1", .issuer = &sub,
                                   .ext = {{NID_subject_alt_name, "URI:urn:opencmg:LAB:connector:cp1"},
                                           {NID_ext_key_usage, "clientAuth,serverAuth"}});
    struct pki_trust *t = pki_trust_new(&unchecked_options);
    add_anchor(t, root.cert);
    seal_quietly(t);
    assert_reason(JUDGE_SENT(t, role.cert, role_ca.cert), REASON_CERT_INCOMPLETE_CHAIN);
    assert_reason(JUDGE_SENT(t, role.cert, role_ca.cert, site_root.cert), REASON_CERT_UNTRUSTED_ROOT);
    assert_says(checked("connector", device_role.cert, sub.cert, NOW), "not the site's");
    pki_trust_unref(t);
    drop(&role);
    drop(&device_role);
}

static void a_devices_own_certificate_is_issued_by_itself(void **state UNUSED)
{
    struct pair p = issue(PKI_DEVICE, "6f1c0f0e-0000-4000-8000-000000000001", NULL, NULL);
    assert_int_equal(X509_verify(p.cert, p.key), 1);
    assert_true(X509_get_extended_key_usage(p.cert) & XKU_SSL_CLIENT);
    assert_false(X509_get_extension_flags(p.cert) & EXFLAG_CA);
    drop(&p);
}

static void the_evaluation_pki_passes_the_trust(void **state UNUSED)
{
    static const char *const hosts[] = {"gw.example.com", "127.0.0.1", "::1", NULL};
    struct pair eval = issue(PKI_TLS_CA, "Evaluation CA", NULL, NULL);
    struct pair good = issue(PKI_TLS_CLIENT, "pc1", NULL, &eval), bad = issue(PKI_TLS_CLIENT, "pc2", NULL, &eval);
    struct pair server = {NULL, pki_key_new()};
    struct pki_request r = {.profile = PKI_TLS_SERVER,
                            .common_name = "gw.example.com",
                            .hosts = hosts,
                            .not_before = NOW - 300,
                            .not_after = NOW + DAY,
                            .subject_key = server.key,
                            .issuer = eval.cert,
                            .issuer_key = eval.key};
    assert_int_equal(pki_issue(&r, &server.cert, NULL), OK);
    assert_int_equal(X509_check_host(server.cert, "gw.example.com", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(server.cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(server.cert, "::1", 0), 1);

    unsigned char *crl;
    size_t len;
    assert_int_equal(
        pki_issue_crl(eval.cert, eval.key, (X509 *const[]){bad.cert}, 1, 1, NOW - 300, NOW + DAY, &crl, &len, NULL),
        OK);
    struct pki_trust *t = pki_trust_new(&checked_options);
    add_anchor(t, eval.cert);
    add_crl(t, slice_make(crl, len));
    seal_quietly(t);
    assert_reason(judge(t, good.cert), REASON_OK);
    assert_reason(judge(t, bad.cert), REASON_CERT_REVOKED);
    assert_reason(judge(t, server.cert), REASON_CERT_WRONG_USAGE);
    pki_trust_unref(t);
    drop(&eval);
    drop(&good);
    drop(&bad);
    drop(&server);
}

static void wrong_requests_are_refused(void **state UNUSED)
{
    static const char *const blank_host[] = {"a b", NULL};
    EVP_PKEY *key = pki_key_new();
    const struct pki_request good = {.profile = PKI_ROLE,
                                     .common_name = "x",
                                     .uri = "urn:opencmg:LAB:mp:1",
                                     .not_before = NOW,
                                     .not_after = NOW + 1,
                                     .subject_key = key,
                                     .issuer = role_ca.cert,
                                     .issuer_key = role_ca.key};
    struct pki_request bad[8];
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        bad[i] = good;
    bad[0].common_name = "";
    bad[1].common_name = "01234567890123456789012345678901234567890123456789012345678901234";
    bad[2].uri = NULL;
    bad[3].uri = "urn:with blank";
    bad[4].not_after = NOW;
    bad[5].issuer_key = site_root.key; /* of another certificate */
    bad[6].issuer_key = NULL;
    bad[7].hosts = blank_host;
    X509 *cert;
    assert_int_equal(pki_issue(&good, &cert, NULL), OK);
    assert_true(ASN1_STRING_length(X509_get0_serialNumber(cert)) >= 16);
    assert_int_equal(ASN1_STRING_type(X509_get0_serialNumber(cert)), V_ASN1_INTEGER); /* not negative */
    X509_free(cert);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = {0};
        assert_int_equal(pki_issue(&bad[i], &cert, &err), R_INVALID);
        assert_null(cert);
        assert_true(err.text[0] != '\0');
    }
    EVP_PKEY_free(key);
}

static void a_comma_in_a_name_smuggles_nothing_in(void **state UNUSED)
{
    struct pair p = issue(PKI_ROLE, "cp1", "urn:opencmg:LAB:connector:cp1,DNS:evil.example", &role_ca);
    assert_int_equal(X509_check_host(p.cert, "evil.example", 0, 0, NULL), 0);
    assert_int_equal(checked("connector", p.cert, role_ca.cert, NOW)[0], '[');
    drop(&p);
}

static void a_bad_root_makes_no_judge(void **state UNUSED)
{
    struct pki_role_judge *j;
    char *pem = pki_cert_pem(site_root.cert);
    assert_int_equal(pki_role_judge_new(SLICE("nonsense"), "LAB", "mp", &j, NULL), R_INVALID);
    assert_null(j);
    assert_int_equal(pki_role_judge_new(slice_of(pem), "", "mp", &j, NULL), R_INVALID);
    assert_int_equal(pki_role_judge_new(slice_of(pem), "SITESITESITESITESITE", "mp", &j, NULL), R_INVALID);
    pki_role_judge_free(NULL);
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_is_known_by_its_id),
        cmocka_unit_test(a_role_is_none_of_another_kind_site_or_time),
        cmocka_unit_test(malformed_names_are_refused),
        cmocka_unit_test(a_role_has_both_usages_and_three_certificates),
        cmocka_unit_test(another_root_of_the_same_name_makes_no_roles),
        cmocka_unit_test(a_role_can_not_issue_roles),
        cmocka_unit_test(signing_certificates_come_from_the_root_alone),
        cmocka_unit_test(a_role_is_no_signer),
        cmocka_unit_test(roles_and_devices_do_not_pass_for_each_other),
        cmocka_unit_test(a_devices_own_certificate_is_issued_by_itself),
        cmocka_unit_test(the_evaluation_pki_passes_the_trust),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(a_comma_in_a_name_smuggles_nothing_in),
        cmocka_unit_test(a_bad_root_makes_no_judge),
    };
    make_world();
    site_root = issue(PKI_SITE_ROOT, "LAB site root", NULL, NULL);
    role_ca = issue(PKI_ROLE_CA, "LAB role CA", NULL, &site_root);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    drop(&site_root);
    drop(&role_ca);
    drop_world();
    return failed;
}
