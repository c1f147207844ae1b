/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of a store as lines of JSON: an object {"table", "columns"} before the first row of a table and of a part, then
 * a row a line: an array of texts, numbers and nulls. A text that is not UTF-8, or holds a NUL, is {"base64"}.
 */
#ifndef CTL_BACKUP_ROWS_H
#define CTL_BACKUP_ROWS_H

#include "base/buf.h"
#include "store/copy.h"
#include "json/json.h"

enum { ROWS_LINE_MAX = 240 * 1024 * 1024 };

/* Does `row` need its table's line before it? */
enum result rows_write_table(struct buf *b, const struct store_copy_row *row);
enum result rows_write(struct buf *b, const struct store_copy_row *row);

/* The rows of a part, each given to `fn`. R_INVALID: malformed. */
MUST_USE enum result rows_read(struct slice part, store_copy_fn *fn, void *ctx, struct error *err);

#endif
