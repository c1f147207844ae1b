/* SPDX-License-Identifier: Apache-2.0 */
/* The store of fixture.h at a time that the test turns (fake_wall_s), from NOW on. Linked with --wrap=clock_wall_s. */
#ifndef TESTS_STORE_CLOCKED_H
#define TESTS_STORE_CLOCKED_H

#include "fixture.h"

#include "../http/fake_clock.h"
#include "../pki/maker.h"

static inline int clocked_setup(void **state)
{
    fake_wall_s = NOW;
    return fixture_setup(state);
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, clocked_setup, fixture_teardown)

#endif
