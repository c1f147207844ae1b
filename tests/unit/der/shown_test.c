/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate messages octet by octet: what is found in each form of them, and what is spoilt. */
#include "kit.h"

#include "der/shown.h"

static struct der good, slow;

static int make(void **state)
{
    (void)state;
    struct der key = der_key_info(EC_KEY, P256, BITS, PLAIN);
    good = der_certificate(&key);
    key = der_key_info(EC_KEY, P224, BITS, COMPRESSED);
    slow = der_certificate(&key);
    return 0;
}

/* --- messages --- */

/* A vector of this content behind a length of so many octets. */
static void add_vector(struct der *d, size_t octets, struct slice content)
{
    for (size_t i = octets; i-- > 0;) {
        unsigned char octet = (unsigned char)(content.len >> 8 * i);
        der_add(d, &octet, 1);
    }
    der_add(d, content.ptr, content.len);
}

/* RFC 5246 7.4.2, or RFC 8446 4.4.2 with a context and extensions; NULL ends the list. */
static struct der message_of(int version, const struct der *const *certificates)
{
    struct der list = {.len = 0}, m = {.len = 0};
    for (; *certificates; certificates++) {
        add_vector(&list, 3, slice_of_der(*certificates));
        if (version == TLS1_3_VERSION)
            add_vector(&list, 2, SLICE("xy"));
    }
    der_add(&m, "\x0b\0\0\0", 4);
    if (version == TLS1_3_VERSION)
        add_vector(&m, 1, SLICE("c"));
    add_vector(&m, 3, slice_of_der(&list));
    return m;
}
#define MESSAGE(version, ...) message_of(version, (const struct der *const[]){__VA_ARGS__, NULL})

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

/* Is it refused, and spoilt then, but for its header? *err tells. */
static bool is_stopped(int version, struct der *m, struct error *err)
{
    struct der was = *m;
    *err = (struct error){.code = OK};
    der_shown_stop_slow(version, m->at, m->len, err);
    assert_memory_equal(m->at, was.at, m->len < 4 ? m->len : 4);
    for (size_t i = 4; i < m->len; i++)
        assert_int_equal(m->at[i], err->code == OK ? was.at[i] : 0xff);
    assert_true(err->code == OK || err->code == R_DENIED);
    return err->code != OK;
}

static void certificates_are_counted_without_what_is_around_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct der two = MESSAGE(versions[i], &good, &slow), none = MESSAGE(versions[i], NULL);
        assert_int_equal(der_shown_len(versions[i], slice_of_der(&two)), good.len + slow.len);
        assert_int_equal(der_shown_len(versions[i], slice_of_der(&none)), 0);
    }
}

static void a_message_that_is_cut_off_anywhere_is_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct der m = MESSAGE(versions[i], &good, &good);
        for (size_t len = 0; len < m.len; len++)
            assert_true(der_shown_len(versions[i], slice_make(m.at, len)) == SIZE_MAX);
    }
}

static void what_lies_about_its_length_is_malformed(void **state)
{
    (void)state;
    struct der m = MESSAGE(TLS1_2_VERSION, &good);
    m.at[9]++; /* the certificate's, beyond the list */
    assert_true(der_shown_len(TLS1_2_VERSION, slice_of_der(&m)) == SIZE_MAX);
    m.at[9] -= 2; /* an octet is left, which is no length */
    assert_true(der_shown_len(TLS1_2_VERSION, slice_of_der(&m)) == SIZE_MAX);
}

static void a_slow_key_is_stopped_wherever_its_certificate_stands(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        struct error err;
        struct der first = MESSAGE(versions[i], &slow, &good), last = MESSAGE(versions[i], &good, &good, &slow),
                   fine = MESSAGE(versions[i], &good, &good);
        assert_true(is_stopped(versions[i], &first, &err));
        assert_non_null(strstr(err.text, "certificate 1 of those"));
        assert_true(is_stopped(versions[i], &last, &err));
        assert_non_null(strstr(err.text, "certificate 3 of those"));
        assert_false(is_stopped(versions[i], &fine, &err));
    }
}

/* OpenSSL reads a certificate of TLS 1.3 before the extensions behind it. */
static void a_slow_key_before_extensions_that_are_cut_is_stopped(void **state)
{
    (void)state;
    struct error err;
    struct der list = {.len = 0}, m = {.len = 0};
    add_vector(&list, 3, slice_of_der(&slow));
    der_add(&list, "\0\x09xy", 4);
    der_add(&m, "\x0b\0\0\0\0", 5);
    add_vector(&m, 3, slice_of_der(&list));
    assert_true(is_stopped(TLS1_3_VERSION, &m, &err));
}

static void what_openssl_refuses_before_it_reads_a_key_is_left_to_it(void **state)
{
    (void)state;
    struct error err;
    struct der m = MESSAGE(TLS1_2_VERSION, &slow), header = {.len = 0};
    m.at[6]++; /* a list that is longer than the message */
    assert_false(is_stopped(TLS1_2_VERSION, &m, &err));
    der_add(&header, "\x0b\0\0\0", 4);
    assert_false(is_stopped(TLS1_2_VERSION, &header, &err));
    assert_false(is_stopped(TLS1_3_VERSION, &header, &err));
}

/* RFC 8879: compressed, they would come in a message that is not looked at. */
static void certificates_come_once_and_in_one_kind_of_message(void **state)
{
    (void)state;
    struct error err;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    der_shown_guard(context, &err);
    uint64_t options = SSL_CTX_get_options(context);
    assert_true(options & SSL_OP_NO_RENEGOTIATION);
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
    assert_true(options & SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
#endif
    SSL_CTX_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_are_counted_without_what_is_around_them),
        cmocka_unit_test(a_message_that_is_cut_off_anywhere_is_malformed),
        cmocka_unit_test(what_lies_about_its_length_is_malformed),
        cmocka_unit_test(a_slow_key_is_stopped_wherever_its_certificate_stands),
        cmocka_unit_test(a_slow_key_before_extensions_that_are_cut_is_stopped),
        cmocka_unit_test(what_openssl_refuses_before_it_reads_a_key_is_left_to_it),
        cmocka_unit_test(certificates_come_once_and_in_one_kind_of_message),
    };
    return cmocka_run_group_tests(tests, make, NULL);
}
