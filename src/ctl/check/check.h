/* SPDX-License-Identifier: Apache-2.0 */
/* What `cmg cert check` and `cmg token check` share: times, files, batches and the answer's form. */
#ifndef CTL_CHECK_CHECK_H
#define CTL_CHECK_CHECK_H

#include "ctl/ctl.h"
#include "verdict/reason.h"

enum { CHECK_BATCH_MAX = 256 * 1024 * 1024, CHECK_CASES_MAX = 1000000 };

/* RFC 3339 (fractions are cut off) or seconds since 1970. */
MUST_USE bool check_time(struct slice text, int64_t *ret);
/* Member "at" of a case: a string of the above or an integer; absent: now. R_INVALID. */
MUST_USE enum result check_time_of(const json_t *c, int64_t *ret, struct error *err);

/* Member of a case that is on or off: these words, or true and false; absent: *ret stays. R_INVALID. */
MUST_USE enum result check_switch_of(const json_t *c, const char *name, bool *ret, struct error *err);

/* {"ok", "reason", "detail", "identity", "remedy"}; the caller json_decref()s it. */
/* `remedy`: of this cause; NULL: the reason's. */
json_t *check_answer(enum verdict_reason reason, const char *detail, const char *identity, const char *remedy);

/* Judges one case: a new answer, or NULL and *err when the case itself is wrong (a file that is not there). */
typedef json_t *check_fn(void *arg, const json_t *c, struct error *err);

/* One case: prints the answer, returns the exit code. `c` stays the caller's. */
int check_one(const struct ctl_common *common, const json_t *c, check_fn *judge, void *arg);

/* A file of a JSON list of cases ("-": standard input); members of `defaults` count where a case lacks them. Prints the
 * list of answers; of a case that is wrong {"ok": false, "reason": "usage", "detail"}. Exit code 0 when all were
 * answered, whatever the answers are; 2 when the list can't be read or a case was wrong. */
int check_batch(const struct ctl_common *common, const char *path, const json_t *defaults, check_fn *judge, void *arg);

#endif
