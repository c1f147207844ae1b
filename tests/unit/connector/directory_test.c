/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that can't even be asked: what is told, before anything is connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "connector/directory/directory.h"

static bool may_not(const void *arg UNUSED, const struct net_address *to UNUSED)
{
    return false;
}

static void a_state_folder_that_takes_no_file_is_named_and_not_the_directory(void **state UNUSED)
{
    const struct directory_question q = {.url = "ldaps://localhost:1/cn=CA,dc=lab",
                                         .ca_pem = "-----BEGIN CERTIFICATE-----\n",
                                         .folder = "/nonexistent",
                                         .may = may_not};
    struct error err;
    struct buf list;
    buf_init(&list, 1024);
    assert_int_equal(directory_fetch(&q, &list, &err), R_IO);
    assert_non_null(strstr(err.text, "can't be written into the connector's state folder"));
    buf_free(&list);
}

static void a_url_of_another_kind_is_refused(void **state UNUSED)
{
    const struct directory_question q = {.url = "https://localhost/", .may = may_not};
    struct error err;
    struct buf list;
    buf_init(&list, 1024);
    assert_int_equal(directory_fetch(&q, &list, &err), R_INVALID);
    assert_non_null(strstr(err.text, "RFC 4516"));
    buf_free(&list);
}

static void a_url_without_a_host_is_nobody_s_where_no_directory_is_configured(void **state UNUSED)
{
    static char bind[] = "none";
    const struct directory_settings none = {.bind = bind};
    const struct directory_settings *const settings[] = {NULL, &none};
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct directory_question q = {.url = "ldap:///cn=CA,dc=lab", .may = may_not, .settings = settings[i]};
        struct error err;
        struct buf list;
        buf_init(&list, 1024);
        assert_int_equal(directory_fetch(&q, &list, &err), R_NOTFOUND);
        assert_non_null(strstr(err.text, "set 'directory: {servers"));
        buf_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_folder_that_takes_no_file_is_named_and_not_the_directory),
        cmocka_unit_test(a_url_of_another_kind_is_refused),
        cmocka_unit_test(a_url_without_a_host_is_nobody_s_where_no_directory_is_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
