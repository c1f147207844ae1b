/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kit.h"

const struct plan_setup kit_https = {.modes = PLAN_MODE(CHOICE_MP_HTTPS), .clients = 7, .crl_check = true};
const struct plan_setup kit_ehttp = {.modes = PLAN_MODE(CHOICE_MP_EHTTP), .clients = 7, .crl_check = true};

struct plan_device kit_device(const char *name, const char *inputs)
{
    struct plan_device d = {.name = slice_of(name)};
    for (size_t in = 0; inputs[in]; in++)
        d.input[in] = (unsigned char)(inputs[in] - '0');
    return d;
}

void kit_add(struct plan_fleet *f, const char *name, const char *inputs)
{
    struct plan_device d = kit_device(name, inputs);
    assert_int_equal(plan_fleet_add(f, &d, NULL), OK);
}

size_t kit_step(const struct plan *p, const char *id)
{
    for (size_t i = 0; i < p->step_count; i++) {
        if (strcmp(p->steps[i].id, id) == 0)
            return i;
    }
    return SIZE_MAX;
}

void kit_expect_conditions(plan_conditions bits, const char *ids)
{
    struct slice rest = slice_of(ids);
    plan_conditions wanted = 0;
    while (rest.len > 0) {
        struct slice id = slice_cut(&rest, ' ');
        char text[64];
        assert_true(slice_to_cstr(id, text, sizeof text));
        if (plan_condition_bit(text) == 0)
            fail_msg("there is no condition %s", text);
        wanted |= plan_condition_bit(text);
    }
    for (size_t i = 0; choices_condition(i); i++) {
        if ((((bits ^ wanted) >> i) & 1) != 0)
            fail_msg("%s: %s", (bits >> i) & 1 ? "not wanted" : "missing", choices_condition(i)->line.id);
    }
}
