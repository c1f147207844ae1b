/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy is meant, and for whom it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/proxy.h"

static void a_proxy_is_read_with_its_login_and_without(void **state)
{
    static const struct {
        const char *url, *host, *user, *password;
        uint16_t port;
    } good[] = {
        {"http://proxy.example:3128", "proxy.example", "", "", 3128},
        {"http://proxy.example:3128/", "proxy.example", "", "", 3128},
        {"HTTP://proxy.example", "proxy.example", "", "", NET_PROXY_PORT},
        {"proxy.example:8080", "proxy.example", "", "", 8080},
        {"http://[2001:db8::1]:3128", "2001:db8::1", "", "", 3128},
        {"http://cmg:secret@proxy.example:3128", "proxy.example", "cmg", "secret", 3128},
        {"http://cmg:a%40b%3Ac@proxy.example:3128", "proxy.example", "cmg", "a@b:c", 3128},
        {"http://cmg:a@b@proxy.example:3128", "proxy.example", "cmg", "a@b", 3128},
        {"cmg@proxy.example:3128", "proxy.example", "cmg", "", 3128},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct net_proxy p;
        struct error err;
        if (net_proxy_parse(slice_of(good[i].url), &p, &err) != OK)
            fail_msg("%s: %s", good[i].url, err.text);
        assert_string_equal(p.host, good[i].host);
        assert_string_equal(p.user, good[i].user);
        assert_string_equal(p.password, good[i].password);
        assert_int_equal(p.port, good[i].port);
    }
}

static void what_is_no_http_proxy_is_told_without_its_password(void **state)
{
    static const char *const bad[] = {"https://proxy:3128",
                                      "socks5://secret@proxy:1080",
                                      "http://",
                                      "",
                                      "http://proxy:0",
                                      "http://proxy:70000",
                                      "http://proxy:3128/path",
                                      "http://cmg:secret%zz@proxy:3128",
                                      "http://cmg:secret%00@proxy:3128",
                                      "http://cmg:secret%0d%0aX: y@proxy:3128",
                                      "http://proxy:3128?secret"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct net_proxy p;
        struct error err;
        if (net_proxy_parse(slice_of(bad[i]), &p, &err) == OK)
            fail_msg("'%s' was taken", bad[i]);
        assert_true(strlen(err.text) > 0);
        if (slice_find(slice_of(bad[i]), '@') != SIZE_MAX)
            assert_null(strstr(err.text, "secret"));
    }
}

static void a_list_exempts_hosts_domains_and_networks(void **state)
{
    static const struct {
        const char *list, *host;
        bool exempt;
    } rows[] = {
        {"", "gw.example", false},
        {"*", "gw.example", true},
        {"gw.example", "gw.example", true},
        {"gw.example", "GW.Example", true},
        {"gw.example.", "gw.example", true},
        {"gw.example", "gw.example.", true},
        {"example", "gw.example", true},
        {".example", "gw.example", true},
        {".example", "example", true},
        {"ample", "gw.example", false},
        {"w.example", "gw.example", false},
        {"gw.example.org", "gw.example", false},
        {"a, gw.example ,b", "gw.example", true},
        {"a gw.example b", "gw.example", true},
        {",,", "gw.example", false},
        {".", "gw.example", false},
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "11.1.2.3", false},
        {"10.1.2.3", "10.1.2.3", true},
        {"2.3", "10.1.2.3", false}, /* an address is no name with domains */
        {"2001:db8::/32", "2001:db8::7", true},
        {"[2001:db8::7]", "2001:db8:0::7", true},
        {"2001:db8::7", "2001:db8::8", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (net_no_proxy_has(rows[i].list, rows[i].host) != rows[i].exempt)
            fail_msg("'%s', host %s", rows[i].list, rows[i].host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_is_read_with_its_login_and_without),
        cmocka_unit_test(what_is_no_http_proxy_is_told_without_its_password),
        cmocka_unit_test(a_list_exempts_hosts_domains_and_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
