/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy is shown: Basic, and what a program printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "net/proxy_login.h"

static void basic_is_as_rfc_7617_has_it(void **state)
{
    struct error err;
    char *value;
    (void)state;
    assert_int_equal(net_proxy_basic("Aladdin", SLICE("open sesame"), &value, &err), OK);
    assert_string_equal(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    free(value);
    assert_int_equal(net_proxy_basic("test", SLICE("123\xc2\xa3"), &value, &err), OK);
    assert_string_equal(value, "Basic dGVzdDoxMjPCow==");
    free(value);
}

static void what_basic_can_not_tell_is_refused(void **state)
{
    static char huge[2000];
    struct error err;
    char *value;
    (void)state;
    memset(huge, 'a', sizeof huge - 1);
    assert_int_equal(net_proxy_basic("a:b", SLICE("x"), &value, &err), R_INVALID);
    assert_int_equal(net_proxy_basic("a\nb", SLICE("x"), &value, &err), R_INVALID);
    assert_int_equal(net_proxy_basic("", SLICE("x"), &value, &err), R_INVALID);
    assert_int_equal(net_proxy_basic(huge, SLICE("x"), &value, &err), R_INVALID);
    assert_int_equal(net_proxy_basic("a", slice_of(huge), &value, &err), R_LIMIT);
}

static void a_program_prints_a_value_or_a_token_on_one_line(void **state)
{
    static const struct {
        const char *said, *value; /* NULL: refused */
    } rows[] = {
        {"Negotiate YII=\n", "Negotiate YII="},
        {"YII=\r\n\r\n", "Negotiate YII="},
        {"Bearer a.b.c", "Bearer a.b.c"},
        {"", NULL},
        {"\n", NULL},
        {" YII=", NULL},
        {"Negotiate a\nX-Evil: b\n", NULL},
        {"Negotiate \x1b[2J", NULL},
        {"Negotiate \xc3\xa9", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error err;
        char *value = NULL;
        enum result r = net_proxy_printed("/bin/ticket", slice_of(rows[i].said), &value, &err);
        assert_int_equal(r, rows[i].value ? OK : R_INVALID);
        if (rows[i].value)
            assert_string_equal(value, rows[i].value);
        else
            assert_non_null(strstr(err.text, "/bin/ticket"));
        free(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(basic_is_as_rfc_7617_has_it),
        cmocka_unit_test(what_basic_can_not_tell_is_refused),
        cmocka_unit_test(a_program_prints_a_value_or_a_token_on_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
