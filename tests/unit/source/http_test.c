/* SPDX-License-Identifier: Apache-2.0 */
/* One transfer from a server that means harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "../web/tls_server.h"
#include "source/http.h"

static void answer(void *arg, const struct tls_server_request *r, struct buf *ret)
{
    (void)arg, (void)r;
    assert_int_equal(buf_append_str(ret, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), OK);
}

static void what_a_server_shows_is_not_read_when_that_takes_long(void **state)
{
    struct buf body;
    struct error err;
    char url[64];
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    char *pem;
    struct tls_server *s = tls_server_start_self_signed(answer, NULL, &pem);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", tls_server_port(s));
    buf_init(&body, 1024);
    assert_int_equal(source_http(&(struct source_http){.url = url, .ca_pem = pem}, &body, &err), OK);
    assert_true(slice_eq(buf_data(&body), SLICE("ok")));
    tls_server_show_slow(s);
    assert_int_equal(source_http(&(struct source_http){.url = url, .ca_pem = pem}, &body, &err), R_DENIED);
    assert_non_null(strstr(err.text, "certificate 2 of those that the peer shows has a key on a curve of its own"));
    buf_free(&body);
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
