/* SPDX-License-Identifier: Apache-2.0 */
/* Which certificate a device uses, and what it says of those it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "client/credential/credential.h"
#include "pki/issue/issue.h"

enum { NOW = 1800000000, DAY = 86400 };

struct ca {
    EVP_PKEY *key;
    X509 *cert;
};

static struct ca make_ca(const char *name)
{
    struct ca ca = {.key = pki_key_new()};
    struct pki_request r = {.profile = PKI_TLS_CA,
                            .common_name = name,
                            .not_before = NOW - 1000 * DAY,
                            .not_after = NOW + 3000 * DAY,
                            .subject_key = ca.key};
    assert_int_equal(pki_issue(&r, &ca.cert, NULL), OK);
    return ca;
}

static void drop_ca(struct ca *ca)
{
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
}

/* Writes <dir>/<name>.pem and <name>.key. */
static void put(const char *dir, const char *name, const struct ca *ca, enum pki_profile profile, int64_t from,
                int64_t to, bool with_key, bool other_key)
{
    EVP_PKEY *key = pki_key_new(), *other = pki_key_new();
    X509 *cert;
    char file[64];
    struct pki_request r = {.profile = profile,
                            .common_name = name,
                            .not_before = from,
                            .not_after = to,
                            .subject_key = key,
                            .issuer = ca->cert,
                            .issuer_key = ca->key};
    assert_int_equal(pki_issue(&r, &cert, NULL), OK);
    char *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(other_key ? other : key);
    (void)snprintf(file, sizeof file, "%s.pem", name);
    scratch_put(dir, file, pem, 0644);
    (void)snprintf(file, sizeof file, "%s.key", name);
    if (with_key)
        scratch_put(dir, file, key_pem, 0600);
    free(pem);
    free(key_pem);
    X509_free(cert);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static void put_good(const char *dir, const char *name, const struct ca *ca, int days)
{
    put(dir, name, ca, PKI_TLS_CLIENT, NOW - DAY, NOW + (int64_t)days * DAY, true, false);
}

static bool select_in(const char *dir, const char *issuers, struct client_credential *ret,
                      struct client_credential_fault *fault)
{
    struct client_credential_query q = {.dir = dir, .issuers = issuers, .now = NOW};
    return client_credential_select(&q, ret, fault);
}

static void assert_subject(const struct client_credential *c, const char *want)
{
    char subject[256];
    pki_cert_subject(c->leaf, subject, sizeof subject);
    if (!strstr(subject, want))
        fail_msg("%s instead of %s", subject, want);
}

static void of_several_the_one_valid_longest_is_taken(void **state)
{
    struct ca ca = make_ca("Lab CA");
    struct client_credential c;
    struct client_credential_fault fault;
    put_good(*state, "short", &ca, 10);
    put_good(*state, "long", &ca, 300);
    put_good(*state, "middle", &ca, 100);
    put(*state, "longest-but-ended", &ca, PKI_TLS_CLIENT, NOW - 900 * DAY, NOW - 1, true, false);
    assert_true(select_in(*state, NULL, &c, &fault));
    assert_subject(&c, "CN=long");
    assert_int_equal(X509_check_private_key(c.leaf, c.key), 1);
    assert_int_equal(strlen(c.key_id), 64);
    client_credential_free(&c);
    drop_ca(&ca);
}

static void only_listed_issuers_count_by_name_or_dn(void **state)
{
    static const char *const lists[] = {"Lab CA", "CN=lab ca", "Nobody; LAB CA"};
    struct ca lab = make_ca("Lab CA"), other = make_ca("Other CA");
    struct client_credential c;
    struct client_credential_fault fault;
    put_good(*state, "lab", &lab, 10);
    put_good(*state, "other", &other, 300);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        assert_true(select_in(*state, lists[i], &c, &fault));
        assert_subject(&c, "CN=lab");
        client_credential_free(&c);
    }
    assert_false(select_in(*state, "Lab", &c, &fault)); /* not a part of a name */
    assert_true(fault.configured);
    assert_non_null(strstr(fault.text, "CertIssuers"));
    drop_ca(&lab);
    drop_ca(&other);
}

static void what_rules_a_certificate_out_is_named(void **state)
{
    static const struct {
        const char *name;
        enum pki_profile profile;
        int64_t from, to;
        bool with_key, other_key;
        enum verdict_reason reason;
        const char *says;
    } cases[] = {
        {"ended", PKI_TLS_CLIENT, NOW - 20 * DAY, NOW - DAY, true, false, REASON_CERT_EXPIRED, "expired"},
        {"early", PKI_TLS_CLIENT, NOW + DAY, NOW + 20 * DAY, true, false, REASON_CERT_NOT_YET_VALID, "from"},
        {"server", PKI_TLS_SERVER, NOW - DAY, NOW + DAY, true, false, REASON_CERT_WRONG_USAGE, "clientAuth"},
        {"nokey", PKI_TLS_CLIENT, NOW - DAY, NOW + DAY, false, false, REASON_CERT_MISSING, "key"},
        {"otherkey", PKI_TLS_CLIENT, NOW - DAY, NOW + DAY, true, true, REASON_CERT_MISSING, "another certificate"},
    };
    struct ca ca = make_ca("Lab CA");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct client_credential c;
        struct client_credential_fault fault;
        char name[64];
        put(*state, cases[i].name, &ca, cases[i].profile, cases[i].from, cases[i].to, cases[i].with_key,
            cases[i].other_key);
        (void)snprintf(name, sizeof name, "%s.pem", cases[i].name);
        char *path = file_join(*state, name);
        (void)snprintf(name, sizeof name, "%s.key", cases[i].name);
        char *key = file_join(*state, name);
        struct client_credential_query q = {.certificate = path, .key = key, .now = NOW};
        assert_false(client_credential_select(&q, &c, &fault));
        assert_int_equal(fault.reason, cases[i].reason);
        if (!strstr(fault.text, cases[i].says))
            fail_msg("%s: %s", cases[i].name, fault.text);
        free(path);
        free(key);
    }
    drop_ca(&ca);
}

static void rubbish_in_the_folder_rules_out_nothing_else(void **state)
{
    struct ca ca = make_ca("Lab CA");
    struct client_credential c;
    struct client_credential_fault fault;
    scratch_put(*state, "rubbish.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0600);
    scratch_put(*state, "empty.crt", "", 0600);
    scratch_put(*state, "notes.txt", "x", 0600);
    assert_false(select_in(*state, NULL, &c, &fault));
    put_good(*state, "good", &ca, 10);
    assert_true(select_in(*state, NULL, &c, &fault));
    client_credential_free(&c);
    drop_ca(&ca);
}

static void a_device_without_any_says_that_none_is_configured(void **state)
{
    struct client_credential_query q = {.now = NOW};
    struct client_credential c;
    struct client_credential_fault fault;
    (void)state;
    assert_false(client_credential_select(&q, &c, &fault));
    assert_false(fault.configured);
    assert_true(*fault.text);
}

/* --- the device's own --- */

static void the_own_key_is_made_once_and_stays(void **state)
{
    struct client_credential a, b;
    struct error err;
    struct stat st;
    char *path = file_join(*state, "key.pem");
    assert_int_equal(client_credential_own(*state, NULL, NOW, &a, &err), OK);
    assert_int_equal(client_credential_own(*state, NULL, NOW + 100, &b, &err), OK);
    assert_string_equal(a.key_id, b.key_id);
    assert_string_equal(a.certificate_pem, b.certificate_pem);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    client_credential_free(&a);
    client_credential_free(&b);
    free(path);
}

static void an_own_key_that_others_can_read_is_refused(void **state)
{
    struct client_credential c;
    struct error err;
    char *path = file_join(*state, "key.pem");
    assert_int_equal(client_credential_own(*state, NULL, NOW, &c, &err), OK);
    client_credential_free(&c);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(client_credential_own(*state, NULL, NOW, &c, &err), R_DENIED);
    free(path);
}

static void an_issuer_is_named_by_its_common_name_whatever_stands_in_it(void **state)
{
    static const struct {
        const char *wanted;
        bool listed;
    } rows[] = {{"Lab, Inc. CA", true},
                {"CN=Lab, Inc. CA", true},
                {"lab, inc. ca", true},
                {"cn=LAB, Inc. CA", true},
                {"Lab", false},
                {"Inc. CA", false},
                {"Lab, Inc.", false},
                {"Lab, Inc. CA 2", false},
                {"other; Lab, Inc. CA", true},
                {" ; ", true},
                {"CN=", false},
                {"CA", false}};
    struct ca ca = make_ca("Lab, Inc. CA");
    put_good(*state, "lab", &ca, 10);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct client_credential c;
        struct client_credential_fault fault;
        if (select_in(*state, rows[i].wanted, &c, &fault) != rows[i].listed)
            fail_msg("CertIssuers '%s': %s", rows[i].wanted, fault.text);
        client_credential_free(&c);
    }
    drop_ca(&ca);
}

static void a_certificate_counts_from_its_first_to_its_last_second(void **state)
{
    struct ca ca = make_ca("Lab");
    put(*state, "one", &ca, PKI_TLS_CLIENT, NOW - 10, NOW + 10, true, false);
    for (int64_t at = -11; at <= 11; at += 1) {
        struct client_credential c;
        struct client_credential_fault fault;
        struct client_credential_query q = {.dir = *state, .issuers = "", .now = NOW + at};
        assert_int_equal(client_credential_select(&q, &c, &fault), at >= -10 && at <= 10);
        if (at < -10)
            assert_int_equal(fault.reason, REASON_CERT_NOT_YET_VALID);
        if (at > 10)
            assert_int_equal(fault.reason, REASON_CERT_EXPIRED);
        client_credential_free(&c);
    }
    drop_ca(&ca);
}

static void a_fault_says_the_word_and_the_remedy_of_its_kind(void **state)
{
    (void)state;
    struct client_credential_fault none = {.reason = REASON_CERT_MISSING},
                                   lost = {.configured = true, .reason = REASON_CERT_MISSING},
                                   old = {.configured = true, .reason = REASON_CERT_EXPIRED};
    assert_string_equal(client_credential_fault_words(&none).cause, "no_method");
    assert_string_equal(client_credential_fault_words(&lost).cause, "credential_unusable");
    assert_string_equal(client_credential_fault_words(&old).cause, verdict_reason_info(REASON_CERT_EXPIRED)->name);
    assert_non_null(strstr(client_credential_fault_words(&none).remedy, "register with a bulk token"));
    assert_non_null(strstr(client_credential_fault_words(&lost).remedy, "Certificate=FILE Key=FILE"));
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SCRATCH(of_several_the_one_valid_longest_is_taken),
        WITH_SCRATCH(only_listed_issuers_count_by_name_or_dn),
        WITH_SCRATCH(what_rules_a_certificate_out_is_named),
        WITH_SCRATCH(rubbish_in_the_folder_rules_out_nothing_else),
        WITH_SCRATCH(an_issuer_is_named_by_its_common_name_whatever_stands_in_it),
        WITH_SCRATCH(a_certificate_counts_from_its_first_to_its_last_second),
        cmocka_unit_test(a_fault_says_the_word_and_the_remedy_of_its_kind),
        cmocka_unit_test(a_device_without_any_says_that_none_is_configured),
        WITH_SCRATCH(the_own_key_is_made_once_and_stays),
        WITH_SCRATCH(an_own_key_that_others_can_read_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
