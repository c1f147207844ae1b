/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fleet from CSV: the header row names the columns, in any order (a report's headings above it are passed over);
 * name, join, certificate, version, crl and scenario are needed, root, user_sign_in and cmg_allowed are optional,
 * others are passed over by name. A bad row is told by line and column and does not count; none is dropped silently.
 */
#ifndef PLAN_INVENTORY_H
#define PLAN_INVENTORY_H

#include "plan/csv.h"
#include "plan/plan.h"

enum { INVENTORY_FAULTS_MAX = 1000, INVENTORY_IGNORED_MAX = 16 };

struct inventory_fault {
    uint64_t line;
    unsigned column;   /* of the field's first byte, from 1 */
    const char *field; /* "join", "" for the row itself */
    char value[40];    /* what stands there, cut, without control characters */
    char text[160];    /* what is wrong and what was expected */
};

struct inventory {
    struct plan_fleet *fleet;
    uint64_t rows, bad_rows; /* data rows; bad ones among them */
    unsigned headings;       /* lines above the header that were passed over */
    struct inventory_fault *faults;
    size_t fault_count;   /* of all bad rows the first INVENTORY_FAULTS_MAX faults */
    bool faults_left_off; /* there were more */
    bool has[PLAN_INPUTS];
    char ignored[INVENTORY_IGNORED_MAX][40];
    size_t ignored_count;
};

/* Reads up to `max` bytes into `to`; OK with *ret_len 0 at the end. */
typedef enum result inventory_read_fn(void *user, char *to, size_t max, size_t *ret_len, struct error *err);

/* R_INVALID: no header, or a column is missing or stands twice: there is nothing to plan. The caller ends it with
 * inventory_end() in any case. */
MUST_USE enum result inventory_read(struct inventory *ret, inventory_read_fn *read, void *user, struct error *err);
void inventory_end(struct inventory *i);

#endif
