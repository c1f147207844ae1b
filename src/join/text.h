/* SPDX-License-Identifier: Apache-2.0 */
/* Where a join string comes from: an argument, "-" (standard input), "@FILE" or --file FILE. */
#ifndef JOIN_TEXT_H
#define JOIN_TEXT_H

#include "bundle/join/string.h"
#include "join/report.h"

/* Reads it and tells, where it stood in the argument list, that others on the machine could have seen it; overwrites it
 * there. `argument` NULL: none was given; `file` NULL: neither. */
MUST_USE enum result join_text_read(struct join_report *report, const char *argument, const char *file,
                                    enum join_kind kind, int64_t now, struct join_string *ret, struct error *err);
/* The same without a look at what it says; malloc'ed, a secret: mem_free_secret. */
MUST_USE enum result join_text_take(struct join_report *report, const char *argument, const char *file, char **ret,
                                    size_t *ret_len, struct error *err);

#endif
