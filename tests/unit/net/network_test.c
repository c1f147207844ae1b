/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a network holds, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "net/network.h"

static void a_network_has_the_addresses_of_its_prefix(void **state)
{
    (void)state;
    static const struct {
        const char *networks, *address;
        bool has;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "10.0.0.1", false},
        {"172.16.0.0/12 2001:db8::/32", "2001:db8::5", true},
        {"172.16.0.0/12 2001:db8::/32", "172.31.255.255", true},
        {"172.16.0.0/12 2001:db8::/32", "172.32.0.0", false},
        {"", "10.0.0.1", false},
        {"10.0.0.0/8", "", false},
        {"10.0.0.0/8", "10.1.2.3:443", false},
        {"10.0.0.0/8", "somebody", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (net_networks_have(cases[i].networks, cases[i].address) != cases[i].has)
            fail_msg("%s in '%s'", cases[i].address, cases[i].networks);
    }
}

static void what_is_no_network_is_told(void **state)
{
    (void)state;
    static const char *const good[] = {"10.0.0.0/8", "10.0.0.1", "2001:db8::/32", "::1", "0.0.0.0/0", "10.0.0.0/32"};
    static const char *const bad[] = {"",
                                      "10.0.0.1/8",
                                      "10.0.0.0/33",
                                      "2001:db8::1/32",
                                      "::/129",
                                      "10.0.0.0/",
                                      "10.0.0.0/-1",
                                      "10.0.0.0/8/8",
                                      "10.0.0/8",
                                      "example.com",
                                      "/8",
                                      "10.0.0.0/ 8",
                                      "[::1]",
                                      "10.0.0.0/99999999999999999999"};
    struct error err;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (net_network_check(slice_of(good[i]), &err) != OK)
            fail_msg("%s: %s", good[i], err.text);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (net_network_check(slice_of(bad[i]), &err) != R_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.text, "10.0.0.0/8"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_has_the_addresses_of_its_prefix),
        cmocka_unit_test(what_is_no_network_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
