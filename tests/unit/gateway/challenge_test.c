/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges by TLS (RFC 8737): what is pending is answered, and nothing else is believed. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "gateway/obtain/challenge.h"
#include "gateway/obtain/host.h"
#include "pki/cert/cert.h"
#include "pki/cert/host.h"
#include "pki/issue/issue.h"

/* The digest of 32 bytes, each 0x2a. */
static const char digest[] = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio";

static int setup(void **state)
{
    char *folder = mem_strdup("/tmp/cmg-challenge-XXXXXX");
    assert_non_null(mkdtemp(folder));
    *state = folder;
    return 0;
}

static int remove_one(const char *path, const struct stat *st UNUSED, int kind UNUSED, struct FTW *ftw UNUSED)
{
    return remove(path);
}

static int teardown(void **state)
{
    assert_int_equal(nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(*state);
    return 0;
}

static void begin(const char *state, const char *host)
{
    struct error err = {.text = ""};
    if (challenge_begin(state, host, digest, &err) != OK)
        fail_msg("%s", err.text);
}

static char *path_of(const char *state, const char *host)
{
    char name[300];
    (void)snprintf(name, sizeof name, "acme/challenges/%s.pem", host);
    return file_join(state, name);
}

static bool is_answered(const char *state, const char *sni)
{
    struct tls_context *c = challenge_context(state, slice_of(sni));
    tls_context_unref(c);
    return c != NULL;
}

static void a_pending_one_is_answered_by_its_name_in_any_case_and_no_other(void **state)
{
    begin(*state, "gw.Example.test");
    assert_true(is_answered(*state, "gw.example.test"));
    assert_true(is_answered(*state, "GW.example.TEST"));
    static const char *const others[] = {"",         "example.test",         "a.gw.example.test", "gw.example.test.",
                                         "../../gw", "..%2fgw.example.test", "gw.example.test/",  "127.0.0.1"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(is_answered(*state, others[i]));
    assert_false(challenge_context(*state, slice_make("gw.example.test\0x", 17)));
}

static void an_ended_one_is_answered_no_more(void **state)
{
    begin(*state, "gw.example.test");
    challenge_end(*state, "GW.example.test");
    assert_false(is_answered(*state, "gw.example.test"));
    challenge_end(*state, "gw.example.test"); /* twice, or of one that never was */
    challenge_end(*state, "../../x");
}

static void the_answer_is_what_the_rfc_asks_for(void **state)
{
    begin(*state, "gw.example.test");
    char *path = path_of(*state, "gw.example.test"), *text;
    size_t len;
    struct error err;
    X509 *cert;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, 10000, &text, &len, &err), OK);
    assert_int_equal(pki_cert_read(slice_make(text, len), &cert, &err), OK);
    char hosts[100];
    pki_cert_hosts(cert, hosts, sizeof hosts);
    assert_string_equal(hosts, "gw.example.test");
    ASN1_OBJECT *oid = OBJ_txt2obj(PKI_ACME_OID, 1);
    X509_EXTENSION *ext = X509_get_ext(cert, X509_get_ext_by_OBJ(cert, oid, -1));
    assert_int_equal(X509_EXTENSION_get_critical(ext), 1);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext);
    assert_int_equal(ASN1_STRING_length(value), 34);
    assert_memory_equal(ASN1_STRING_get0_data(value), "\x04\x20****", 6);
    ASN1_OBJECT_free(oid);
    X509_free(cert);
    mem_free_secret(text, len);
    free(path);
}

static void a_file_that_others_can_touch_is_not_believed(void **state)
{
    begin(*state, "gw.example.test");
    char *path = path_of(*state, "gw.example.test"), *other = path_of(*state, "other.example.test");
    assert_int_equal(rename(path, other), 0);
    assert_false(is_answered(*state, "other.example.test")); /* another name's */
    assert_int_equal(symlink(other, path), 0);
    assert_false(is_answered(*state, "gw.example.test"));
    assert_int_equal(rename(other, path), 0);
    assert_true(is_answered(*state, "gw.example.test"));
    assert_int_equal(chmod(path, 0640), 0);
    assert_false(is_answered(*state, "gw.example.test"));
    free(path);
    free(other);
}

static void what_is_no_answer_is_not_shown(void **state)
{
    begin(*state, "gw.example.test");
    char *path = path_of(*state, "gw.example.test");
    struct error err;
    static const char *const texts[] = {"", "-----BEGIN CERTIFICATE-----\n"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_int_equal(file_write(path, slice_of(texts[i]), 0600, &err), OK);
        assert_false(is_answered(*state, "gw.example.test"));
    }
    const char *hosts[] = {"gw.example.test", NULL};
    EVP_PKEY *key = pki_key_new();
    X509 *cert;
    const struct pki_request q = {.profile = PKI_TLS_SERVER,
                                  .common_name = "x",
                                  .hosts = hosts,
                                  .not_before = clock_wall_s() - 60,
                                  .not_after = clock_wall_s() + 60,
                                  .subject_key = key};
    assert_int_equal(pki_issue(&q, &cert, &err), OK);
    char *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key), *both = mem_zalloc(8192);
    (void)snprintf(both, 8192, "%s%s", pem, key_pem);
    assert_int_equal(file_write(path, slice_of(both), 0600, &err), OK);
    assert_false(is_answered(*state, "gw.example.test"));
    free(both);
    free(pem);
    mem_free_secret(key_pem, strlen(key_pem));
    X509_free(cert);
    EVP_PKEY_free(key);
    free(path);
}

static void wrong_names_and_digests_are_refused(void **state)
{
    static const struct {
        const char *host, *digest;
    } wrong[] = {{"", digest},
                 {"host", digest},
                 {"a/../b.test", digest},
                 {"10.0.0.1", digest},
                 {"-a.test", digest},
                 {"a..test", digest},
                 {"*.a.test", digest},
                 {"gw.test", ""},
                 {"gw.test", "Kioq"},
                 {"gw.test", "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio="},
                 {"gw.test.", digest},
                 {"gw.test", "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKioq"}};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct error err = {.text = ""};
        assert_int_equal(challenge_begin(*state, wrong[i].host, wrong[i].digest, &err), R_INVALID);
        assert_true(err.text[0]);
    }
}

static void pending_ones_have_a_maximum_and_left_ones_go(void **state)
{
    char host[40];
    struct error err;
    for (int i = 0; i < CHALLENGES_MAX; i++) {
        (void)snprintf(host, sizeof host, "gw%d.example.test", i);
        begin(*state, host);
    }
    assert_int_equal(challenge_begin(*state, "one.more.test", digest, &err), R_LIMIT);
    char *path = path_of(*state, "gw0.example.test");
    const struct timespec old[2] = {{.tv_sec = clock_wall_s() - CHALLENGE_S - 1},
                                    {.tv_sec = clock_wall_s() - CHALLENGE_S - 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    begin(*state, "one.more.test");
    assert_false(file_exists(path));
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_pending_one_is_answered_by_its_name_in_any_case_and_no_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_ended_one_is_answered_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(the_answer_is_what_the_rfc_asks_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_others_can_touch_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_answer_is_not_shown, setup, teardown),
        cmocka_unit_test_setup_teardown(wrong_names_and_digests_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(pending_ones_have_a_maximum_and_left_ones_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
