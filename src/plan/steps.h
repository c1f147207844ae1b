/* SPDX-License-Identifier: Apache-2.0 */
/* What to do first, in order (plan.c): a table of steps, each for the conditions that it settles. */
#ifndef PLAN_STEPS_H
#define PLAN_STEPS_H

#include "plan/plan.h"

struct plan_steps;
struct plan_steps *plan_steps_new(const struct plan_setup *today, const struct plan_setup *proposed);
/* Counts the device `index` at the steps that its outcomes ask for; `proposed` is NULL without a proposal. */
void plan_steps_add(struct plan_steps *s, const struct plan_outcome *today, const struct plan_outcome *proposed,
                    size_t index);
/* Fills the steps that somebody needs, in order; returns how many. Frees s. */
size_t plan_steps_take(struct plan_steps *s, struct plan_step ret[PLAN_STEPS_MAX]);

#endif
