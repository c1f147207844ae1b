/* SPDX-License-Identifier: Apache-2.0 */
/* One element after the other: each bound, each form that is not DER, and the good ones as OpenSSL decodes them. */
#include "kit.h"

#include <openssl/err.h>

#define BYTES(text) slice_make(text, sizeof(text) - 1)

static bool is_cut(struct slice bytes)
{
    struct tlv t;
    return tlv_next(&bytes, &t);
}

static void an_element_is_cut_from_the_front_and_the_rest_stays(void **state)
{
    struct slice rest = BYTES("\x02\x01\x05\x04\x02\x61\x62");
    struct tlv t;
    (void)state;
    assert_true(tlv_next(&rest, &t));
    assert_int_equal(t.tag, V_ASN1_INTEGER);
    assert_int_equal(t.class, V_ASN1_UNIVERSAL);
    assert_true(slice_eq(t.whole, BYTES("\x02\x01\x05")));
    assert_true(slice_eq(t.content, BYTES("\x05")));
    assert_true(slice_eq(rest, BYTES("\x04\x02\x61\x62")));
    assert_true(tlv_next(&rest, &t));
    assert_true(slice_eq(t.content, BYTES("ab")));
    assert_int_equal(rest.len, 0);
    assert_false(tlv_next(&rest, &t));
}

/* Who talks TLS asks OpenSSL's queue what failed. */
static void the_end_of_a_walk_is_no_error_of_openssls(void **state)
{
    (void)state;
    ERR_clear_error();
    assert_false(is_cut(SLICE_NONE));
    assert_int_equal(ERR_peek_error(), 0);
}

static void an_empty_element_is_one(void **state)
{
    struct slice rest = BYTES("\x05\x00");
    struct tlv t;
    (void)state;
    assert_true(tlv_take(&rest, V_ASN1_NULL, &t));
    assert_int_equal(t.content.len, 0);
    assert_int_equal(t.whole.len, 2);
    assert_int_equal(rest.len, 0);
}

static void what_could_not_be_cut_takes_nothing_away(void **state)
{
    struct slice rest = BYTES("\x04\x05zz");
    struct tlv t;
    (void)state;
    assert_false(tlv_next(&rest, &t));
    assert_true(slice_eq(rest, BYTES("\x04\x05zz")));
}

/* Each length at which the head grows by an octet, whole and cut off by one. */
static void a_length_at_any_bound_is_read_and_one_octet_less_is_too_little(void **state)
{
    static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 4000};
    static const size_t heads[] = {2, 2, 2, 3, 3, 4, 4};
    static const char content[4000];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct der d = {.len = 0};
        struct tlv t;
        der_element(&d, OCTETS, slice_make(content, lengths[i]));
        assert_int_equal(d.len, heads[i] + lengths[i]);
        struct slice rest = slice_of_der(&d);
        assert_true(tlv_next(&rest, &t));
        assert_int_equal(t.content.len, lengths[i]);
        assert_ptr_equal(t.content.ptr, (const char *)d.at + heads[i]);
        assert_int_equal(t.whole.len, d.len);
        assert_false(is_cut(slice_make(d.at, d.len - 1)));
    }
}

static void a_length_that_is_indefinite_or_beyond_the_end_is_none(void **state)
{
    (void)state;
    static const struct slice cases[] = {
        {"", 0},
        {"\x04", 1},                                      /* no length */
        {"\x30\x80\x00\x00", 4},                          /* indefinite */
        {"\x04\x80\x00\x00", 4},                          /* and of no parts */
        {"\x04\x01", 2},                                  /* one octet short */
        {"\x04\x81", 2},                                  /* a length of an octet that is not there */
        {"\x04\x82\x01", 3},                              /* of two, one of which is there */
        {"\x04\x84\x7f\xff\xff\xff\x00", 7},              /* 2 GB */
        {"\x04\x84\xff\xff\xff\xff", 6},                  /* a sign, for who has one */
        {"\x04\x88\x7f\xff\xff\xff\xff\xff\xff\xff", 10}, /* the most that a long holds */
        {"\x04\x88\xff\xff\xff\xff\xff\xff\xff\xff", 10}, /* more */
        {"\x04\x89\x01\x00\x00\x00\x00\x00\x00\x00\x00", 11},
        {"\x04\xff\x01", 3}, /* reserved (X.690 8.1.3.5) */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (is_cut(cases[i]))
            fail_msg("case %zu", i);
    }
}

/* X.690 10.1: as few octets as it needs. */
static void a_length_in_more_octets_than_it_needs_is_not_der(void **state)
{
    (void)state;
    static const struct slice cases[] = {
        {"\x04\x81\x01z", 4}, {"\x04\x82\x00\x01z", 5}, {"\x04\x84\x00\x00\x00\x01z", 7}, {"\x04\x81\x00", 3}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (is_cut(cases[i]))
            fail_msg("case %zu", i);
    }
}

/* X.690 10.2, 8.9, 8.11: strings are whole, and what has parts is made of parts. */
static void a_string_in_parts_and_a_sequence_without_are_not_der(void **state)
{
    (void)state;
    static const int kinds[] = {V_ASN1_INTEGER,    V_ASN1_BIT_STRING, V_ASN1_OCTET_STRING,
                                V_ASN1_OBJECT,     V_ASN1_UTF8STRING, V_ASN1_UTCTIME,
                                V_ASN1_ENUMERATED, V_ASN1_BOOLEAN,    V_ASN1_GENERALIZEDTIME};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char whole[] = {(char)kinds[i], 2, 0, 0}, parts[] = {(char)(kinds[i] | V_ASN1_CONSTRUCTED), 2, 5, 0};
        assert_true(is_cut(slice_make(whole, sizeof whole)));
        assert_false(is_cut(slice_make(parts, sizeof parts)));
    }
    assert_true(is_cut(BYTES("\x30\x00")));
    assert_true(is_cut(BYTES("\x31\x00")));
    assert_false(is_cut(BYTES("\x10\x00")));
    assert_false(is_cut(BYTES("\x11\x00")));
}

static void a_tag_of_a_context_has_parts_or_none(void **state)
{
    struct slice whole = BYTES("\x80\x01z"), parts = BYTES("\xa3\x02\x05\x00");
    struct tlv t;
    (void)state;
    assert_true(tlv_next(&whole, &t));
    assert_int_equal(t.class, V_ASN1_CONTEXT_SPECIFIC);
    assert_int_equal(t.tag, 0);
    assert_true(tlv_next(&parts, &t));
    assert_int_equal(t.class, V_ASN1_CONTEXT_SPECIFIC);
    assert_int_equal(t.tag, 3);
    assert_true(slice_eq(t.content, BYTES("\x05\x00")));
}

static void a_large_tag_is_read_and_one_that_does_not_end_is_none(void **state)
{
    struct slice large = BYTES("\x9f\x81\x00\x01z");
    struct tlv t;
    (void)state;
    assert_true(tlv_next(&large, &t));
    assert_int_equal(t.tag, 128);
    assert_int_equal(t.content.len, 1);
    assert_false(is_cut(BYTES("\x1f")));
    assert_false(is_cut(BYTES("\x1f\x81")));
    assert_false(is_cut(BYTES("\x1f\x81\x00")));
    assert_false(is_cut(BYTES("\x9f\xff\xff\xff\xff\xff\x7f\x00"))); /* more than an int */
    assert_false(is_cut(BYTES("\x9f\x03\x00")));                     /* it has a shorter form (X.690 8.1.2.2) */
}

static void an_element_of_another_tag_or_class_is_not_taken(void **state)
{
    struct slice octets = BYTES("\x04\x00"), context = BYTES("\x82\x00");
    struct tlv t;
    (void)state;
    assert_false(tlv_take(&octets, V_ASN1_INTEGER, &t));
    assert_false(tlv_take(&context, V_ASN1_INTEGER, &t)); /* [2] is no INTEGER */
}

static void times_are_of_two_kinds(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        bool is_time;
    } cases[] = {{{"\x17\x00", 2}, true}, {{"\x18\x00", 2}, true}, {{"\x16\x00", 2}, false}, {{"\x97\x00", 2}, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct slice rest = cases[i].bytes;
        struct tlv t;
        assert_true(tlv_next(&rest, &t));
        assert_int_equal(tlv_is_time(&t), cases[i].is_time);
    }
}

/* Whatever is cut here, OpenSSL decodes to an element that ends at the same place. */
static void where_an_element_ends_is_where_openssl_says(void **state)
{
    (void)state;
    for (int first = 0; first < 256; first++) {
        for (int length = 0; length < 256; length++) {
            const unsigned char bytes[] = {(unsigned char)first, (unsigned char)length, 2, 1, 7, 2, 1, 7};
            struct slice rest = slice_make(bytes, sizeof bytes);
            struct tlv t;
            if (!tlv_next(&rest, &t) || t.class != V_ASN1_UNIVERSAL || t.tag == V_ASN1_EOC)
                continue;
            const unsigned char *at = bytes;
            ASN1_TYPE *type = d2i_ASN1_TYPE(NULL, &at, sizeof bytes);
            if (type && (size_t)(at - bytes) != t.whole.len)
                fail_msg("%02x %02x: %td octets, not %zu", (unsigned)first, (unsigned)length, at - bytes, t.whole.len);
            ASN1_TYPE_free(type);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_element_is_cut_from_the_front_and_the_rest_stays),
        cmocka_unit_test(the_end_of_a_walk_is_no_error_of_openssls),
        cmocka_unit_test(an_empty_element_is_one),
        cmocka_unit_test(what_could_not_be_cut_takes_nothing_away),
        cmocka_unit_test(a_length_at_any_bound_is_read_and_one_octet_less_is_too_little),
        cmocka_unit_test(a_length_that_is_indefinite_or_beyond_the_end_is_none),
        cmocka_unit_test(a_length_in_more_octets_than_it_needs_is_not_der),
        cmocka_unit_test(a_string_in_parts_and_a_sequence_without_are_not_der),
        cmocka_unit_test(a_tag_of_a_context_has_parts_or_none),
        cmocka_unit_test(a_large_tag_is_read_and_one_that_does_not_end_is_none),
        cmocka_unit_test(an_element_of_another_tag_or_class_is_not_taken),
        cmocka_unit_test(times_are_of_two_kinds),
        cmocka_unit_test(where_an_element_ends_is_where_openssl_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
