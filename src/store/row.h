/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as typed structs: what the nouns of this folder read with. Texts are copied into the caller's arena. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include "base/arena.h"
#include "store/store.h"

struct store_reader {
    struct store_rows *rows;
    struct arena *arena;
    bool full; /* the arena's maximum was reached */
};

/* NUL-terminated; "" for NULL, or NULL for NULL with _opt. */
const char *store_read_text(struct store_reader *r, int column);
const char *store_read_text_opt(struct store_reader *r, int column);
int64_t store_read_int(struct store_reader *r, int column);
/* Of a column that holds one of a few words: its place among them; 0 for any other, so the first is the one that may
 * least. */
size_t store_read_word(struct store_reader *r, int column, const char *const *words, size_t count);

/* Fills *ret (zeroed) from the present row. */
typedef void store_read_fn(struct store_reader *r, void *ret);

struct store_select {
    const char *sql;
    size_t size; /* of the struct that `read` fills */
    store_read_fn *read;
};

/* All rows as an array in the arena. R_LIMIT when they don't fit into it. */
MUST_USE enum result store_select_all(struct store *s, const struct store_select *what,
                                      const struct store_value *params, size_t count, struct arena *arena,
                                      void *ret_items, size_t *ret_count, struct error *err);
/* The only row: R_NOTFOUND when there is none, R_CONFLICT when there are several. `name` is for the error's text. */
MUST_USE enum result store_select_one(struct store *s, const struct store_select *what,
                                      const struct store_value *params, size_t count, struct arena *arena, void *ret,
                                      const char *name, struct error *err);

/* An exec that must change a row: R_NOTFOUND with `name` otherwise. */
MUST_USE enum result store_change(struct store *s, const char *sql, const struct store_value *params, size_t count,
                                  const char *name, struct error *err);

#endif
