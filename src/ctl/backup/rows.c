/* SPDX-License-Identifier: Apache-2.0 */
/* Rows to JSON and back (rows.h). */
#include "ctl/backup/rows.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text/encode.h"

#define AS_BYTES "base64"

static enum result write_line(struct buf *b, json_t *line)
{
    char *text = json_text(line);
    enum result r = buf_append_str(b, text);
    if (r == OK)
        r = buf_append_str(b, "\n");
    mem_free_secret(text, strlen(text));
    json_decref(line);
    return r;
}

enum result rows_write_table(struct buf *b, const struct store_copy_row *row)
{
    json_t *columns = json_array();
    for (size_t i = 0; i < row->count; i++)
        (void)json_array_append_new(columns, json_string(row->columns[i]));
    return write_line(b, json_pack("{s:s, s:o}", "table", row->table, "columns", columns));
}

static json_t *bytes_value(struct slice bytes)
{
    char *text = mem_zalloc(BASE64_SIZE(bytes.len));
    (void)encode_base64(bytes, text);
    json_t *ret = json_pack("{s:s}", AS_BYTES, text);
    free(text);
    return ret;
}

static json_t *value_of(const struct store_value *v)
{
    if (v->kind == STORE_NULL)
        return json_null();
    if (v->kind == STORE_INT)
        return json_integer((json_int_t)v->number);
    bool plain = !v->bytes.len || !memchr(v->bytes.ptr, '\0', v->bytes.len);
    json_t *ret = plain ? json_stringn(v->bytes.ptr ? v->bytes.ptr : "", v->bytes.len) : NULL;
    return ret ? ret : bytes_value(v->bytes);
}

enum result rows_write(struct buf *b, const struct store_copy_row *row)
{
    json_t *values = json_array();
    for (size_t i = 0; i < row->count; i++)
        (void)json_array_append_new(values, value_of(&row->values[i]));
    return write_line(b, values);
}

/* --- reading --- */

struct row_reading {
    json_t *table; /* the last line of its kind */
    struct store_copy_row row;
    char *bytes[STORE_COPY_COLUMNS]; /* of the present row, decoded */
};

static enum result malformed(struct error *err)
{
    return error_set(err, R_INVALID, "its rows are not as cmg site backup writes them");
}

static enum result take_table(struct row_reading *r, json_t *line, struct error *err)
{
    json_t *columns = json_object_get(line, "columns"), *name;
    size_t i;
    json_decref(r->table);
    r->table = json_incref(line);
    r->row = (struct store_copy_row){.table = json_opt_str(line, "table", ""), .count = json_array_size(columns)};
    if (!*r->row.table || !r->row.count || r->row.count > STORE_COPY_COLUMNS)
        return malformed(err);
    json_array_foreach(columns, i, name) {
        if (!json_is_string(name))
            return malformed(err);
        r->row.columns[i] = json_string_value(name);
    }
    return OK;
}

static bool take_bytes(struct row_reading *r, size_t i, const json_t *value)
{
    struct slice text = slice_of(json_opt_str(value, AS_BYTES, "?"));
    size_t len;
    r->bytes[i] = mem_zalloc(text.len + 1);
    if (!decode_base64(text, r->bytes[i], text.len, &len))
        return false;
    r->row.values[i] = STORE_S(slice_make(r->bytes[i], len));
    return true;
}

static bool take_value(struct row_reading *r, size_t i, const json_t *value)
{
    struct store_value *to = &r->row.values[i];
    *to = (struct store_value){STORE_NULL, SLICE_NONE, 0};
    if (json_is_integer(value))
        *to = STORE_N(json_integer_value(value));
    else if (json_is_string(value))
        *to = STORE_S(slice_make(json_string_value(value), json_string_length(value)));
    else if (json_is_object(value))
        return take_bytes(r, i, value);
    return json_is_integer(value) || json_is_string(value) || json_is_null(value);
}

static enum result take_row(struct row_reading *r, const json_t *line, store_copy_fn *fn, void *ctx, struct error *err)
{
    bool good = r->table && json_array_size(line) == r->row.count;
    for (size_t i = 0; i < r->row.count && good; i++)
        good = take_value(r, i, json_array_get(line, i));
    enum result result = good ? fn(ctx, &r->row, err) : malformed(err);
    for (size_t i = 0; i < STORE_COPY_COLUMNS; i++) {
        free(r->bytes[i]);
        r->bytes[i] = NULL;
    }
    return result;
}

enum result rows_read(struct slice part, store_copy_fn *fn, void *ctx, struct error *err)
{
    struct row_reading r = {0};
    enum result result = OK;
    while (part.len && result == OK) {
        struct slice text = slice_cut(&part, '\n');
        json_t *line;
        result = json_parse(text, ROWS_LINE_MAX, &line, err);
        if (result != OK)
            break;
        result = json_is_object(line) ? take_table(&r, line, err) : take_row(&r, line, fn, ctx, err);
        json_decref(line);
    }
    json_decref(r.table);
    return result;
}
