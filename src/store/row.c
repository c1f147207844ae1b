/* SPDX-License-Identifier: Apache-2.0 */
/* Rows into arrays of structs. */
#include "store/row.h"

#include <stdlib.h>

#include "base/mem.h"

const char *store_read_text_opt(struct store_reader *r, int column)
{
    if (store_rows_null(r->rows, column))
        return NULL;
    struct slice copy = arena_dup(r->arena, store_rows_text(r->rows, column));
    if (!copy.ptr)
        r->full = true;
    return copy.ptr ? copy.ptr : "";
}

const char *store_read_text(struct store_reader *r, int column)
{
    const char *text = store_read_text_opt(r, column);
    return text ? text : "";
}

int64_t store_read_int(struct store_reader *r, int column)
{
    return store_rows_int(r->rows, column);
}

size_t store_read_word(struct store_reader *r, int column, const char *const *words, size_t count)
{
    size_t which = 0;
    (void)!slice_word(store_rows_text(r->rows, column), words, count, &which);
    return which;
}

struct growing {
    char *items; /* malloc'ed */
    size_t count, room, size;
};

static void *grow(struct growing *g)
{
    if (g->count == g->room) {
        g->room = g->room ? 2 * g->room : 8;
        g->items = mem_resize(g->items, g->room, g->size);
    }
    void *item = g->items + g->count++ * g->size;
    memset(item, 0, g->size);
    return item;
}

static enum result read_all(struct store_reader *reader, store_read_fn *read, struct growing *g, struct error *err)
{
    enum result r;
    while ((r = store_rows_next(reader->rows, err)) == OK) {
        read(reader, grow(g));
        if (reader->full)
            return error_set(err, R_LIMIT, "the answer of the store is too large");
    }
    return r == R_EOF ? OK : r;
}

enum result store_select_all(struct store *s, const struct store_select *what, const struct store_value *params,
                             size_t count, struct arena *arena, void *ret_items, size_t *ret_count, struct error *err)
{
    struct store_reader reader = {.arena = arena};
    struct growing g = {.size = what->size};
    enum result r = store_query(s, what->sql, params, count, &reader.rows, err);
    if (r != OK)
        return r;
    r = read_all(&reader, what->read, &g, err);
    store_rows_free(reader.rows);
    if (r == OK) {
        struct slice copy = arena_dup(arena, slice_make(g.items ? g.items : "", g.count * g.size));
        if (!copy.ptr)
            r = error_set(err, R_LIMIT, "the answer of the store is too large");
        memcpy(ret_items, &copy.ptr, sizeof copy.ptr);
        *ret_count = g.count;
    }
    free(g.items);
    return r;
}

enum result store_select_one(struct store *s, const struct store_select *what, const struct store_value *params,
                             size_t count, struct arena *arena, void *ret, const char *name, struct error *err)
{
    void *items;
    size_t found;
    enum result r = store_select_all(s, what, params, count, arena, &items, &found, err);
    if (r != OK)
        return r;
    if (found == 0)
        return error_set(err, R_NOTFOUND, "there is no %s", name);
    if (found > 1)
        return error_set(err, R_CONFLICT, "there are %zu of %s: name the one you mean by its id", found, name);
    memcpy(ret, items, what->size);
    return OK;
}

enum result store_change(struct store *s, const char *sql, const struct store_value *params, size_t count,
                         const char *name, struct error *err)
{
    int64_t changed;
    enum result r = store_exec(s, sql, params, count, &changed, err);
    if (r == OK && changed == 0)
        return error_set(err, R_NOTFOUND, "there is no %s", name);
    return r;
}
