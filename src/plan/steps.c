/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps in the order in which they are done: learn what is unknown, prepare the devices, prepare the site, change
 * the set-up, prove it. What a step says is the text of the first of its conditions that stands; what a device has
 * today by the same condition is not asked for again.
 */
#include "plan/steps.h"

#include <stdlib.h>

#include "base/mem.h"

enum { STEP_CONDITIONS = 4 };

enum step_kind {
    STEP_DEVICES, /* for each device with one of the conditions */
    STEP_SITE,    /* once for the site: not again when a device has it today */
    STEP_LEARN,   /* for each device whose fate is unknown */
    STEP_CHANGE,  /* the change itself: when there is a proposal */
    STEP_PROVE,
};

struct step {
    const char *id, *title;
    enum step_kind kind;
    const char *conditions[STEP_CONDITIONS];
    const char *text; /* without conditions */
};

static const struct step table[] = {
    {"learn-unknown",
     "Find out what is unknown",
     STEP_LEARN,
     {NULL},
     "What these devices can use depends on what the inventory does not say. Complete the columns named with them, and "
     "plan again."},
    {"hand-out-root", "Hand out the root of the gateway's CA", STEP_DEVICES, {"root-missing", "client-root"}, NULL},
    {"update-clients",
     "Update old clients",
     STEP_DEVICES,
     {"ehttp-old-client", "token-needs-2002", "token-client"},
     NULL},
    {"client-certificates",
     "Give each device a client certificate, and the site their PKI's root",
     STEP_DEVICES,
     {"client-certificate"},
     NULL},
    {"onboard-tenant", "Make the Entra tenant known to the site", STEP_SITE, {"entra-tenant"}, NULL},
    {"join-devices", "Join devices, or keep another method for them", STEP_DEVICES, {"entra-needs-join"}, NULL},
    {"publish-crl",
     "Bring the CRL to the gateway",
     STEP_SITE,
     {"crl-nowhere", "crl-unreachable", "crl-relay", "crl-internet"},
     NULL},
    {"connector-certificate",
     "Give the connector its client certificate",
     STEP_SITE,
     {"connector-certificate-missing", "connector-certificate"},
     NULL},
    {"prepare-https", "Give the management point its server certificate", STEP_SITE, {"mp-certificate"}, NULL},
    {"prepare-ehttp", "Switch Enhanced HTTP on", STEP_SITE, {"mp-ehttp"}, NULL},
    {"server-certificate", "Give the gateway its server certificate", STEP_SITE, {"server-certificate"}, NULL},
    {"first-tokens", "Provide for first tokens", STEP_DEVICES, {"token-start"}, NULL},
    {"allow-cmg", "Allow the CMG in the client settings", STEP_DEVICES, {"cmg-forbidden", "cmg-allowed"}, NULL},
    {"tell-of-cmg", "Tell devices of the CMG", STEP_DEVICES, {"cmg-known"}, NULL},
    {"user-policy",
     "Let users sign in with Entra",
     STEP_DEVICES,
     {"user-needs-join", "user-not-signed-in", "user-sign-in"},
     NULL},
    {"other-way",
     "Keep or find another way for devices that stay without a method",
     STEP_DEVICES,
     {"ehttp-forbids-pki"},
     NULL},
    {"change",
     "Change the set-up",
     STEP_CHANGE,
     {NULL},
     "Change it for a few devices first where you can, and only once the steps above are done for them."},
    {"prove",
     "Prove it, with each credential that the fleet uses",
     STEP_PROVE,
     {NULL},
     "cmg analyze shows the gateway a credential of each method, step by step; cmg-client analyze does it on a device. "
     "An analyzer that succeeds while clients fail has shown another credential than theirs."},
};

struct plan_steps {
    plan_conditions masks[ARRAY_LEN(table)];
    bool changed;
    struct plan_names devices[ARRAY_LEN(table)];
    plan_conditions seen; /* which conditions stand for a device */
    plan_conditions met;  /* which ones a device that works today has */
};

static plan_conditions mask_of(const struct step *step)
{
    plan_conditions mask = 0;
    for (size_t i = 0; i < STEP_CONDITIONS && step->conditions[i]; i++)
        mask |= plan_condition_bit(step->conditions[i]);
    return mask;
}

struct plan_steps *plan_steps_new(const struct plan_setup *today, const struct plan_setup *proposed)
{
    struct plan_steps *s = mem_zalloc(sizeof *s);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        s->masks[i] = mask_of(&table[i]);
    s->changed = proposed && !plan_setup_same(today, proposed);
    return s;
}

void plan_steps_add(struct plan_steps *s, const struct plan_outcome *today, const struct plan_outcome *proposed,
                    size_t index)
{
    const struct plan_outcome *target = proposed ? proposed : today;
    bool works_today = proposed && today->fate < PLAN_UNKNOWN;
    if (works_today)
        s->met |= today->needs;
    if (target->fate == PLAN_UNKNOWN) {
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
            if (table[i].kind == STEP_LEARN)
                plan_names_add(&s->devices[i], index);
        }
        return;
    }
    plan_conditions asks = target->against | target->user_against | target->needs;
    if (works_today)
        asks &= ~today->needs;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if ((s->masks[i] & asks) != 0)
            plan_names_add(&s->devices[i], index);
    }
    s->seen |= asks;
}

static const char *text_of(const struct plan_steps *s, const struct step *step)
{
    for (size_t i = 0; i < STEP_CONDITIONS && step->conditions[i]; i++) {
        if ((s->seen & plan_condition_bit(step->conditions[i])) != 0)
            return choices_condition_find(slice_of(step->conditions[i]))->line.text;
    }
    return step->text;
}

static bool is_needed(const struct plan_steps *s, size_t i)
{
    switch (table[i].kind) {
    case STEP_PROVE:
        return true;
    case STEP_CHANGE:
        return s->changed;
    case STEP_SITE:
        return (s->masks[i] & s->seen & ~s->met) != 0;
    case STEP_DEVICES:
    case STEP_LEARN:
    default:
        return s->devices[i].count > 0;
    }
}

size_t plan_steps_take(struct plan_steps *s, struct plan_step ret[PLAN_STEPS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < ARRAY_LEN(table) && count < PLAN_STEPS_MAX; i++) {
        if (is_needed(s, i))
            ret[count++] = (struct plan_step){table[i].id, table[i].title, text_of(s, &table[i]), s->devices[i]};
    }
    free(s);
    return count;
}
