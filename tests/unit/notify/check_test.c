/* SPDX-License-Identifier: Apache-2.0 */
/* Which receivers are taken: nothing that could become a line of its own, no secret over a line that others read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notify/notify.h"

static struct notify_receiver webhook(const char *url, const char *auth, const char *secret)
{
    return (struct notify_receiver){
        .kind = "webhook", .url = url, .ca_pem = "", .auth = auth, .user = "", .secret = secret, .from = "", .to = ""};
}

static struct notify_receiver mail(const char *url, const char *from, const char *to)
{
    return (struct notify_receiver){
        .kind = "mail", .url = url, .ca_pem = "", .auth = "none", .user = "", .secret = "", .from = from, .to = to};
}

static enum result check(struct notify_receiver r)
{
    struct error err;
    return notify_check(&r, &err);
}

static void a_webhook_is_https_but_to_this_machine(void **state UNUSED)
{
    assert_int_equal(check(webhook("https://chat.example/x?k=1", "none", "")), OK);
    assert_int_equal(check(webhook("http://localhost:8080/x", "none", "")), OK);
    assert_int_equal(check(webhook("http://127.0.0.2/x", "none", "")), OK);
    assert_int_equal(check(webhook("http://chat.example/x", "none", "")), R_INVALID);
    assert_int_equal(check(webhook("http://127.chat.example/x", "bearer", "x")), R_INVALID);
    assert_int_equal(check(webhook("file:///etc/passwd", "none", "")), R_INVALID);
    assert_int_equal(check(webhook("https://a@chat.example/", "none", "")), R_INVALID);
    assert_int_equal(check(webhook("", "none", "")), R_INVALID);
}

static void a_secret_goes_with_its_way_and_holds_no_line_break(void **state UNUSED)
{
    assert_int_equal(check(webhook("https://h/", "bearer", "x")), OK);
    assert_int_equal(check(webhook("https://h/", "hmac", "x")), OK);
    assert_int_equal(check(webhook("https://h/", "none", "x")), R_INVALID);
    assert_int_equal(check(webhook("https://h/", "bearer", "")), R_INVALID);
    assert_int_equal(check(webhook("https://h/", "login", "x")), R_INVALID);
    assert_int_equal(check(webhook("https://h/", "bearer", "x\r\nX: y")), R_INVALID);
}

static void addresses_are_one_name_and_one_host_each(void **state UNUSED)
{
    static const char *const bad[] = {"",        "a",    "@h",    "a@",        "a@h\r\nBcc: b@h",
                                      "a@h,b@h", "a@b@", "<a@h>", "\"a b\"@h", "a@h\tb@h"};
    assert_int_equal(check(mail("smtp://mx.example:587", "a@h", "b@h c.d+e@h.example")), OK);
    assert_int_equal(check(mail("smtps://[::1]", "a@h", "b@h")), OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(check(mail("smtp://mx", bad[i], "b@h")), R_INVALID);
        assert_int_equal(check(mail("smtp://mx", "a@h", bad[i])), R_INVALID);
    }
}

static void a_mail_server_is_named_and_nothing_else(void **state UNUSED)
{
    static const char *const bad[] = {"", "mx", "http://mx", "smtp://", "smtp://mx/x", "smtp://u:p@mx", "smtp://mx?x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(check(mail(bad[i], "a@h", "b@h")), R_INVALID);
}

static void a_login_goes_over_tls_but_to_this_machine(void **state UNUSED)
{
    struct notify_receiver r = mail("smtp://mx.example", "a@h", "b@h");
    r.auth = "login";
    r.user = "u";
    r.secret = "p";
    assert_int_equal(check(r), OK);
    r.plain = true;
    assert_int_equal(check(r), R_INVALID);
    r.url = "smtp://127.0.0.1:2525";
    assert_int_equal(check(r), OK);
    r.url = "smtps://127.0.0.1";
    assert_int_equal(check(r), R_INVALID);
    r.url = "smtp://mx.example";
    r.auth = "none";
    r.user = r.secret = "";
    assert_int_equal(check(r), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_webhook_is_https_but_to_this_machine),
        cmocka_unit_test(a_secret_goes_with_its_way_and_holds_no_line_break),
        cmocka_unit_test(addresses_are_one_name_and_one_host_each),
        cmocka_unit_test(a_mail_server_is_named_and_nothing_else),
        cmocka_unit_test(a_login_goes_over_tls_but_to_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
