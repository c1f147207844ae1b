/* SPDX-License-Identifier: Apache-2.0 */
/* Places for connections, by what is configured and by the descriptors that there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/places.h"

static const struct {
    uint64_t workers, configured, descriptors;
    size_t places;
    bool fits;
} cases[] = {
    {2, 0, 1000000, GATEWAY_CONNECTIONS, true}, /* the default, where there is room */
    {2, 0, 20000, 9584, true},                  /* where there is not, it adapts */
    {2, 9584, 20000, 9584, true},               /* the edge */
    {2, 9585, 20000, 9584, false},
    {2, 16000, 20000, 9584, false},
    {1, 100000, 200000, 100000, true}, /* more than the default may be asked for */
    {1, 0, 1024, 512, true},           /* few: half of them */
    {64, 0, 20000, 156, true},
    {1, 0, 8, 16, true}, /* never fewer than can be configured */
};

static void connections_and_the_gateways_own_needs_fit_into_the_descriptors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct gateway_config c = {.workers = cases[i].workers, .max_connections = cases[i].configured};
        struct error err = {.code = OK};
        size_t places = gateway_places_find(&c, cases[i].descriptors).connections;
        if (places != cases[i].places || (gateway_places_check(&c, cases[i].descriptors, &err) == OK) != cases[i].fits)
            fail_msg("case %zu: %zu places: %s", i, places, err.text);
    }
}

static void shares_are_of_the_places_that_there_are(void **state)
{
    (void)state;
    struct gateway_config c = {.workers = 2};
    struct gateway_places p = gateway_places_find(&c, 1000000);
    assert_int_equal(p.strangers_per_address, 4000);
    assert_int_equal(p.connections_per_device, 2000);
    c.max_connections = 16;
    c.strangers_per_address = 1000;
    c.connections_per_device = 5;
    p = gateway_places_find(&c, 1000000);
    assert_int_equal(p.strangers_per_address, 16); /* not more than all */
    assert_int_equal(p.connections_per_device, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_and_the_gateways_own_needs_fit_into_the_descriptors),
        cmocka_unit_test(shares_are_of_the_places_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
