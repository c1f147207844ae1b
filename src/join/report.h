/* SPDX-License-Identifier: Apache-2.0 */
/* What `join` tells: a line for each thing that it did, at once; with --json all of them at the end, as
 * {"ok", "done", "todo", …}. */
#ifndef JOIN_REPORT_H
#define JOIN_REPORT_H

#include "base/error.h"
#include "json/json.h"

struct join_report {
    const char *program; /* "cmg-connector" */
    bool json;
    json_t *done, *todo; /* texts; owned */
};
void join_report_start(struct join_report *r, const char *program, bool json);

/* Something was done. */
void join_did(struct join_report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Something is left to do for who ran it, or to know. */
void join_todo(struct join_report *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Ends it; the exit code. `facts` (taken over; NULL: none) are members of the JSON beside. */
int join_ended(struct join_report *r, json_t *facts);
/* With the error's own remedy, where it has one, else `remedy`, else the usual one of the error's code. */
int join_failed(struct join_report *r, const struct error *err, const char *remedy);
enum { JOIN_EXIT_FAILED = 1, JOIN_EXIT_USAGE = 2 };

#endif
