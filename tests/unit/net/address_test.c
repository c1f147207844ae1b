/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, hosts and URLs as people write them, the malformed ones too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/url.h"

static void numeric_addresses_are_read_and_written_back(void **state)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"127.0.0.1:443", "127.0.0.1:443"},
        {"[::1]:8443", "[::1]:8443"},
        {":443", "[::]:443"},
        {"443", "[::]:443"},
        {"0.0.0.0:0", "0.0.0.0:0"},
        {"[2001:DB8::0:1]:65535", "[2001:db8::1]:65535"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net_address a;
        struct error err = {OK, ""};
        char text[NET_ADDRESS_TEXT];
        if (net_address_parse(slice_of(cases[i].text), &a, &err) != OK)
            fail_msg("%s: %s", cases[i].text, err.text);
        net_address_format(&a, text);
        assert_string_equal(text, cases[i].written);
    }
}

static void what_is_no_numeric_address_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "localhost:443",
        "127.0.0.1",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:1x",
        "1.2.3:443",
        "[::1]",
        "[::1]443",
        "[::1",
        "::1:443",
        "[1.2.3.4]:443",
        "[]:443",
        "[::g]:1",
        "1.2.3.4:443:1",
        "1.2.3.4 :443",
        "[::1%eth0]:443",
        "x",
        "[::1]:",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net_address a;
        struct error err = {OK, ""};
        if (net_address_parse(slice_of(cases[i]), &a, &err) != R_INVALID)
            fail_msg("'%s' was accepted", cases[i]);
        assert_true(err.text[0] != '\0');
    }
}

static void an_address_tells_host_and_port_alone(void **state)
{
    (void)state;
    struct net_address a, none = {.len = 0};
    char text[NET_ADDRESS_TEXT];
    assert_int_equal(net_address_parse(SLICE("[::1]:77"), &a, NULL), OK);
    net_address_format_host(&a, text);
    assert_string_equal(text, "::1");
    assert_int_equal(net_address_port(&a), 77);
    net_address_format(&none, text);
    assert_string_equal(text, "unknown");
    assert_int_equal(net_address_port(&none), 0);
}

static void who_counts_as_one_is_an_ipv4_address_or_a_network_of_ipv6(void **state)
{
    static const struct {
        const char *at, *group;
    } cases[] = {
        {"192.0.2.7:443", "192.0.2.7"},
        {"[2001:db8:1:2:aaaa::1]:1", "2001:db8:1:2::/64"},
        {"[2001:db8:1:2:ffff:ffff:ffff:ffff]:2", "2001:db8:1:2::/64"},
        {"[2001:db8:1:3::1]:1", "2001:db8:1:3::/64"},
        {"[::ffff:192.0.2.7]:443", "192.0.2.7"}, /* not one network of all of IPv4 */
        {"[::ffff:c000:208]:443", "192.0.2.8"},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1", "ffff:ffff:ffff:ffff::/64"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net_address a;
        char text[NET_ADDRESS_TEXT];
        assert_int_equal(net_address_parse(slice_of(cases[i].at), &a, NULL), OK);
        net_address_format_group(&a, text);
        assert_string_equal(text, cases[i].group);
        net_address_format_host(&a, text);
        assert_string_equal(net_group_of(text).text, cases[i].group);
        assert_string_equal(net_group_of(cases[i].group).text, cases[i].group);
    }
}

static void hosts_come_with_or_without_a_port(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } cases[] = {
        {"a.example", "a.example", 443}, {"a.example:80", "a.example", 80}, {"1.2.3.4", "1.2.3.4", 443},
        {"[::1]", "::1", 443},           {"[::1]:80", "::1", 80},           {"under_score-1:0", "under_score-1", 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char host[NET_HOST_MAX];
        uint16_t port;
        assert_int_equal(net_host_parse(slice_of(cases[i].text), 443, host, &port, NULL), OK);
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

static void what_is_no_host_is_refused(void **state)
{
    static const char *const cases[] = {"",    ":80", "a b", "a/b", "a@b", "-a",      ".a",
                                        "::1", "[a]", "a:",  "a:x", "a\"", "\xc3\xa4"};
    char host[NET_HOST_MAX], longer[NET_HOST_MAX + 1];
    uint16_t port;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (net_host_parse(slice_of(cases[i]), 443, host, &port, NULL) == OK)
            fail_msg("'%s' was accepted", cases[i]);
    }
    memset(longer, 'a', sizeof longer);
    assert_int_not_equal(net_host_parse(slice_make(longer, NET_HOST_MAX), 1, host, &port, NULL), OK);
    assert_int_equal(net_host_parse(slice_make(longer, NET_HOST_MAX - 1), 1, host, &port, NULL), OK);
    assert_int_not_equal(net_host_parse(slice_make("a\0b", 3), 1, host, &port, NULL), OK);
}

static void addresses_of_this_machine_and_its_link_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum net_scope scope;
    } cases[] = {
        {"127.0.0.1:1", NET_SCOPE_LOOPBACK},
        {"127.9.8.7:1", NET_SCOPE_LOOPBACK},
        {"0.0.0.0:1", NET_SCOPE_LOOPBACK},
        {"[::1]:1", NET_SCOPE_LOOPBACK},
        {"[::]:1", NET_SCOPE_LOOPBACK},
        {"[::ffff:127.0.0.1]:1", NET_SCOPE_LOOPBACK},
        {"169.254.169.254:1", NET_SCOPE_LINK_LOCAL},
        {"[fe80::1]:1", NET_SCOPE_LINK_LOCAL},
        {"[::ffff:169.254.1.1]:1", NET_SCOPE_LINK_LOCAL},
        {"[::2]:1", NET_SCOPE_OTHER},
        {"[64:ff9b::127.0.0.1]:1", NET_SCOPE_LOOPBACK},
        {"[64:ff9b::a9fe:a9fe]:1", NET_SCOPE_LINK_LOCAL},
        {"[2002:7f00:1::1]:1", NET_SCOPE_LOOPBACK},
        {"[2002:a9fe:a9fe::]:1", NET_SCOPE_LINK_LOCAL},
        {"[64:ff9b::8.8.8.8]:1", NET_SCOPE_OTHER},
        {"[2002:808:808::1]:1", NET_SCOPE_OTHER},
        {"10.0.0.1:1", NET_SCOPE_OTHER},
        {"128.0.0.1:1", NET_SCOPE_OTHER},
        {"[2001:db8::1]:1", NET_SCOPE_OTHER},
        {"[::ffff:10.0.0.1]:1", NET_SCOPE_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net_address a;
        struct error err;
        assert_int_equal(net_address_parse(slice_of(cases[i].text), &a, &err), OK);
        if (net_address_scope(&a) != cases[i].scope)
            fail_msg("%s", cases[i].text);
    }
}

static void urls_are_scheme_host_port_and_path(void **state)
{
    struct net_url u;
    (void)state;
    assert_int_equal(net_url_parse(SLICE("https://a.example"), &u, NULL), OK);
    assert_string_equal(u.scheme, "https");
    assert_string_equal(u.host, "a.example");
    assert_string_equal(u.path, "/");
    assert_int_equal(u.port, 443);
    assert_int_equal(net_url_parse(SLICE("HTTP://[::1]:8080/x/y"), &u, NULL), OK);
    assert_string_equal(u.scheme, "http");
    assert_string_equal(u.host, "::1");
    assert_string_equal(u.path, "/x/y");
    assert_int_equal(u.port, 8080);
}

static void other_urls_are_refused(void **state)
{
    static const char *const cases[] = {"",           "ftp://a",    "https:/a",   "https://",      "https://u@a",
                                        "http://a?b", "http://a#b", "http://a b", "http://a\\b/c", "//a"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct net_url u;
        if (net_url_parse(slice_of(cases[i]), &u, NULL) == OK)
            fail_msg("'%s' was accepted", cases[i]);
    }
}

static void a_query_is_taken_where_it_may_be_and_names_no_host(void **state)
{
    static const char *const bad[] = {"http://a/?b#c", "http://a/?b c", "http://u@a/?b", "http://a\\b/?c",
                                      "http://?b@a/"};
    struct net_url u;
    (void)state;
    assert_int_equal(net_url_parse(SLICE("http://a/b?c"), &u, NULL), R_INVALID);
    assert_int_equal(net_url_parse_with_query(SLICE("http://a.example:81/b?cmd=crl&issuer=CN=x@y/?z"), &u, NULL), OK);
    assert_string_equal(u.host, "a.example");
    assert_string_equal(u.path, "/b");
    assert_int_equal(u.port, 81);
    assert_int_equal(net_url_parse_with_query(SLICE("http://a.example?@evil.example/"), &u, NULL), OK);
    assert_string_equal(u.host, "a.example");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(net_url_parse_with_query(slice_of(bad[i]), &u, NULL), R_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_taken_where_it_may_be_and_names_no_host),
        cmocka_unit_test(numeric_addresses_are_read_and_written_back),
        cmocka_unit_test(what_is_no_numeric_address_is_refused),
        cmocka_unit_test(an_address_tells_host_and_port_alone),
        cmocka_unit_test(who_counts_as_one_is_an_ipv4_address_or_a_network_of_ipv6),
        cmocka_unit_test(hosts_come_with_or_without_a_port),
        cmocka_unit_test(what_is_no_host_is_refused),
        cmocka_unit_test(addresses_of_this_machine_and_its_link_are_told_apart),
        cmocka_unit_test(urls_are_scheme_host_port_and_path),
        cmocka_unit_test(other_urls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
