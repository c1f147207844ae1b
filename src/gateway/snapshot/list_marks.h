/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far each fetched list has come: the highest thisUpdate and cRLNumber of every place (pki/list/info.h) that a list
 * was taken for, in one file of the state folder. Whoever answers a source's URL can't bring an older list back by
 * giving another one in between, nor by waiting for a restart.
 */
#ifndef GATEWAY_SNAPSHOT_LIST_MARKS_H
#define GATEWAY_SNAPSHOT_LIST_MARKS_H

#include "pki/list/info.h"

struct list_marks;

/* What is kept in the state folder, if anything. Of a damaged file what is whole counts; it is set aside, and told
 * until somebody has looked at it and removed it. */
struct list_marks *list_marks_new(const char *state);
/* false: nothing is wrong; else what is, and what to do. */
bool list_marks_fault(const struct list_marks *m, char ret[ERROR_TEXT_MAX]);
void list_marks_free(struct list_marks *m); /* NULL allowed */

/* Is it none older than what was taken for its place? Then that is remembered, on disk, before it returns: ask last.
 * R_DENIED; R_IO: it can't be remembered. Any thread. */
MUST_USE enum result list_marks_take(struct list_marks *m, const struct pki_list_info *list, struct error *err);

#endif
