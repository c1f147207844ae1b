/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: every device's two outcomes, counted, grouped by cause; then the steps. Each kind is judged once. */
#include "plan/plan.h"

#include <stdlib.h>

#include "base/mem.h"
#include "plan/steps.h"

/* How many values an input has, unknown among them. */
static const unsigned radix[PLAN_INPUTS] = {5, 3, 3, 5, 3, 3, 3, 3};
enum { KINDS = 5 * 3 * 3 * 5 * 3 * 3 * 3 * 3 };

struct plan_kind {
    bool judged;
    struct plan_outcome today, proposed;
};

static unsigned kind_of(const struct plan_device *d)
{
    unsigned kind = 0;
    for (size_t in = 0; in < PLAN_INPUTS; in++)
        kind = kind * radix[in] + d->input[in] % radix[in];
    return kind;
}

static void group_it(struct plan_groups *groups, plan_conditions against, unsigned depends, size_t index)
{
    size_t i = 0;
    while (i < groups->count && (groups->items[i].against != against || groups->items[i].depends != depends))
        i++;
    if (i == PLAN_GROUPS_MAX) {
        i--;
        groups->items[i].against |= against;
        groups->items[i].depends |= depends;
    } else if (i == groups->count) {
        groups->items[groups->count++] = (struct plan_group){.against = against, .depends = depends};
    }
    plan_names_add(&groups->items[i].devices, index);
}

static int by_count(const void *a, const void *b)
{
    const struct plan_group *x = a, *y = b;
    return x->devices.count != y->devices.count        ? (x->devices.count < y->devices.count ? 1 : -1)
           : x->devices.index[0] < y->devices.index[0] ? -1
                                                       : 1;
}

static void side_add(struct plan_side *side, const struct plan_outcome *o, size_t index)
{
    side->fates[o->fate]++;
    side->users[o->user]++;
    if (o->fate == PLAN_CUT_OFF)
        group_it(&side->cut_off, o->against, 0, index);
    if (o->fate == PLAN_UNKNOWN)
        group_it(&side->unknown, o->against, o->depends, index);
    if (o->user == PLAN_USER_NONE && o->fate != PLAN_CUT_OFF)
        group_it(&side->user_none, o->user_against, 0, index);
}

static void side_sort(struct plan_side *side)
{
    qsort(side->cut_off.items, side->cut_off.count, sizeof side->cut_off.items[0], by_count);
    qsort(side->unknown.items, side->unknown.count, sizeof side->unknown.items[0], by_count);
    qsort(side->user_none.items, side->user_none.count, sizeof side->user_none.items[0], by_count);
}

static bool works(const struct plan_outcome *o)
{
    return o->fate < PLAN_UNKNOWN;
}

static void compare(struct plan *p, const struct plan_kind *v, size_t index)
{
    const struct plan_outcome *a = &v->today, *b = &v->proposed;
    p->moves[a->fate][b->fate]++;
    if (b->fate == PLAN_CUT_OFF && a->fate != PLAN_CUT_OFF)
        plan_names_add(&p->newly_cut_off, index);
    if (b->fate == PLAN_UNKNOWN && a->fate != PLAN_UNKNOWN)
        plan_names_add(&p->newly_unknown, index);
    if (works(b) && a->fate == PLAN_CUT_OFF)
        plan_names_add(&p->rescued, index);
    if (a->user == PLAN_USER_WORKS && b->user == PLAN_USER_NONE)
        plan_names_add(&p->lose_user, index);
    if (a->user == PLAN_USER_NONE && b->user == PLAN_USER_WORKS)
        plan_names_add(&p->gain_user, index);
}

/* Root, sign-in and setting count as good when unknown: say for how many, where they matter. */
static void count_unverified(struct plan *p, const struct plan_device *d)
{
    const struct plan_side *target = p->compared ? &p->proposed : &p->today;
    bool user = d->input[PLAN_SCENARIO] - 1 == CHOICE_USER;
    p->unverified[PLAN_ROOT] += d->input[PLAN_ROOT] == 0 && target->setup.server_cert == CHOICE_CERT_INTERNAL;
    p->unverified[PLAN_SIGN_IN] += d->input[PLAN_SIGN_IN] == 0 && user;
    p->unverified[PLAN_ALLOWED] += d->input[PLAN_ALLOWED] == 0;
}

static const struct plan_kind *judged(const struct plan *p, const struct plan_device *d)
{
    struct plan_kind *v = &p->kinds[kind_of(d)];
    if (!v->judged) {
        plan_judge(d, &p->today.setup, &v->today);
        if (p->compared)
            plan_judge(d, &p->proposed.setup, &v->proposed);
        v->judged = true;
    }
    return v;
}

void plan_outcomes(const struct plan *p, size_t index, const struct plan_outcome **ret_today,
                   const struct plan_outcome **ret_proposed)
{
    struct plan_device d;
    plan_fleet_get(p->fleet, index, &d);
    const struct plan_kind *v = judged(p, &d);
    *ret_today = &v->today;
    *ret_proposed = p->compared ? &v->proposed : NULL;
}

struct plan *plan_new(const struct plan_fleet *f, const struct plan_setup *today, const struct plan_setup *proposed)
{
    struct plan *p = mem_zalloc(sizeof *p);
    p->kinds = mem_array(KINDS, sizeof *p->kinds);
    p->fleet = f;
    p->compared = proposed != NULL;
    p->today.setup = *today;
    if (proposed)
        p->proposed.setup = *proposed;
    struct plan_steps *steps = plan_steps_new(today, proposed);
    for (size_t i = 0; i < plan_fleet_count(f); i++) {
        struct plan_device d;
        plan_fleet_get(f, i, &d);
        const struct plan_kind *v = judged(p, &d);
        side_add(&p->today, &v->today, i);
        if (proposed) {
            side_add(&p->proposed, &v->proposed, i);
            compare(p, v, i);
        }
        count_unverified(p, &d);
        plan_steps_add(steps, &v->today, proposed ? &v->proposed : NULL, i);
    }
    side_sort(&p->today);
    side_sort(&p->proposed);
    p->step_count = plan_steps_take(steps, p->steps);
    return p;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    free(p->kinds);
    free(p);
}
