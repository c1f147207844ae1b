/* SPDX-License-Identifier: Apache-2.0 */
/* A list that was fetched: which may take the place of the one in use, which may not and why; and how old lists are
 * compared and told. */
#include <openssl/pem.h>

#include "world.h"

#include "pki/list/info.h"
#include "pki/list/news.h"
#include "pki/list/read.h"

static int setup(void **state)
{
    (void)state;
    make_world();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    drop_world();
    return 0;
}

/* A trust in the root, with this list in use where one is given. */
static struct pki_trust *trust_with(struct slice list)
{
    struct pki_trust *t = pki_trust_new(&checked_options);
    add_anchor(t, root.cert);
    if (list.ptr)
        assert_int_equal(pki_trust_add_crl(t, list, NULL), OK);
    free(seal(t));
    return t;
}

struct answer {
    enum result result;
    struct pki_crl_news news;
    struct error err;
};

/* Frees both. */
static struct answer check_between(struct slice present, struct slice fresh)
{
    struct answer a = {.err = {.text = ""}};
    struct pki_trust *t = trust_with(present);
    a.result = pki_trust_check_crl(t, fresh, present, NOW, &a.news, &a.err);
    pki_trust_unref(t);
    free((void *)(uintptr_t)present.ptr);
    free((void *)(uintptr_t)fresh.ptr);
    return a;
}

static struct answer check(struct slice fresh)
{
    return check_between(SLICE_NONE, fresh);
}

/* --- what may come --- */

static void a_list_of_the_anchor_s_is_taken_with_its_number_and_its_end(void **state)
{
    (void)state;
    struct answer a = check(MAKE_CRL(.issuer = &root, .number = "258", .to = NOW + 5 * DAY));
    assert_int_equal(a.result, OK);
    assert_false(a.news.unchanged);
    assert_int_equal(a.news.list.next_update, NOW + 5 * DAY);
    assert_string_equal(a.news.list.age.number, "0102");
    assert_string_equal(a.news.list.issuer, "CN=Root");
    assert_string_equal(a.news.list.scope, "all certificates");
    assert_false(a.news.list.delta);
}

static void a_list_of_nobody_here_is_not(void **state)
{
    struct pair other = MAKE(.cn = "Other", .ca = true);
    (void)state;
    assert_int_not_equal(check(MAKE_CRL(.issuer = &other)).result, OK);
    drop(&other);
}

static void a_list_that_another_key_signed_in_the_anchor_s_name_is_not(void **state)
{
    struct pair namesake = MAKE(.cn = "Root", .ca = true);
    (void)state;
    struct answer a = check(MAKE_CRL(.issuer = &namesake));
    assert_int_equal(a.result, R_DENIED);
    assert_string_not_equal(a.err.text, "");
    drop(&namesake);
}

static void a_list_that_has_ended_is_taken_for_what_it_revokes_and_one_that_has_not_begun_is_not(void **state)
{
    (void)state;
    assert_int_equal(check(MAKE_CRL(.issuer = &root, .from = NOW - 3 * DAY, .to = NOW - DAY)).result, OK);
    assert_int_not_equal(check(MAKE_CRL(.issuer = &root, .from = NOW + DAY, .to = NOW + 3 * DAY)).result, OK);
}

static void the_very_list_that_is_in_use_is_no_news(void **state)
{
    (void)state;
    struct slice one = MAKE_CRL(.issuer = &root);
    char *same = slice_dup(one);
    struct answer a = check_between(one, slice_make(same, one.len));
    assert_int_equal(a.result, OK);
    assert_true(a.news.unchanged);
}

static void an_older_list_takes_no_newer_one_s_place(void **state)
{
    (void)state;
    struct answer a = check_between(MAKE_CRL(.issuer = &root, .number = "5", .from = NOW - 3600),
                                    MAKE_CRL(.issuer = &root, .number = "6", .from = NOW - 7200));
    assert_int_equal(a.result, R_DENIED); /* an earlier thisUpdate */
    a = check_between(MAKE_CRL(.issuer = &root, .number = "5", .from = NOW - 7200),
                      MAKE_CRL(.issuer = &root, .number = "4", .from = NOW - 3600));
    assert_int_equal(a.result, R_DENIED); /* a lower number */
    a = check_between(MAKE_CRL(.issuer = &root, .number = "5", .from = NOW - 7200),
                      MAKE_CRL(.issuer = &root, .number = "6", .from = NOW - 3600));
    assert_int_equal(a.result, OK);
}

/* --- ages --- */

static struct pki_list_age age(int64_t this_update, const char *number)
{
    struct pki_list_age a = {.this_update = this_update};
    (void)snprintf(a.number, sizeof a.number, "%s", number);
    return a;
}

static void a_list_is_older_by_its_time_or_by_its_number(void **state)
{
    static const struct {
        int64_t fresh, present;
        const char *number, *of_present;
        bool older;
    } cases[] = {
        {10, 10, "05", "05", false},  {9, 10, "05", "05", true},   {10, 9, "05", "05", false},
        {10, 10, "04", "05", true},   {10, 10, "06", "05", false}, {10, 10, "0100", "ff", false},
        {10, 10, "ff", "0100", true}, {11, 10, "04", "05", true},  {10, 10, "", "05", false},
        {10, 10, "05", "", false},    {9, 10, "", "", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pki_list_age fresh = age(cases[i].fresh, cases[i].number),
                            present = age(cases[i].present, cases[i].of_present);
        struct error err = {.text = ""};
        if (pki_list_is_older(&fresh, &present) != cases[i].older)
            fail_msg("case %zu", i);
        assert_int_equal(pki_list_not_older(&fresh, &present, "one in use", &err), cases[i].older ? R_DENIED : OK);
        if (cases[i].older)
            assert_says(err.text, "one in use");
    }
}

static void a_number_is_compared_by_its_value_and_not_as_text(void **state)
{
    struct pki_list_age a = age(0, "0100"), b = age(0, "ff");
    (void)state;
    assert_true(pki_list_number_above(&a, &b));
    assert_false(pki_list_number_above(&b, &a));
    assert_false(pki_list_number_above(&a, &a));
}

static void a_number_is_told_in_decimal_however_long_it_is(void **state)
{
    char text[PKI_LIST_NUMBER_TEXT];
    (void)state;
    pki_list_number_text("0102", text);
    assert_string_equal(text, "258");
    pki_list_number_text("00", text);
    assert_string_equal(text, "0");
    pki_list_number_text("", text);
    assert_string_equal(text, "none");
    char longest[HEX_SIZE(PKI_LIST_NUMBER_MAX)];
    memset(longest, 'f', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    pki_list_number_text(longest, text);
    assert_int_equal(strlen(text), 75);
    assert_says(text, "452312848583266388373324160190187140051835877600158453279131187530910662655");
}

/* --- places --- */

static void lists_of_one_place_have_issuer_key_and_scope_in_common(void **state)
{
    (void)state;
    struct pair renewed = MAKE(.cn = "Root", .ca = true);
    struct answer one = check(MAKE_CRL(.issuer = &root, .number = "1")),
                  two = check(MAKE_CRL(.issuer = &root, .number = "2"));
    assert_memory_equal(one.news.list.place, two.news.list.place, PKI_SHA256);
    struct pki_trust *t = pki_trust_new(&checked_options);
    struct pki_crl_news other;
    struct error err = {.text = ""};
    struct slice der = MAKE_CRL(.issuer = &renewed);
    add_anchor(t, renewed.cert);
    free(seal(t));
    assert_int_equal(pki_trust_check_crl(t, der, SLICE_NONE, NOW, &other, &err), OK);
    assert_memory_not_equal(one.news.list.place, other.list.place, PKI_SHA256);
    free((void *)(uintptr_t)der.ptr);
    pki_trust_unref(t);
    drop(&renewed);
}

/* --- reading --- */

static char *pem_of(struct slice der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    BIO *out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509_CRL(out, crl), 1);
    char *text, *ret;
    long len = BIO_get_mem_data(out, &text);
    ret = slice_dup(slice_make(text, (size_t)len));
    BIO_free(out);
    X509_CRL_free(crl);
    return ret;
}

static void a_list_is_read_as_der_and_as_pem(void **state)
{
    struct error err = {.text = ""};
    char *der;
    size_t len;
    (void)state;
    struct slice one = MAKE_CRL(.issuer = &root);
    char *pem = pem_of(one);
    assert_int_equal(pki_crl_to_der(one, &der, &len, &err), OK);
    assert_int_equal(len, one.len);
    free(der);
    assert_int_equal(pki_crl_to_der(slice_of(pem), &der, &len, &err), OK);
    assert_int_equal(len, one.len);
    assert_memory_equal(der, one.ptr, len);
    free(der);
    free(pem);
    free((void *)(uintptr_t)one.ptr);
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const texts[] = {"", "nonsense",
                                        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    struct error err = {.text = ""};
    char *der;
    size_t len;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(pki_crl_to_der(slice_of(texts[i]), &der, &len, &err), R_INVALID);
}

static void many_lists_of_one_file_are_read_up_to_a_maximum(void **state)
{
    struct error err = {.text = ""};
    struct slice *list;
    size_t count;
    (void)state;
    struct slice one = MAKE_CRL(.issuer = &root);
    char *pem = pem_of(one), *two = malloc(2 * strlen(pem) + 1);
    (void)snprintf(two, 2 * strlen(pem) + 1, "%s%s", pem, pem);
    assert_int_equal(pki_crls_read(slice_of(two), 2, &list, &count, &err), OK);
    assert_int_equal(count, 2);
    assert_true(slice_eq(list[0], one) && slice_eq(list[1], one));
    pki_crls_free(list, count);
    assert_int_equal(pki_crls_read(slice_of(two), 1, &list, &count, &err), R_LIMIT);
    assert_int_equal(pki_crls_read(SLICE("none"), 2, &list, &count, &err), R_INVALID);
    free(two);
    free(pem);
    free((void *)(uintptr_t)one.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_the_anchor_s_is_taken_with_its_number_and_its_end),
        cmocka_unit_test(a_list_of_nobody_here_is_not),
        cmocka_unit_test(a_list_that_another_key_signed_in_the_anchor_s_name_is_not),
        cmocka_unit_test(a_list_that_has_ended_is_taken_for_what_it_revokes_and_one_that_has_not_begun_is_not),
        cmocka_unit_test(the_very_list_that_is_in_use_is_no_news),
        cmocka_unit_test(an_older_list_takes_no_newer_one_s_place),
        cmocka_unit_test(a_list_is_older_by_its_time_or_by_its_number),
        cmocka_unit_test(a_number_is_compared_by_its_value_and_not_as_text),
        cmocka_unit_test(a_number_is_told_in_decimal_however_long_it_is),
        cmocka_unit_test(lists_of_one_place_have_issuer_key_and_scope_in_common),
        cmocka_unit_test(a_list_is_read_as_der_and_as_pem),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(many_lists_of_one_file_are_read_up_to_a_maximum),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
