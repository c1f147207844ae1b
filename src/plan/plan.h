/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner: a fleet, today's set-up and a proposed one, judged by the tables of src/choices. Pure: rows go in,
 * numbers and steps come out. Devices of the same kind are judged once (there are 18,225 kinds), so that a fleet costs
 * little more than reading it.
 */
#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "base/error.h"
#include "choices/choices.h"

/* --- the fleet --- */

/* What is known of a device. The inputs of choices, each 0 when unknown, else 1 + the value of its enum. */
enum plan_input {
    PLAN_JOIN,        /* enum choice_join */
    PLAN_CERTIFICATE, /* 0 no, 1 pki */
    PLAN_VERSION,     /* 0 before CHOICES_TOKENS_SINCE, 1 since */
    PLAN_CRL,         /* enum choice_crl */
    PLAN_SCENARIO,    /* enum choice_scenario */
    PLAN_ROOT,        /* from here on: 0 no, 1 yes */
    PLAN_SIGN_IN,
    PLAN_ALLOWED,
    PLAN_INPUTS
};

struct plan_device {
    struct slice name; /* at most PLAN_NAME_MAX bytes; borrowed */
    unsigned char input[PLAN_INPUTS];
};

enum { PLAN_NAME_MAX = 255, PLAN_DEVICES_MAX = 5000000 };

struct plan_fleet;
struct plan_fleet *plan_fleet_new(void);
void plan_fleet_free(struct plan_fleet *f); /* NULL allowed */
/* Copies it. R_LIMIT: more than PLAN_DEVICES_MAX. */
MUST_USE enum result plan_fleet_add(struct plan_fleet *f, const struct plan_device *d, struct error *err);
size_t plan_fleet_count(const struct plan_fleet *f);
/* The index-th device; its name is borrowed from the fleet. */
void plan_fleet_get(const struct plan_fleet *f, size_t index, struct plan_device *ret);
/* What counts for devices whose input is unknown. */
void plan_fleet_assume(struct plan_fleet *f, enum plan_input in, unsigned char value);
/* How many are known to the fleet by a name that another has too. */
size_t plan_fleet_repeated(const struct plan_fleet *f);

const char *plan_input_name(enum plan_input in); /* the CSV's column: "user_sign_in" */
/* PROTOCOL 7's words and synonyms; empty, "?" and "unknown" are unknown. */
MUST_USE bool plan_input_parse(enum plan_input in, struct slice text, unsigned char *ret);
const char *plan_input_expected(enum plan_input in); /* "none, domain, hybrid or entra" */

/* --- a set-up --- */

struct plan_setup {
    unsigned modes;   /* PLAN_MODE()s of the management points behind the CMG */
    unsigned clients; /* CHOICE_BIT()s of the methods that are let in */
    enum choice_cert server_cert;
    bool crl_check, crl_relay;
    enum choice_tri connector_cert;
};
#define PLAN_MODE(mode) (1u << (mode))
bool plan_setup_same(const struct plan_setup *a, const struct plan_setup *b);

/* --- a device in a set-up --- */

enum plan_fate { PLAN_PKI, PLAN_ENTRA, PLAN_TOKEN, PLAN_UNKNOWN, PLAN_CUT_OFF, PLAN_FATES };
enum plan_user { PLAN_USER_NOT_WANTED, PLAN_USER_WORKS, PLAN_USER_NONE, PLAN_USER_UNKNOWN, PLAN_USERS };

/* Bit i stands for choices_condition(i). */
typedef uint64_t plan_conditions;

plan_conditions plan_condition_bit(const char *id); /* 0: no such condition */

struct plan_outcome {
    enum plan_fate fate;
    unsigned depends;        /* bits of plan_input that decide, when the fate is unknown */
    plan_conditions against; /* what cuts it off, or would (unknown) */
    plan_conditions needs;   /* what must be there for its method */
    plan_conditions lost;    /* what is lost with it */
    enum plan_user user;
    plan_conditions user_against;
};

/* Unknown inputs are tried with all their values: what all of them agree on is known after all. Root, sign-in and
 * resultant setting are the exception: unknown ones count as good and are named in `needs`. */
void plan_judge(const struct plan_device *d, const struct plan_setup *s, struct plan_outcome *ret);
const char *plan_fate_name(enum plan_fate fate); /* "pki", …, "unknown", "cut off" */

/* --- the plan --- */

enum { PLAN_EXAMPLES = 10, PLAN_GROUPS_MAX = 256, PLAN_STEPS_MAX = 32 };

struct plan_names {
    size_t count;                /* of devices */
    size_t index[PLAN_EXAMPLES]; /* the first of them, in the fleet */
};

void plan_names_add(struct plan_names *names, size_t index);

/* Devices with the same cause. */
struct plan_group {
    plan_conditions against;
    unsigned depends;
    struct plan_names devices;
};
struct plan_groups {
    size_t count;
    struct plan_group items[PLAN_GROUPS_MAX]; /* most devices first; the last one takes what has no place */
};

struct plan_side {
    struct plan_setup setup;
    size_t fates[PLAN_FATES], users[PLAN_USERS];
    struct plan_groups cut_off, unknown, user_none;
};

struct plan_step {
    const char *id, *title, *text; /* text: of the condition, or the step's own */
    struct plan_names devices;     /* count 0: it is for the site, not for devices */
};

struct plan {
    const struct plan_fleet *fleet; /* borrowed */
    bool compared;                  /* is there a proposed set-up? */
    struct plan_side today, proposed;
    size_t moves[PLAN_FATES][PLAN_FATES]; /* [today][proposed] */
    struct plan_names newly_cut_off, newly_unknown, rescued, lose_user, gain_user;
    size_t unverified[PLAN_INPUTS]; /* devices whose root, sign-in or setting is unknown and counts as good */
    struct plan_step steps[PLAN_STEPS_MAX];
    size_t step_count;
    struct plan_kind *kinds; /* every kind's outcomes */
};

/* `proposed` may be NULL: today's alone, and what it needs. The caller frees it with plan_free(). */
struct plan *plan_new(const struct plan_fleet *f, const struct plan_setup *today, const struct plan_setup *proposed);
void plan_free(struct plan *p); /* NULL allowed */
/* The index-th device's outcomes; *ret_proposed is NULL without a proposal. Borrowed from the plan. */
void plan_outcomes(const struct plan *p, size_t index, const struct plan_outcome **ret_today,
                   const struct plan_outcome **ret_proposed);

#endif
