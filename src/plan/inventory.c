/* SPDX-License-Identifier: Apache-2.0 */
/* Header and rows of an inventory. */
#include "plan/inventory.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/mem.h"

enum { COLUMN_NAME = PLAN_INPUTS, COLUMN_OTHER, NEEDED_INPUTS = PLAN_SCENARIO + 1 };

enum { TITLES_MAX = 20 }; /* lines of a report above its header */

struct reader {
    struct inventory *ret;
    struct csv *csv;
    struct csv_record record;
    unsigned char meaning[CSV_FIELDS_MAX]; /* of each column: an input, COLUMN_NAME or COLUMN_OTHER */
    size_t columns;
    char first[40]; /* what the first heading begins with */
};

/* For eyes: without control characters, cut to size. */
static void show_text(char *ret, size_t size, struct slice text)
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
    if (i->fault_count == INVENTORY_FAULTS_MAX) {
        i->faults_left_off = true;
        return NULL;
    }
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
    show_text(f->value, sizeof f->value, field->text);
    (void)snprintf(f->text, sizeof f->text, "'%s' is no %s; expected %s", f->value, name, expected);
}

/* --- header --- */

/* "Device Name", "device_name" and "deviceName" are one title. */
static bool is_title(struct slice title, const char *name)
{
    for (size_t i = 0; i < title.len; i++) {
        char c = title.ptr[i];
        if (c == ' ' || c == '_' || c == '-')
            continue;
        if (ascii_lower(c) != *name++)
            return false;
    }
    return *name == '\0';
}

/* The column's meaning; other titles than PROTOCOL 7's are taken where only one meaning is thinkable, those of the
 * exports of Configuration Manager, Entra and Intune among them. */
static unsigned char meaning_of(struct slice title)
{
    static const struct {
        const char *name;
        unsigned char meaning;
    } titles[] = {{"name", COLUMN_NAME},
                  {"join", PLAN_JOIN},
                  {"certificate", PLAN_CERTIFICATE},
                  {"version", PLAN_VERSION},
                  {"crl", PLAN_CRL},
                  {"scenario", PLAN_SCENARIO},
                  {"root", PLAN_ROOT},
                  {"usersignin", PLAN_SIGN_IN},
                  {"cmgallowed", PLAN_ALLOWED},
                  {"device", COLUMN_NAME},
                  {"devicename", COLUMN_NAME},
                  {"displayname", COLUMN_NAME},
                  {"computername", COLUMN_NAME},
                  {"jointype", PLAN_JOIN},
                  {"trusttype", PLAN_JOIN},
                  {"cert", PLAN_CERTIFICATE},
                  {"clientversion", PLAN_VERSION},
                  {"signin", PLAN_SIGN_IN},
                  {"clienthasroot", PLAN_ROOT}};
    struct slice t = slice_trim(title);
    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        if (is_title(t, titles[i].name))
            return titles[i].meaning;
    }
    return COLUMN_OTHER;
}

/* A line with at most one title that is known is a report's own heading, or "#TYPE …" (Export-Csv). */
static bool is_heading(const struct csv_record *record)
{
    size_t known = 0;
    for (size_t i = 0; i < record->count; i++)
        known += meaning_of(record->fields[i].text) != COLUMN_OTHER;
    return known < 2;
}

static const char *column_name(unsigned char meaning)
{
    return meaning == COLUMN_NAME ? "name" : plan_input_name(meaning);
}

#define WANTED "a line above the devices names the columns: name,join,certificate,version,crl,scenario"

/* No line was a header: err shows what the first one holds. */
static enum result no_header(const struct reader *r, struct error *err)
{
    if (!r->first[0])
        return error_set(err, R_INVALID, "the file is empty; " WANTED);
    return error_set(err, R_INVALID, "there is no column 'name' in the first %d lines, which begin with '%s'; " WANTED,
                     TITLES_MAX, r->first);
}

static enum result pass_heading(struct reader *r, struct error *err)
{
    if (r->ret->headings++ == 0)
        show_text(r->first, sizeof r->first, r->record.fields[0].text);
    return r->ret->headings < TITLES_MAX ? OK : no_header(r, err);
}

static enum result check_header(const bool *seen, struct error *err)
{
    if (!seen[COLUMN_NAME])
        return error_set(err, R_INVALID, "the header has no column 'name'; " WANTED);
    for (int in = 0; in < NEEDED_INPUTS; in++) {
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
                show_text(r->ret->ignored[r->ret->ignored_count++], sizeof r->ret->ignored[0],
                          r->record.fields[i].text);
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
        return r->columns > 0 ? read_row(r, err) : is_heading(&r->record) ? pass_heading(r, err) : read_header(r, err);
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
            return r->columns > 0 ? OK : no_header(r, err);
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
