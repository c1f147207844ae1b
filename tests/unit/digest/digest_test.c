/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digest/digest.h"

#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void it_is_sha_256(void **state)
{
    (void)state;
    char hex[DIGEST_HEX];
    digest_hex_of(SLICE("abc"), hex); /* FIPS 180-4's own example */
    assert_string_equal(hex, OF_ABC);
    digest_hex_of(SLICE_NONE, hex);
    assert_string_equal(hex, OF_NOTHING);
}

static void parts_are_as_the_whole(void **state)
{
    (void)state;
    unsigned char whole[DIGEST_SIZE], parts[DIGEST_SIZE];
    digest_of(SLICE("abc"), whole);
    struct digest *d = digest_new();
    digest_add(d, SLICE("a"));
    digest_add(d, SLICE_NONE);
    digest_add(d, SLICE("bc"));
    digest_end(d, parts);
    assert_memory_equal(whole, parts, DIGEST_SIZE);
}

static void of_two_counted(struct slice a, struct slice b, unsigned char ret[DIGEST_SIZE])
{
    struct digest *d = digest_new();
    digest_add_counted(d, a);
    digest_add_counted(d, b);
    digest_end(d, ret);
}

static void counted_parts_keep_their_bounds(void **state)
{
    (void)state;
    unsigned char one[DIGEST_SIZE], other[DIGEST_SIZE];
    of_two_counted(SLICE("ab"), SLICE("c"), one);
    of_two_counted(SLICE("a"), SLICE("bc"), other);
    assert_memory_not_equal(one, other, DIGEST_SIZE);
    of_two_counted(SLICE("abc"), SLICE_NONE, other);
    assert_memory_not_equal(one, other, DIGEST_SIZE);
}

static void one_that_is_not_ended_may_be_freed(void **state)
{
    (void)state;
    digest_free(digest_new());
    digest_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_sha_256),
        cmocka_unit_test(parts_are_as_the_whole),
        cmocka_unit_test(counted_parts_keep_their_bounds),
        cmocka_unit_test(one_that_is_not_ended_may_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
