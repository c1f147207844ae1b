/* SPDX-License-Identifier: Apache-2.0 */
/* Where a private key is: what is a URI, what a file's text tells, and what of it is never told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "pki/key/key.h"

static struct error err;

static void a_uri_is_told_from_a_path(void **state)
{
    (void)state;
    assert_true(pki_key_is_uri(SLICE("handle:0x81000001")));
    assert_true(pki_key_is_uri(SLICE("object:/etc/opencmg/key")));
    assert_true(pki_key_is_uri(SLICE("pkcs11:object=root")));
    assert_false(pki_key_is_uri(SLICE("/etc/opencmg/handle:1")));
    assert_false(pki_key_is_uri(SLICE("handle")));
    assert_false(pki_key_is_uri(SLICE_NONE));
}

static void a_files_text_tells_of_a_kept_key_wherever_blanks_and_certificates_stand(void **state)
{
    (void)state;
    assert_true(pki_key_is_kept(SLICE("\n handle:0x81000001\n")));
    assert_true(pki_key_is_kept(SLICE("-----BEGIN CERTIFICATE-----\n-----BEGIN TSS2 PRIVATE KEY-----\n")));
    assert_false(pki_key_is_kept(SLICE("-----BEGIN PRIVATE KEY-----\nhandle:0x81000001\n")));
    assert_false(pki_key_is_kept(SLICE("")));
}

static void a_uri_with_a_pin_or_a_blank_in_it_is_refused_and_the_pin_is_not_repeated(void **state)
{
    (void)state;
    assert_int_equal(pki_key_check_uri(SLICE("pkcs11:object=a%20b;type=private"), &err), OK);
    assert_int_equal(pki_key_check_uri(SLICE("pkcs11:object=a b"), &err), R_INVALID);
    assert_int_equal(pki_key_check_uri(SLICE("pkcs11:object=a?pin-value=7531"), &err), R_INVALID);
    assert_null(strstr(err.text, "7531"));
    assert_non_null(strstr(err.remedy, "pin-source"));
    char *longest = mem_zalloc(PKI_KEY_URI_MAX + 2);
    memset(longest, 'x', PKI_KEY_URI_MAX + 1);
    assert_int_equal(pki_key_check_uri(slice_make(longest, PKI_KEY_URI_MAX), &err), OK);
    assert_int_equal(pki_key_check_uri(slice_of(longest), &err), R_LIMIT);
    free(longest);
}

static void a_pin_that_others_can_read_is_refused_before_any_provider_is_asked(void **state)
{
    char uri[512];
    EVP_PKEY *key;
    scratch_put(*state, "pin", "7531", 0644);
    (void)snprintf(uri, sizeof uri, "pkcs11:object=a?pin-source=file:%s/pin", (const char *)*state);
    assert_int_equal(pki_key_open_kept(slice_of(uri), &key, &err), R_DENIED);
    assert_int_equal(pki_key_open_kept(SLICE("pkcs11:object=a?pin-source=|program"), &key, &err), R_INVALID);
    assert_int_equal(pki_key_open_kept(SLICE("pkcs11:object=a?pin-source=file:/nowhere/pin"), &key, &err), R_IO);
    assert_null(key);
}

static void a_key_in_pem_is_read_as_ever_and_told_again_without_what_stood_around_it(void **state)
{
    EVP_PKEY *made = pki_key_new(), *key;
    char *pem = pki_key_pem(made), *text = NULL, *both = mem_zalloc(4096), *path;
    (void)snprintf(both, 4096, "about this key\n%sand more\n", pem);
    scratch_put(*state, "some.key", both, 0600);
    path = file_join(*state, "some.key");
    assert_int_equal(pki_key_take(path, &key, &text, &err), OK);
    assert_string_equal(text, pem);
    assert_false(pki_key_stays(key));
    assert_true(pki_key_is_p256(key));
    EVP_PKEY_free(key);
    scratch_put(*state, "some.key", both, 0644);
    assert_int_equal(pki_key_take(path, &key, NULL, &err), R_DENIED);
    assert_int_equal(pki_key_take("/nowhere/some.key", &key, NULL, &err), R_NOTFOUND);
    EVP_PKEY_free(made);
    free(path);
    free(both);
    free(text);
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_uri_is_told_from_a_path),
        cmocka_unit_test(a_files_text_tells_of_a_kept_key_wherever_blanks_and_certificates_stand),
        cmocka_unit_test(a_uri_with_a_pin_or_a_blank_in_it_is_refused_and_the_pin_is_not_repeated),
        cmocka_unit_test_setup_teardown(a_pin_that_others_can_read_is_refused_before_any_provider_is_asked,
                                        scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(a_key_in_pem_is_read_as_ever_and_told_again_without_what_stood_around_it,
                                        scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
