/* SPDX-License-Identifier: Apache-2.0 */
/* A store as a whole, whatever its schema's version: what store/copy.c needs below the nouns. */
#ifndef STORE_WHOLE_H
#define STORE_WHOLE_H

#include "store/store.h"

/* The newest version of the schema that this program knows. */
int64_t store_newest(void);

/* Opens it as it is: no schema is made or changed. */
MUST_USE enum result store_open_whole(const char *where, bool make, struct store **ret, struct error *err);
/* Of the schema; 0: the database is empty. Changes nothing. */
MUST_USE enum result store_version(struct store *s, int64_t *ret, struct error *err);
/* Inside a durable transaction: from its present version up to `version`. */
MUST_USE enum result store_migrate_to(struct store *s, int64_t version, struct error *err);

/* Instead of store_begin(): what is read until store_end() is of one moment; nothing is locked, nothing can be
 * written. */
MUST_USE enum result store_begin_look(struct store *s, struct error *err);
/* A query without parameters whose rows are read from the database one by one as they are asked for. */
MUST_USE enum result store_scan(struct store *s, const char *sql, struct store_rows **ret, struct error *err);
size_t store_rows_count(struct store_rows *r); /* of the present row's columns */
const char *store_rows_name(struct store_rows *r, int column);
struct store_value store_rows_value(struct store_rows *r, int column);

/* Does the database find itself whole? R_IO. */
MUST_USE enum result store_sound(struct store *s, struct error *err);

#endif
