/* SPDX-License-Identifier: Apache-2.0 */
/* All that a store holds, row by row: out of one database, and into an empty one, of the same kind or of the other. For
 * backups; who administers or serves uses the nouns. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "store/store.h"

struct store_copy;

enum { STORE_COPY_COLUMNS = 32 }; /* a table has at most */

/* A row of `table`; all borrowed. */
struct store_copy_row {
    const char *table;
    const char *columns[STORE_COPY_COLUMNS];
    struct store_value values[STORE_COPY_COLUMNS];
    size_t count;
};

/* --- out of a store --- */

/* Opens a store, which may be in use: what is read is the store of this one moment, and who writes goes on. Its schema
 * stays as it is, *ret_version; R_CONFLICT when a newer version of the program wrote it. R_NOTFOUND: there is none. */
MUST_USE enum result store_copy_open(const char *where, struct store_copy **ret, int64_t *ret_version,
                                     struct error *err);
/* R_IO: the database is damaged, as far as it can tell that of itself. Reads all of it. */
MUST_USE enum result store_copy_sound(struct store_copy *c, struct error *err);
/* Every row of every table, in an order in which no row comes before one that it refers to; holds one at a time. */
typedef enum result store_copy_fn(void *ctx, const struct store_copy_row *row, struct error *err);
MUST_USE enum result store_copy_each(struct store_copy *c, store_copy_fn *fn, void *ctx, struct error *err);

/* --- into an empty one --- */

/* Can a copy be made of a store of this version? R_CONFLICT: it is newer than this program. */
MUST_USE enum result store_copy_knows(int64_t version, struct error *err);
/* R_CONFLICT: there is a site in the database already. Until store_copy_end() nothing of it is seen. */
MUST_USE enum result store_copy_begin(const char *where, int64_t version, struct store_copy **ret, struct error *err);
/* In the order of store_copy_each(). R_INVALID: no store of that version has such a table or column, or the database
 * does not take the value. */
MUST_USE enum result store_copy_put(struct store_copy *c, const struct store_copy_row *row, struct error *err);
/* The schema is brought up to date, and all of it is on the disk. */
MUST_USE enum result store_copy_end(struct store_copy *c, struct error *err);

/* Of a copy that was not ended nothing stays but, of SQLite, an empty file. NULL allowed. */
void store_copy_close(struct store_copy *c);

#endif
