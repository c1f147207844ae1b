/* SPDX-License-Identifier: Apache-2.0 */
/* A key's word that another one is of the same device. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jose/possession.h"
#include "pki/issue/issue.h"

#define OTHER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

struct own {
    EVP_PKEY *key;
    X509 *certificate;
    char spki[PKI_HASH_HEX];
    char *word; /* for OTHER */
};

static void make(struct own *o)
{
    unsigned char hash[PKI_SHA256];
    struct error err;
    o->key = pki_key_new();
    struct pki_request request = {.profile = PKI_DEVICE,
                                  .common_name = "own",
                                  .not_before = 1000,
                                  .not_after = 2000000000,
                                  .subject_key = o->key};
    assert_int_equal(pki_issue(&request, &o->certificate, &err), OK);
    pki_key_spki_sha256(o->key, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), o->spki);
    assert_int_equal(jose_possession_sign(o->key, o->certificate, OTHER, &o->word, &err), OK);
}

static void done(struct own *o)
{
    free(o->word);
    X509_free(o->certificate);
    EVP_PKEY_free(o->key);
}

static void it_tells_whose_word_it_is(void **state)
{
    struct own o;
    struct error err;
    char spki[PKI_HASH_HEX];
    (void)state;
    make(&o);
    assert_int_equal(jose_possession_read(slice_of(o.word), OTHER, spki, &err), OK);
    assert_string_equal(spki, o.spki);
    done(&o);
}

static void it_is_for_one_key_alone_and_by_its_own_alone(void **state)
{
    struct own o, thief;
    struct error err;
    char spki[PKI_HASH_HEX], *forged;
    (void)state;
    make(&o);
    make(&thief);
    assert_int_equal(jose_possession_read(slice_of(o.word), thief.spki, spki, &err), R_DENIED);
    assert_int_equal(jose_possession_sign(thief.key, o.certificate, OTHER, &forged, &err), OK);
    assert_int_equal(jose_possession_read(slice_of(forged), OTHER, spki, &err), R_DENIED);
    assert_int_not_equal(jose_possession_read(SLICE("no word"), OTHER, spki, &err), OK);
    assert_int_not_equal(jose_possession_read(SLICE(""), OTHER, spki, &err), OK);
    free(forged);
    done(&thief);
    done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_tells_whose_word_it_is),
        cmocka_unit_test(it_is_for_one_key_alone_and_by_its_own_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
