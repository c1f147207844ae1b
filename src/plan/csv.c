/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A window of bytes; each csv_next() scans one record in it. The scan begins only when the window holds more than the
 * longest record or all the rest of the file, so that a record is never scanned twice. What was quoted is copied to
 * `unquoted`; all else stays where it came.
 */
#include "plan/csv.h"

#include <stdlib.h>

#include "base/mem.h"

enum { WINDOW = 8 * CSV_RECORD_MAX };

struct csv {
    char window[WINDOW];
    char unquoted[CSV_RECORD_MAX];
    size_t start, end;
    uint64_t line;  /* of window[start] */
    char separator; /* 0: not known yet */
    bool ended;     /* no more bytes will come */
    bool skipping;  /* to the next line, behind a fault */
};

struct csv *csv_new(void)
{
    struct csv *c = mem_zalloc(sizeof *c);
    c->line = 1;
    return c;
}

void csv_free(struct csv *c)
{
    free(c);
}

char *csv_room(struct csv *c, size_t *ret_room)
{
    memmove(c->window, c->window + c->start, c->end - c->start);
    c->end -= c->start;
    c->start = 0;
    *ret_room = WINDOW - c->end;
    return c->window + c->end;
}

void csv_came(struct csv *c, size_t count)
{
    c->end += count;
    c->ended = c->ended || count == 0;
}

static struct slice unread(const struct csv *c)
{
    return slice_make(c->window + c->start, c->end - c->start);
}

/* --- one record --- */

struct scan {
    const char *at, *end; /* at most CSV_RECORD_MAX + 1 bytes */
    const char *line_start;
    char *unquoted; /* free place */
    uint64_t line;
    char separator;
    struct csv_record *record;
    struct error *err;
};

/* A fault at `at`: the record is given up. */
static enum result fault(struct scan *s, const char *at, const char *text)
{
    s->record->line = s->line;
    s->record->fields[0].column = (unsigned)(at - s->line_start) + 1;
    return error_set(s->err, R_INVALID, "%s", text);
}

static bool ends_field(const struct scan *s)
{
    return s->at == s->end || *s->at == s->separator || *s->at == '\n' || *s->at == '\r';
}

#define NUL_FAULT "a NUL byte; save the file as CSV in UTF-8"

/* Behind the opening quote: copies up to the closing one, and stops there, at a NUL or at the end. */
static void unquote(struct scan *s)
{
    for (; s->at < s->end; s->at++) {
        if (*s->at == '"') {
            if (s->at + 1 == s->end || s->at[1] != '"')
                return;
            s->at++;
        }
        if (*s->at == '\0')
            return;
        *s->unquoted++ = *s->at;
        if (*s->at == '\n') {
            s->line++;
            s->line_start = s->at + 1;
        }
    }
}

static enum result quoted(struct scan *s, struct csv_field *ret)
{
    const struct scan open = *s;
    s->at++;
    unquote(s);
    if (s->at == s->end) {
        s->line = open.line;
        s->line_start = open.line_start;
        return fault(s, open.at, "a quote opens here and is not closed within the longest record");
    }
    if (*s->at == '\0')
        return fault(s, s->at, NUL_FAULT);
    s->at++;
    ret->text = slice_make(open.unquoted, (size_t)(s->unquoted - open.unquoted));
    if (!ends_field(s))
        return fault(s, s->at, "behind a closing quote there is neither a separator nor the line's end");
    return OK;
}

static enum result plain(struct scan *s, struct csv_field *ret)
{
    const char *text = s->at;
    for (; !ends_field(s); s->at++) {
        if (*s->at == '"')
            return fault(s, s->at,
                         "a quote inside a field without quotes; quote the whole field and double this quote");
        if (*s->at == '\0')
            return fault(s, s->at, NUL_FAULT);
    }
    ret->text = slice_make(text, (size_t)(s->at - text));
    return OK;
}

static enum result line_end(struct scan *s)
{
    if (s->at < s->end && *s->at == '\r') {
        if (s->at + 1 < s->end && s->at[1] != '\n')
            return fault(s, s->at, "a carriage return without a line feed; lines end with LF or CRLF");
        s->at++;
    }
    if (s->at < s->end)
        s->at++;
    s->line++;
    return OK;
}

static enum result scan_record(struct scan *s)
{
    struct csv_record *record = s->record;
    record->line = s->line;
    record->count = 0;
    for (;;) {
        if (record->count == CSV_FIELDS_MAX)
            return fault(s, s->at, "more than 64 columns");
        struct csv_field *field = &record->fields[record->count++];
        field->column = (unsigned)(s->at - s->line_start) + 1;
        enum result r = s->at < s->end && *s->at == '"' ? quoted(s, field) : plain(s, field);
        if (r != OK)
            return r;
        if (s->at == s->end || *s->at != s->separator)
            return line_end(s);
        s->at++;
    }
}

/* --- the file --- */

/* Goes on behind the next line feed, which may be in bytes still to come. */
static void skip_line(struct csv *c)
{
    size_t lf = slice_find(unread(c), '\n');
    c->skipping = lf == SIZE_MAX;
    c->start = lf == SIZE_MAX ? c->end : c->start + lf + 1;
    c->line += lf != SIZE_MAX;
}

static void skip_empty_lines(struct csv *c)
{
    for (struct slice s = unread(c); s.len > 0; s = unread(c)) {
        size_t n = s.ptr[0] == '\n' ? 1 : slice_starts(s, SLICE("\r\n")) ? 2 : 0;
        if (n == 0)
            break;
        c->start += n;
        c->line++;
    }
}

/* Spreadsheets write and read a line "sep=;" before all others. */
static bool names_separator(struct slice line, char *ret)
{
    struct slice text = line;
    if (text.len && text.ptr[text.len - 1] == '\r')
        text.len--;
    if (text.len != 5 || !slice_starts_nocase(text, SLICE("sep=")) || text.ptr[4] == '\0' ||
        !strchr(",;|\t", text.ptr[4]))
        return false;
    *ret = text.ptr[4];
    return true;
}

/* How often it stands in a line, quoted fields left out. */
static size_t count_unquoted(struct slice line, char separator)
{
    size_t count = 0;
    bool inside = false;
    for (size_t i = 0; i < line.len; i++) {
        inside = inside != (line.ptr[i] == '"');
        count += !inside && line.ptr[i] == separator;
    }
    return count;
}

/* The one that is there most often; '\0' where there is none. */
static char separator_of(struct slice line)
{
    char best = '\0';
    size_t most = 0;
    for (const char *s = ",;\t"; *s; s++) {
        size_t count = count_unquoted(line, *s);
        if (count > most) {
            most = count;
            best = *s;
        }
    }
    return best;
}

/* The first line that has a separator decides which it is: titles above the header have none. */
static void begin(struct csv *c)
{
    if (slice_starts(unread(c), SLICE("\xef\xbb\xbf")))
        c->start += 3;
    struct slice rest = unread(c), line = slice_cut(&rest, '\n');
    if (rest.ptr && names_separator(line, &c->separator)) {
        c->start += line.len + 1;
        c->line++;
        return;
    }
    while (!(c->separator = separator_of(line)) && rest.ptr)
        line = slice_cut(&rest, '\n');
    if (!c->separator)
        c->separator = ',';
}

static enum result next(struct csv *c, struct csv_record *ret, struct error *err)
{
    struct slice all = unread(c);
    bool whole = all.len <= CSV_RECORD_MAX; /* then it is the rest of the file */
    struct scan s = {.at = all.ptr,
                     .end = all.ptr + (whole ? all.len : CSV_RECORD_MAX),
                     .line_start = all.ptr,
                     .unquoted = c->unquoted,
                     .line = c->line,
                     .separator = c->separator,
                     .record = ret,
                     .err = err};
    enum result r = scan_record(&s);
    if (r == OK && s.at == s.end && !whole) {
        s.line = c->line;
        s.line_start = all.ptr;
        r = fault(&s, all.ptr, "the record is longer than 16 KiB");
    }
    if (r == OK) {
        c->start += (size_t)(s.at - all.ptr);
        c->line = s.line;
        ret->last_line = s.line - 1;
    }
    return r;
}

enum result csv_next(struct csv *c, struct csv_record *ret, struct error *err)
{
    for (;;) {
        if (c->end - c->start <= CSV_RECORD_MAX && !c->ended)
            return R_AGAIN;
        if (c->separator == 0)
            begin(c);
        if (c->skipping)
            skip_line(c);
        else
            skip_empty_lines(c);
        if (c->start == c->end && c->ended)
            return R_EOF;
        if (!c->skipping && (c->ended || c->end - c->start > CSV_RECORD_MAX))
            break;
    }
    enum result r = next(c, ret, err);
    if (r != OK)
        skip_line(c);
    return r;
}
