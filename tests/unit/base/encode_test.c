/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64, GUIDs and times as text: strict both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rand.h"
#include "base/text/encode.h"

/* RFC 4648 section 10 */
static const struct {
    const char *bytes, *base64, *hex;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "66"},
    {"fo", "Zm8=", "666f"},
    {"foo", "Zm9v", "666f6f"},
    {"foob", "Zm9vYg==", "666f6f62"},
    {"fooba", "Zm9vYmE=", "666f6f6261"},
    {"foobar", "Zm9vYmFy", "666f6f626172"},
};

static void the_vectors_of_rfc4648_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        char text[32], back[32];
        size_t len;
        struct slice bytes = slice_of(vectors[i].bytes);
        assert_int_equal(encode_base64(bytes, text), strlen(vectors[i].base64));
        assert_string_equal(text, vectors[i].base64);
        assert_true(decode_base64(slice_of(text), back, sizeof back, &len));
        assert_true(slice_eq(slice_make(back, len), bytes));
        assert_int_equal(encode_hex(bytes, text), strlen(vectors[i].hex));
        assert_string_equal(text, vectors[i].hex);
        assert_true(decode_hex(slice_of(text), back, sizeof back, &len));
        assert_true(slice_eq(slice_make(back, len), bytes));
    }
}

static void random_bytes_come_back_and_fit_exactly(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n++) {
        unsigned char bytes[200], back[200];
        char text[BASE64_SIZE(200)], hex[HEX_SIZE(200)];
        size_t len;
        rand_bytes(bytes, n);
        (void)encode_base64url(slice_make(bytes, n), text);
        assert_true(slice_find(slice_of(text), '=') == SIZE_MAX && slice_find(slice_of(text), '+') == SIZE_MAX);
        assert_true(decode_base64url(slice_of(text), back, n, &len));
        assert_int_equal(len, n);
        assert_memory_equal(back, bytes, n);
        (void)encode_hex(slice_make(bytes, n), hex);
        assert_true(decode_hex(slice_of(hex), back, n, &len));
        if (n > 0) {
            assert_false(decode_base64url(slice_of(text), back, n - 1, &len));
            assert_false(decode_hex(slice_of(hex), back, n - 1, &len));
        }
    }
}

static void malformed_texts_are_refused(void **state)
{
    static const char *const base64[] = {"Z",        "Zg",    "Zg=",    "Zg===", "=",    "====", "Zh==", "Zm9=",
                                         "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm-v",  "Zm_v", "A===", "Z=g=", "\xc3\xa4=="};
    static const char *const base64url[] = {"Z", "Zg==", "Zh", "Zm9v=", "Zm+v", "Zm/v", "Zm9", " Zg", "Zg "};
    static const char *const hex[] = {"0", "0g", "xx", "00 ", " 00", "0x00", "-1"};
    char out[32];
    size_t len;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(base64); i++) {
        if (decode_base64(slice_of(base64[i]), out, sizeof out, &len))
            fail_msg("base64 '%s' was accepted", base64[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(base64url); i++) {
        if (decode_base64url(slice_of(base64url[i]), out, sizeof out, &len))
            fail_msg("base64url '%s' was accepted", base64url[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(hex); i++) {
        if (decode_hex(slice_of(hex[i]), out, sizeof out, &len))
            fail_msg("hex '%s' was accepted", hex[i]);
    }
}

static void guids_are_version_4_and_differ(void **state)
{
    (void)state;
    char a[GUID_SIZE], b[GUID_SIZE];
    guid_new(a);
    guid_new(b);
    assert_string_not_equal(a, b);
    assert_true(guid_valid(slice_of(a)));
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    assert_true(guid_valid(SLICE("C0FFEE00-0000-4000-8000-000000000000")));
    assert_false(guid_valid(SLICE("c0ffee00-0000-4000-8000-00000000000")));
    assert_false(guid_valid(SLICE("c0ffee00-0000-4000-8000-0000000000000")));
    assert_false(guid_valid(SLICE("c0ffee00-0000-4000-80000-00000000000")));
    assert_false(guid_valid(SLICE("c0ffee00-0000-4000-8000-00000000000g")));
}

static void a_guid_has_its_digits_in_small_letters_and_nothing_else_for_a_digit(void **state)
{
    (void)state;
    char text[] = "C0FFEE00-0a0b-4C4d-8000-00000000FACE", digits[GUID_DIGITS];
    assert_true(guid_digits(slice_of(text), digits));
    assert_memory_equal(digits, "c0ffee000a0b4c4d800000000000face", GUID_DIGITS);
    for (size_t at = 0; text[at]; at++) {
        char was = text[at];
        for (int c = 0; c < 256; c++) {
            text[at] = (char)c;
            bool digit = c && strchr("0123456789abcdefABCDEF", c);
            assert_int_equal(guid_digits(slice_make(text, sizeof text - 1), digits), was == '-' ? c == '-' : digit);
        }
        text[at] = was;
    }
}

static void random_numbers_stay_below_their_limit_and_reach_all_of_it(void **state)
{
    (void)state;
    int seen[3] = {0};
    for (int i = 0; i < 1000; i++)
        seen[rand_below(3)]++;
    assert_true(seen[0] > 200 && seen[1] > 200 && seen[2] > 200);
    assert_int_equal(rand_below(1), 0);
}

static void times_are_written_and_read_back(void **state)
{
    static const struct {
        int64_t wall_s;
        const char *rfc3339, *http;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z", "Thu, 01 Jan 1970 00:00:00 GMT"},
        {784111777, "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT"},
        {1709210096, "2024-02-29T12:34:56Z", "Thu, 29 Feb 2024 12:34:56 GMT"},
        {4102444800, "2100-01-01T00:00:00Z", "Fri, 01 Jan 2100 00:00:00 GMT"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[CLOCK_TEXT_SIZE];
        int64_t back;
        clock_rfc3339(cases[i].wall_s, text);
        assert_string_equal(text, cases[i].rfc3339);
        assert_true(clock_parse_rfc3339(slice_of(text), &back));
        assert_true(back == cases[i].wall_s);
        clock_http_date(cases[i].wall_s, text);
        assert_string_equal(text, cases[i].http);
    }
}

static void times_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026-11-23",
        "2026-11-23T04:05:06",
        "2026-11-23T04:05:06+00:00",
        "2026-11-23T04:05:06Zx",
        " 2026-11-23T04:05:06Z",
        "2026-1-2T3:4:5Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T04:60:06Z",
        "2026-11-23T04:05:61Z",
        "2026-11-23t04:05:06z",
        "26-11-23T04:05:06Z",
        "2026-11-23 04:05:06Z",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t t;
        if (clock_parse_rfc3339(slice_of(bad[i]), &t))
            fail_msg("'%s' was accepted", bad[i]);
    }
}

static void clocks_go_forward(void **state)
{
    (void)state;
    uint64_t before = clock_mono_ms();
    assert_true(clock_mono_ms() >= before);
    int64_t s = clock_wall_s(), ms = clock_wall_ms();
    assert_true(ms / 1000 - s <= 1 && s > 1700000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc4648_hold),
        cmocka_unit_test(random_bytes_come_back_and_fit_exactly),
        cmocka_unit_test(malformed_texts_are_refused),
        cmocka_unit_test(guids_are_version_4_and_differ),
        cmocka_unit_test(a_guid_has_its_digits_in_small_letters_and_nothing_else_for_a_digit),
        cmocka_unit_test(random_numbers_stay_below_their_limit_and_reach_all_of_it),
        cmocka_unit_test(times_are_written_and_read_back),
        cmocka_unit_test(times_that_are_none_are_refused),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
