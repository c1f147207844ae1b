/* SPDX-License-Identifier: Apache-2.0 */
/* CMGFQDNs: what it may say and what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "client/state/fqdns.h"

static struct client_fqdns parse(const char *text)
{
    struct client_fqdns ret;
    struct error err;
    if (client_fqdns_parse(slice_of(text), &ret, &err) != OK)
        fail_msg("'%s': %s", text, err.text);
    return ret;
}

static void a_bare_name_means_port_443_and_no_role(void **state)
{
    (void)state;
    struct client_fqdns f = parse("gw.example.com");
    assert_int_equal(f.count, 1);
    assert_string_equal(f.items[0].host, "gw.example.com");
    assert_int_equal(f.items[0].port, 443);
    assert_string_equal(f.items[0].role, "");
}

static void several_gateways_keep_their_order_and_their_roles(void **state)
{
    (void)state;
    struct client_fqdns f = parse(
        " a.example:8443/CCM_Proxy_MutualAuth/72057594037927938 ;; b.example/ccm_proxy_mutualauth/mp-2; [::1]:444;");
    assert_int_equal(f.count, 3);
    assert_string_equal(f.items[0].role, "72057594037927938");
    assert_int_equal(f.items[0].port, 8443);
    assert_string_equal(f.items[1].host, "b.example");
    assert_string_equal(f.items[1].role, "mp-2");
    assert_string_equal(f.items[2].host, "::1");
    assert_int_equal(f.items[2].port, 444);
}

static void an_authority_is_written_as_in_a_url(void **state)
{
    (void)state;
    struct client_fqdns f = parse("[fe80::1];127.0.0.1:9443");
    char text[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(&f.items[0], text);
    assert_string_equal(text, "[fe80::1]:443");
    client_fqdn_authority(&f.items[1], text);
    assert_string_equal(text, "127.0.0.1:9443");
}

static void malformed_items_are_refused_and_named(void **state)
{
    static const char *const bad[] = {"https://gw.example",
                                      "gw.example:0",
                                      "gw.example:65536",
                                      "gw.example:",
                                      "gw.example:443x",
                                      "gw.example/",
                                      "gw.example/CCM_Proxy_MutualAuth",
                                      "gw.example/CCM_Proxy_MutualAuth/",
                                      "gw.example/CCM_Proxy_MutualAuth/a/b",
                                      "gw.example/CCM_Proxy_MutualAuth/a?b",
                                      "gw.example/Other/1",
                                      "gw example",
                                      "user@gw.example",
                                      "-gw.example",
                                      "[::1",
                                      "[::1]x",
                                      "[gw\r\nHost: x]",
                                      ":443"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct client_fqdns f;
        struct error err;
        if (client_fqdns_parse(slice_of(bad[i]), &f, &err) != R_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.text, "'"));
    }
}

static void more_gateways_than_the_maximum_are_refused(void **state)
{
    char text[CLIENT_FQDNS_MAX * 2 + 3];
    struct client_fqdns f;
    struct error err;
    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 2 ? ';' : 'a';
    text[sizeof text - 1] = '\0';
    assert_int_equal(client_fqdns_parse(slice_of(text), &f, &err), R_LIMIT);
}

static void a_name_or_role_that_is_too_long_is_refused(void **state)
{
    char host[300], role[120];
    struct client_fqdns f;
    struct error err;
    (void)state;
    memset(host, 'a', sizeof host);
    assert_int_equal(client_fqdns_parse(slice_make(host, sizeof host), &f, &err), R_INVALID);
    (void)snprintf(role, sizeof role, "gw/CCM_Proxy_MutualAuth/%.41s", host);
    assert_int_equal(client_fqdns_parse(slice_of(role), &f, &err), R_INVALID);
    (void)snprintf(role, sizeof role, "gw/CCM_Proxy_MutualAuth/%.40s", host);
    assert_int_equal(client_fqdns_parse(slice_of(role), &f, &err), OK);
}

static void a_management_points_url_is_https_host_and_port(void **state)
{
    static const char *const bad[] = {"http://mp",   "mp.example",   "https://", "https://mp/x",
                                      "https://a b", "https://mp?x", ""};
    struct client_fqdn f, g;
    (void)state;
    assert_int_equal(client_fqdn_parse_url(SLICE("https://[2001:db8::1]:8443/"), &f, NULL), OK);
    assert_string_equal(f.host, "2001:db8::1");
    assert_int_equal(f.port, 8443);
    assert_int_equal(client_fqdn_parse_url(SLICE("HTTPS://Mp.example"), &f, NULL), OK);
    assert_int_equal(client_fqdn_parse_url(SLICE("https://mp.EXAMPLE:443"), &g, NULL), OK);
    assert_true(client_fqdn_same(&f, &g));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(client_fqdn_parse_url(slice_of(bad[i]), &f, NULL), R_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_management_points_url_is_https_host_and_port),
        cmocka_unit_test(a_bare_name_means_port_443_and_no_role),
        cmocka_unit_test(several_gateways_keep_their_order_and_their_roles),
        cmocka_unit_test(an_authority_is_written_as_in_a_url),
        cmocka_unit_test(malformed_items_are_refused_and_named),
        cmocka_unit_test(more_gateways_than_the_maximum_are_refused),
        cmocka_unit_test(a_name_or_role_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
