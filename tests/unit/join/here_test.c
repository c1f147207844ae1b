/* SPDX-License-Identifier: Apache-2.0 */
/* Does a name lead to this machine? By addresses that the test gives, and by those of a literal. */
#include "kit.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>

#include "join/here.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage s = {0};
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        memcpy(&s, &four, sizeof four);
    else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
        memcpy(&s, &six, sizeof six);
    else
        fail_msg("%s", text);
    return s;
}

/* A name of these addresses on a machine of those; NULL ends. */
static enum join_here among(const char *const *name, const char *const *machine)
{
    enum { MAX = 4 };
    struct sockaddr_storage found[MAX], own[MAX];
    struct addrinfo list[MAX] = {0};
    struct ifaddrs interfaces[MAX] = {0};
    size_t n = 0, m = 0;
    for (; name[n]; n++) {
        found[n] = address(name[n]);
        list[n] = (struct addrinfo){.ai_family = found[n].ss_family,
                                    .ai_addrlen = sizeof found[n],
                                    .ai_addr = (struct sockaddr *)&found[n],
                                    .ai_next = name[n + 1] ? &list[n + 1] : NULL};
    }
    for (; machine[m]; m++) {
        bool none = !*machine[m]; /* an interface may have no address */
        own[m] = address(none ? "::" : machine[m]);
        interfaces[m] = (struct ifaddrs){.ifa_addr = none ? NULL : (struct sockaddr *)&own[m],
                                         .ifa_next = machine[m + 1] ? &interfaces[m + 1] : NULL};
    }
    return join_here_among(n ? list : NULL, m ? interfaces : NULL);
}
#define NAME(...)                                                                                                      \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }

static void an_address_of_this_machine_is_here(void **state)
{
    (void)state;
    const char *const *machine = NAME("192.0.2.1", "2001:db8::1", "198.51.100.7");
    assert_int_equal(among(NAME("192.0.2.1"), machine), JOIN_HERE);
    assert_int_equal(among(NAME("198.51.100.7"), machine), JOIN_HERE);
    assert_int_equal(among(NAME("2001:db8::1"), machine), JOIN_HERE);
    assert_int_equal(among(NAME("192.0.2.2"), machine), JOIN_ELSEWHERE);
    assert_int_equal(among(NAME("2001:db8::2"), machine), JOIN_ELSEWHERE);
}

static void one_of_several_addresses_is_enough(void **state)
{
    (void)state;
    assert_int_equal(among(NAME("203.0.113.1", "192.0.2.1"), NAME("192.0.2.1")), JOIN_HERE);
    assert_int_equal(among(NAME("192.0.2.1", "203.0.113.1"), NAME("192.0.2.1")), JOIN_HERE);
    assert_int_equal(among(NAME("192.0.2.1", "127.0.0.1"), NAME("192.0.2.1")), JOIN_LOOPBACK);
    assert_int_equal(among(NAME("127.0.0.1", "203.0.113.1"), NAME("192.0.2.1")), JOIN_LOOPBACK);
}

/* As the connector judges them: what it reaches by them is this machine. */
static void loopback_is_what_a_connector_takes_for_it(void **state)
{
    (void)state;
    static const char *const loopback[] = {"127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1"};
    static const char *const others[] = {"126.255.255.255", "128.0.0.1", "::2", "::ffff:192.0.2.9", "169.254.0.1"};
    for (size_t i = 0; i < ARRAY_LEN(loopback); i++) {
        if (among(NAME(loopback[i]), NAME("192.0.2.1")) != JOIN_LOOPBACK)
            fail_msg("%s", loopback[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (among(NAME(others[i]), NAME("192.0.2.1")) != JOIN_ELSEWHERE)
            fail_msg("%s", others[i]);
    }
}

static void an_interface_without_an_address_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(among(NAME("192.0.2.1"), NAME("", "192.0.2.1")), JOIN_HERE);
    assert_int_equal(among(NAME("192.0.2.1"), NAME("")), JOIN_ELSEWHERE);
    assert_int_equal(among(NAME("192.0.2.1"), NAME("::", "2001:db8::1")), JOIN_ELSEWHERE);
}

static void a_literal_is_judged_without_asking_anybody(void **state)
{
    (void)state;
    assert_int_equal(join_here("127.0.0.1"), JOIN_LOOPBACK);
    assert_int_equal(join_here("::1"), JOIN_LOOPBACK);
    assert_int_equal(join_here("192.0.2.77"), JOIN_ELSEWHERE); /* RFC 5737: nobody's */
    assert_int_equal(join_here(""), JOIN_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_of_this_machine_is_here),
        cmocka_unit_test(one_of_several_addresses_is_enough),
        cmocka_unit_test(loopback_is_what_a_connector_takes_for_it),
        cmocka_unit_test(an_interface_without_an_address_is_passed_over),
        cmocka_unit_test(a_literal_is_judged_without_asking_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
