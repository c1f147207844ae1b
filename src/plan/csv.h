/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a CSV file (RFC 4180) from bytes, without I/O: quotes, quotes inside quotes, line ends inside quotes, CRLF
 * and LF, a byte order mark. Bytes go in as they come; records come out one by one. A malformed record is a fault with
 * line and column, and reading goes on at the next line, so that nothing is dropped unseen.
 */
#ifndef PLAN_CSV_H
#define PLAN_CSV_H

#include "base/error.h"
#include "base/slice.h"

enum { CSV_RECORD_MAX = 16 * 1024, CSV_FIELDS_MAX = 64 };

struct csv_field {
    struct slice text; /* unquoted; borrowed until the next csv_next() */
    unsigned column;   /* of its first byte in its line, from 1 */
};

struct csv_record {
    uint64_t line;      /* of its first byte, from 1 */
    uint64_t last_line; /* of its last one, when it is good: a quoted field may hold line feeds */
    size_t count;
    struct csv_field fields[CSV_FIELDS_MAX];
};

struct csv;
struct csv *csv_new(void);
void csv_free(struct csv *c); /* NULL allowed */

/* Where to put bytes: at least CSV_RECORD_MAX of room as long as csv_next() said R_AGAIN before; then how many came
 * (0: the file has ended). */
char *csv_room(struct csv *c, size_t *ret_room);
void csv_came(struct csv *c, size_t count);

/* The next record, empty lines left out. R_AGAIN: give more bytes. R_EOF: that was all. R_INVALID or R_LIMIT: this one
 * is malformed (err tells what), ret->line and ret->fields[0].column tell where; ask again for the next one.
 * The separator is the one of ',', ';' and tab that the first line with any of them, outside of quotes, has most. */
MUST_USE enum result csv_next(struct csv *c, struct csv_record *ret, struct error *err);

#endif
