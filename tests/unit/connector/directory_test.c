/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that can't even be asked: what is told, before anything is connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* It takes the connection and says nothing: not to a client that begins TLS, nor to one that binds. */
static void a_server_that_says_nothing_is_left_when_the_time_is_up(void **state UNUSED)
{
    static const char *const schemes[] = {"ldap", "ldaps"};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listener, 8), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        char url[64];
        struct error err;
        struct buf list;
        (void)snprintf(url, sizeof url, "%s://127.0.0.1:%d/cn=CA", schemes[i], ntohs(at.sin_port));
        const struct directory_question q = {.url = url, .whole_s = 1};
        buf_init(&list, 1024);
        assert_int_equal(directory_fetch(&q, &list, &err), R_TIMEOUT);
        buf_free(&list);
    }
    (void)close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_folder_that_takes_no_file_is_named_and_not_the_directory),
        cmocka_unit_test(a_url_of_another_kind_is_refused),
        cmocka_unit_test(a_server_that_says_nothing_is_left_when_the_time_is_up),
        cmocka_unit_test(a_url_without_a_host_is_nobody_s_where_no_directory_is_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
