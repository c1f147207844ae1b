/* SPDX-License-Identifier: Apache-2.0 */
/* Header and rows of an inventory. */
#include "plan/inventory.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

enum { COLUMN_NAME = PLAN_INPUTS, COLUMN_OTHER, NEEDED_INPUTS = PLAN_SCENARIO + 1 };

struct reader {
    struct inventory *ret;
    struct csv *csv;
    struct csv_record record;
    unsigned char meaning[CSV_FIELDS_MAX]; /* of each column: an input, COLUMN_NAME or COLUMN_OTHER */
    size_t columns;
};

/* For eyes: without control characters, cut to size. */
static void show(char *ret, size_t size, struct slice text)
{
    size_t n = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < n; i++)
        ret[i] = (unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f ? '?' : text.ptr[i];
    while (n > 0 && n < text.len && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
        n--; /* not within a character of UTF-8 */
    ret[n] = '\0';
}

static struct inventory_fault *add_fault(struct reader *r, uint64_t line, unsigned column, const char *field)
{
    struct inventory *i = r->ret;
    if (i->fault_count == INVENTORY_FAULTS_MAX)
        return NULL;
    if (i->fault_count % 64 == 0)
        i->faults = mem_resize(i->faults, i->fault_count + 64, sizeof *i->faults);
    struct inventory_fault *f = &i->faults[i->fault_count++];
    *f = (struct inventory_fault){.line = line, .column = column, .field = field};
    return f;
}

static void row_fault(struct reader *r, unsigned column, const char *text)
{
    struct inventory_fault *f = add_fault(r, r->record.line, column, "");
    if (f)
        (void)snprintf(f->text, sizeof f->text, "%s", text);
}

static void field_fault(struct reader *r, const struct csv_field *field, const char *name, const char *expected)
{
    struct inventory_fault *f = add_fault(r, r->record.line, field->column, name);
    if (!f)
        return;
    show(f->value, sizeof f->value, field->text);
    (void)snprintf(f->text, sizeof f->text, "'%s' is no %s; expected %s", f->value, name, expected);
}

/* --- header --- */

/* The column's meaning; other spellings than PROTOCOL 7's are taken where only one meaning is thinkable. */
static unsigned char meaning_of(struct slice title)
{
    static const struct {
        const char *name;
        unsigned char meaning;
    } synonyms[] = {{"name", COLUMN_NAME},      {"device", COLUMN_NAME},
                    {"cert", PLAN_CERTIFICATE}, {"client_version", PLAN_VERSION},
                    {"signin", PLAN_SIGN_IN},   {"client_has_root", PLAN_ROOT}};
    struct slice t = slice_trim(title);
    for (unsigned char in = 0; in < PLAN_INPUTS; in++) {
        if (slice_eq_nocase(t, slice_of(plan_input_name(in))))
            return in;
    }
    for (size_t i = 0; i < ARRAY_LEN(synonyms); i++) {
        if (slice_eq_nocase(t, slice_of(synonyms[i].name)))
            return synonyms[i].meaning;
    }
    return COLUMN_OTHER;
}

static const char *column_name(unsigned char meaning)
{
    return meaning == COLUMN_NAME ? "name" : plan_input_name(meaning);
}

#define WANTED "the first line names the columns: name,join,certificate,version,crl,scenario"

static enum result check_header(const bool *seen, struct error *err)
{
    if (!seen[COLUMN_NAME])
        return error_set(err, R_INVALID, "the header has no column 'name'; " WANTED);
    for (unsigned char in = 0; in < NEEDED_INPUTS; in++) {
        if (!seen[in])
            return error_set(err, R_INVALID,
                             "the header has no column '%s'; " WANTED ". Leave its cells empty where it is not known",
                             column_name(in));
    }
    return OK;
}

static enum result read_header(struct reader *r, struct error *err)
{
    bool seen[COLUMN_OTHER + 1] = {false};
    for (size_t i = 0; i < r->record.count; i++) {
        unsigned char meaning = meaning_of(r->record.fields[i].text);
        r->meaning[i] = meaning;
        if (meaning == COLUMN_OTHER) {
            if (r->ret->ignored_count < INVENTORY_IGNORED_MAX)
                show(r->ret->ignored[r->ret->ignored_count++], sizeof r->ret->ignored[0], r->record.fields[i].text);
        } else if (seen[meaning]) {
            return error_set(err, R_INVALID, "line %llu, column %u: the header names '%s' twice",
                             (unsigned long long)r->record.line, r->record.fields[i].column, column_name(meaning));
        }
        seen[meaning] = true;
    }
    r->columns = r->record.count;
    memcpy(r->ret->has, seen, sizeof r->ret->has);
    return check_header(seen, err);
}

/* --- rows --- */

static bool read_name(struct reader *r, const struct csv_field *field, struct plan_device *d)
{
    d->name = slice_trim(field->text);
    if (d->name.len > 0 && d->name.len <= PLAN_NAME_MAX)
        return true;
    field_fault(r, field, "name", d->name.len == 0 ? "a name" : "at most 255 bytes");
    return false;
}

static bool read_fields(struct reader *r, struct plan_device *d)
{
    bool good = true;
    for (size_t i = 0; i < r->record.count; i++) {
        const struct csv_field *field = &r->record.fields[i];
        unsigned char meaning = r->meaning[i];
        if (meaning == COLUMN_NAME) {
            good = read_name(r, field, d) && good;
        } else if (meaning < PLAN_INPUTS && !plan_input_parse(meaning, field->text, &d->input[meaning])) {
            field_fault(r, field, plan_input_name(meaning), plan_input_expected(meaning));
            good = false;
        }
    }
    return good;
}

/* A quote that was forgotten is closed by the next one, which may stand some lines below. */
static void tell_extent(struct reader *r)
{
    char text[160];
    if (r->record.last_line <= r->record.line)
        return;
    (void)snprintf(text, sizeof text,
                   "this row goes on to line %llu, in a quoted field; is a quote missing, or one too many?",
                   (unsigned long long)r->record.last_line);
    row_fault(r, 1, text);
}

static enum result read_row(struct reader *r, struct error *err)
{
    struct plan_device d = {{NULL, 0}, {0}};
    char text[120];
    bool whole = r->record.count == r->columns;
    r->ret->rows++;
    if (whole && read_fields(r, &d))
        return plan_fleet_add(r->ret->fleet, &d, err);
    r->ret->bad_rows++;
    if (!whole) {
        (void)snprintf(text, sizeof text, "%zu fields where the header names %zu columns", r->record.count, r->columns);
        row_fault(r, r->record.fields[r->record.count - 1].column, text);
    }
    tell_extent(r);
    return OK;
}

static enum result read_record(struct reader *r, enum result got, struct error *fault, struct error *err)
{
    if (got == OK)
        return r->columns == 0 ? read_header(r, err) : read_row(r, err);
    if (r->columns == 0)
        return error_set(err, R_INVALID, "line %llu, column %u: %s; " WANTED, (unsigned long long)r->record.line,
                         r->record.fields[0].column, fault->text);
    r->ret->rows++;
    r->ret->bad_rows++;
    row_fault(r, r->record.fields[0].column, fault->text);
    return OK;
}

static enum result read_all(struct reader *r, inventory_read_fn *read, void *user, struct error *err)
{
    for (;;) {
        struct error fault;
        enum result got = csv_next(r->csv, &r->record, &fault), result = OK;
        if (got == R_EOF)
            return r->columns > 0 ? OK : error_set(err, R_INVALID, "the file is empty; " WANTED);
        if (got == R_AGAIN) {
            size_t room, len;
            char *to = csv_room(r->csv, &room);
            result = read(user, to, room, &len, err);
            if (result == OK)
                csv_came(r->csv, len);
        } else {
            result = read_record(r, got, &fault, err);
        }
        if (result != OK)
            return result;
    }
}

enum result inventory_read(struct inventory *ret, inventory_read_fn *read, void *user, struct error *err)
{
    struct reader r = {.ret = ret, .csv = csv_new()};
    *ret = (struct inventory){.fleet = plan_fleet_new()};
    enum result result = read_all(&r, read, user, err);
    csv_free(r.csv);
    return result;
}

void inventory_end(struct inventory *i)
{
    plan_fleet_free(i->fleet);
    free(i->faults);
    *i = (struct inventory){0};
}
