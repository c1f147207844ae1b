/* SPDX-License-Identifier: Apache-2.0 */
/* A message to a server that means harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../web/tls_server.h"
#include "base/clock.h"
#include "notify/notify.h"

static void answer(void *arg, const struct tls_server_request *r, struct buf *ret)
{
    (void)arg, (void)r;
    assert_int_equal(buf_append_str(ret, "HTTP/1.1 204 No Content\r\n\r\n"), OK);
}

static void what_a_server_shows_is_not_read_when_that_takes_long(void **state UNUSED)
{
    const struct notify_message m = {.id = "1", .subject = "s", .text = "t", .json = "{}", .at = clock_wall_s()};
    struct error err;
    char url[64], told[NOTIFY_TOLD_SIZE];
    (void)signal(SIGPIPE, SIG_IGN);
    char *pem;
    struct tls_server *s = tls_server_start_self_signed(answer, NULL, &pem);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", tls_server_port(s));
    const struct notify_receiver to = {
        .kind = "webhook", .url = url, .ca_pem = pem, .auth = "none", .user = "", .secret = "", .from = "", .to = ""};
    assert_int_equal(notify_send(&to, &m, NULL, told, &err), OK);
    assert_string_equal(told, "204");
    tls_server_show_slow(s);
    assert_int_equal(notify_send(&to, &m, NULL, told, &err), R_DENIED);
    assert_non_null(strstr(err.text, "certificate 2 of those that the peer shows has a key on a curve of its own"));
    tls_server_end(s);
    free(pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_shows_is_not_read_when_that_takes_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
