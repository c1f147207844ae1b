/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of the PROXY protocol: those that are told, those that are none, and what is read when it comes in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/told.h"

#define TEXT(literal)                                                                                                  \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }
#define SIGN "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\2\7\x0a\0\0\1\xd4\x31\x01\xbb" /* 192.0.2.7:54321 to 10.0.0.1:443 */
#define V6                                                                                                             \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"                                                                         \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\xd4\x31\x01\xbb"

/* Read in one piece, and at each length that it could have come in. */
static enum result read_all(struct slice header, struct net_told *ret, struct error *err)
{
    enum result whole = net_told_read(header, ret, err), r;
    for (size_t n = 1; n < header.len; n++) {
        struct net_told told;
        if ((r = net_told_read(slice_make(header.ptr, n), &told, err)) != R_AGAIN) {
            assert_int_equal(r, whole);
            assert_true(whole != OK || told.len == ret->len);
            break;
        }
    }
    return net_told_read(header, ret, err);
}

static void a_header_tells_the_clients_address_and_where_it_ends(void **state)
{
    static const struct {
        struct slice header;
        const char *client; /* "": the balancer itself */
        size_t behind;
    } good[] = {
        {TEXT(SIGN "\x21\x11\0\x0c" V4), "192.0.2.7:54321", 0},
        {TEXT(SIGN "\x21\x11\0\x0c" V4 "\x16\x03\x01"), "192.0.2.7:54321", 3},
        {TEXT(SIGN "\x21\x21\0\x24" V6 "\x16"), "[2001:db8::7]:54321", 1},
        {TEXT(SIGN "\x21\x11\0\x13" V4 "\x04\0\x04zzzz\x16"), "192.0.2.7:54321", 1}, /* with a TLV */
        {TEXT(SIGN "\x21\x11\0\x0d" V4 "\xff\x16"), "192.0.2.7:54321", 1},           /* and half of one */
        {TEXT(SIGN "\x20\0\0\0\x16"), "", 1},
        {TEXT(SIGN "\x20\x11\0\x0c" V4), "", 0}, /* LOCAL: whatever it says */
        {TEXT(SIGN "\x20\x42\0\1x"), "", 0},
        {TEXT(SIGN "\x21\0\0\0"), "", 0}, /* of whom it does not know */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct net_told told;
        struct error err;
        char text[NET_ADDRESS_TEXT] = "";
        if (read_all(good[i].header, &told, &err) != OK)
            fail_msg("row %zu: %s", i, err.text);
        if (told.kind == NET_TOLD_CLIENT)
            net_address_format(&told.client, text);
        assert_string_equal(text, good[i].client);
        assert_int_equal(good[i].header.len - told.len, good[i].behind);
    }
}

static void what_is_no_header_is_told_by_what_it_is_instead(void **state)
{
    static const struct {
        struct slice begin;
        const char *words;
    } bad[] = {
        {TEXT("PROXY TCP4 192.0.2.7 10.0.0.1 54321 443\r\n"), "version 1"},
        {TEXT("P"), "version 1"},
        {TEXT("\x16\x03\x01\x02"), "begins with TLS"},
        {TEXT("GET / HTTP/1.1\r\n"), "does not begin"},
        {TEXT("\r\n\r\nGET"), "does not begin"},
        {TEXT("\r\n\r\n\0\r\nQUIX"), "does not begin"},
        {TEXT(SIGN "\x11\x11\0\x0c"), "version 1 and command 1"},
        {TEXT(SIGN "\x22\x11\0\x0c"), "command 2"},
        {TEXT(SIGN "\x31\x11\0\x0c"), "version 3"},
        {TEXT(SIGN "\x21\x12\0\x0c" V4), "else than TCP (0x12)"},
        {TEXT(SIGN "\x21\x31\0\x0c" V4), "else than TCP (0x31)"},
        {TEXT(SIGN "\x21\xf1\0\x0c" V4), "else than TCP (0xf1)"},
        {TEXT(SIGN "\x21\x10\0\x0c" V4), "else than TCP (0x10)"},
        {TEXT(SIGN "\x21\x11\0\x0b" V4), "no room"},
        {TEXT(SIGN "\x21\x21\0\x0c" V4), "no room"},
        {TEXT(SIGN "\x21\x11\0\0"), "no room"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct net_told told;
        struct error err;
        assert_int_equal(read_all(bad[i].begin, &told, &err), R_INVALID);
        if (!strstr(err.text, bad[i].words))
            fail_msg("row %zu: %s", i, err.text);
    }
}

static void a_header_has_a_maximum_that_is_told_before_it_is_whole(void **state)
{
    struct net_told told;
    struct error err;
    (void)state;
    assert_int_equal(net_told_read(SLICE(SIGN "\x21\x11\x0f\xf0"), &told, &err), R_AGAIN); /* 16 + 4080 */
    assert_int_equal(net_told_read(SLICE(SIGN "\x21\x11\x0f\xf1"), &told, &err), R_LIMIT);
    assert_int_equal(net_told_read(SLICE(SIGN "\x20\0\xff\xff"), &told, &err), R_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_tells_the_clients_address_and_where_it_ends),
        cmocka_unit_test(what_is_no_header_is_told_by_what_it_is_instead),
        cmocka_unit_test(a_header_has_a_maximum_that_is_told_before_it_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
