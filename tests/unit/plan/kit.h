/* SPDX-License-Identifier: Apache-2.0 */
/* Fleets and set-ups by a few letters. */
#ifndef TESTS_PLAN_KIT_H
#define TESTS_PLAN_KIT_H

#include "plan/plan.h"

/* PKI, Entra and tokens, CRLs are checked, a public certificate. */
extern const struct plan_setup kit_https, kit_ehttp;

/* A digit an input, in the order of enum plan_input: join certificate version crl scenario root sign-in allowed. What
 * is left off is unknown. */
struct plan_device kit_device(const char *name, const char *inputs);
void kit_add(struct plan_fleet *f, const char *name, const char *inputs);

/* The step's place in the plan; SIZE_MAX: it is not there. */
size_t kit_step(const struct plan *p, const char *id);

/* Every condition of `ids` (apart by blanks), and no other one. */
void kit_expect_conditions(plan_conditions bits, const char *ids);

#endif
