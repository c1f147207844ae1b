/* SPDX-License-Identifier: Apache-2.0 */
/* The index alone: what is in it is found, what is not is not, and a hit by hash is never believed unconfirmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/list/index.h"

static struct slice serial_of(uint32_t *n)
{
    return slice_make(n, sizeof *n);
}

static bool believe(void *arg UNUSED, uint32_t crl UNUSED, uint32_t offset UNUSED, struct slice serial UNUSED)
{
    return true;
}

static bool doubt(void *arg UNUSED, uint32_t crl UNUSED, uint32_t offset UNUSED, struct slice serial UNUSED)
{
    return false;
}

/* The offset that a test stored is the serial itself. */
static bool compare(void *arg UNUSED, uint32_t crl UNUSED, uint32_t offset, struct slice serial)
{
    return serial.len == sizeof offset && memcmp(serial.ptr, &offset, sizeof offset) == 0;
}

static void what_is_in_it_is_found_for_every_size(void **state UNUSED)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 63, 64, 65, 1000, 50000};
    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        struct pki_crl_index *x = pki_crl_index_new(sizes[s]);
        for (uint32_t n = 0; n < sizes[s]; n++)
            pki_crl_index_add(x, n % 3, n, serial_of(&n));
        pki_crl_index_seal(x);
        for (uint32_t n = 0; n < sizes[s]; n++) {
            assert_true(pki_crl_index_has(x, n % 3, serial_of(&n), compare, NULL));
            assert_false(pki_crl_index_has(x, (n + 1) % 3, serial_of(&n), compare, NULL));
        }
        for (uint32_t n = sizes[s]; n < sizes[s] + 1000; n++)
            assert_false(pki_crl_index_has(x, n % 3, serial_of(&n), believe, NULL));
        pki_crl_index_free(x);
    }
}

static void an_unconfirmed_hit_is_no_hit(void **state UNUSED)
{
    uint32_t n = 7;
    struct pki_crl_index *x = pki_crl_index_new(1);
    pki_crl_index_add(x, 0, 0, serial_of(&n));
    pki_crl_index_seal(x);
    assert_true(pki_crl_index_has(x, 0, serial_of(&n), believe, NULL));
    assert_false(pki_crl_index_has(x, 0, serial_of(&n), doubt, NULL));
    pki_crl_index_free(x);
}

static void many_equal_entries_are_all_asked(void **state UNUSED)
{
    uint32_t same = 5;
    struct pki_crl_index *x = pki_crl_index_new(500);
    for (uint32_t n = 0; n < 500; n++)
        pki_crl_index_add(x, 0, n, serial_of(&same)); /* only offset 5 confirms */
    pki_crl_index_seal(x);
    assert_true(pki_crl_index_has(x, 0, serial_of(&same), compare, NULL));
    pki_crl_index_free(x);
}

static void serials_are_numbers(void **state UNUSED)
{
    assert_true(pki_crl_serial_eq(SLICE("\x00\x01"), SLICE("\x01")));
    assert_true(pki_crl_serial_eq(SLICE("\x00\x80"), SLICE("\x00\x00\x80")));
    assert_true(pki_crl_serial_eq(SLICE("\xff\xff"), SLICE("\xff")));
    assert_true(pki_crl_serial_eq(SLICE("\x00"), SLICE("\x00\x00")));
    assert_false(pki_crl_serial_eq(SLICE("\x00\x80"), SLICE("\x80"))); /* 128 and -128 */
    assert_false(pki_crl_serial_eq(SLICE("\x01"), SLICE("\x01\x00")));
    assert_false(pki_crl_serial_eq(SLICE("\x01"), SLICE_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_it_is_found_for_every_size),
        cmocka_unit_test(an_unconfirmed_hit_is_no_hit),
        cmocka_unit_test(many_equal_entries_are_all_asked),
        cmocka_unit_test(serials_are_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
