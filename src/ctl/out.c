/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people (out.h): columns are measured first, then printed; widths are columns of a terminal. */
#include "ctl/out.h"

#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { CELL_MAX = 4096, ROWS_MAX = 100000 };

static size_t text_width(const char *text)
{
    static const struct term utf8;
    return term_columns(&utf8, slice_of(text));
}

static void clean_text(char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        size_t len = utf8_shown(slice_make(text, left));
        if (len == 0) {
            *text = '?';
            len = 1;
        }
        text += len;
        left -= len;
    }
}

static char *time_text(int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[32] = "";
    if (!gmtime_r(&t, &tm) || strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm) == 0)
        (void)snprintf(text, sizeof text, "%lld", (long long)seconds);
    return mem_strdup(text);
}

/* How long until then, in words that stand out when it is soon. */
enum { DAY_S = 86400, SOON_DAYS = 60 };
static char *left_text(int64_t seconds)
{
    int64_t left = seconds - clock_wall_s(), days = left / DAY_S;
    char text[48];
    if (left <= 0)
        return mem_strdup("HAS ENDED");
    (void)snprintf(text, sizeof text, "%lld day%s%s", (long long)days, days == 1 ? "" : "s",
                   days <= SOON_DAYS ? ": renew it soon" : "");
    return mem_strdup(text);
}

/* As it is written on the command line: "2h", "90s". */
static char *duration_text(int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{DAY_S, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
    size_t i = 0;
    while (seconds % units[i].seconds != 0)
        i++;
    char text[32];
    (void)snprintf(text, sizeof text, "%lld%s", (long long)(seconds / units[i].seconds), units[i].unit);
    return mem_strdup(text);
}

/* The texts of an object within a list, one behind the other: a certificate is its hash and its subject. */
static char *object_text(const json_t *object)
{
    struct buf b;
    buf_init(&b, CELL_MAX);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        if (json_is_string(value))
            (void)!buf_printf(&b, "%s%s", buf_len(&b) > 0 ? " " : "", json_string_value(value));
    }
    char *ret = buf_len(&b) > 0 ? buf_take_str(&b) : mem_strdup("");
    buf_free(&b);
    clean_text(ret);
    return ret;
}

static char *list_text(const json_t *list, const char *absent)
{
    enum { MORE_MAX = 32 };
    struct buf b;
    buf_init(&b, CELL_MAX + MORE_MAX);
    size_t count = json_array_size(list);
    bool fits = true;
    for (size_t i = 0; i < count && fits; i++) {
        const json_t *item = json_array_get(list, i);
        char *text = json_is_object(item) ? object_text(item) : ctl_cell_text(item, CTL_TEXT, "");
        fits = buf_len(&b) + strlen(text) < CELL_MAX;
        (void)!(fits ? buf_printf(&b, "%s%s", i > 0 ? "," : "", text) : buf_printf(&b, " and %zu more", count - i));
        free(text);
    }
    char *ret = buf_len(&b) > 0 ? buf_take_str(&b) : mem_strdup(absent);
    buf_free(&b);
    return ret;
}

char *ctl_cell_text(const json_t *value, enum ctl_cell kind, const char *absent)
{
    const char *none = absent ? absent : "-";
    if (!value || json_is_null(value))
        return mem_strdup(none);
    if (kind == CTL_TIME && json_is_integer(value))
        return json_integer_value(value) > 0 ? time_text(json_integer_value(value)) : mem_strdup(none);
    if (kind == CTL_DURATION && json_is_integer(value))
        return json_integer_value(value) > 0 ? duration_text(json_integer_value(value)) : mem_strdup(none);
    if (kind == CTL_LEFT && json_is_integer(value))
        return left_text(json_integer_value(value));
    if (json_is_array(value))
        return list_text(value, none);
    char *text = json_is_string(value)    ? mem_strdup(json_string_value(value))
                 : json_is_boolean(value) ? mem_strdup(json_is_true(value) ? "yes" : "no")
                                          : json_text(value);
    if (!text || text[0] == '\0') {
        free(text);
        return mem_strdup(none);
    }
    clean_text(text);
    return text;
}

static enum term_colour state_colour(const char *state)
{
    static const struct {
        const char *state;
        enum term_colour colour;
    } colours[] = {{"approved", TERM_GREEN},  {"active", TERM_GREEN},   {"valid", TERM_GREEN},
                   {"connected", TERM_GREEN}, {"pending", TERM_YELLOW}, {"used", TERM_YELLOW},
                   {"used up", TERM_YELLOW},  {"expired", TERM_YELLOW}, {"blocked", TERM_RED},
                   {"revoked", TERM_RED},     {"ok", TERM_GREEN},       {"unknown", TERM_YELLOW},
                   {"failed", TERM_RED},      {"missing", TERM_RED}};
    for (size_t i = 0; i < ARRAY_LEN(colours); i++) {
        if (strcmp(state, colours[i].state) == 0)
            return colours[i].colour;
    }
    return TERM_PLAIN;
}

static size_t count_columns(const struct ctl_column *columns)
{
    size_t n = 0;
    while (columns[n].title)
        n++;
    return n;
}

static void print_cell(FILE *out, const char *text, size_t width, enum ctl_cell kind, bool last)
{
    size_t used = text_width(text), pad = width > used ? width - used : 0;
    enum term_colour colour = kind == CTL_STATE ? state_colour(text) : TERM_PLAIN;
    if (kind == CTL_NUMBER)
        (void)fprintf(out, "%*s", (int)pad, "");
    if (colour == TERM_PLAIN)
        (void)fputs(text, out);
    else
        (void)fprintf(out, "%s%s%s", term_on(out, colour), text, term_off(out));
    if (!last)
        (void)fprintf(out, "%*s", (int)(kind == CTL_NUMBER ? 2 : pad + 2), "");
}

static void print_head(FILE *out, const struct ctl_column *columns, const size_t *widths, size_t n)
{
    (void)fputs(term_on(out, TERM_BOLD), out);
    for (size_t c = 0; c < n; c++)
        print_cell(out, columns[c].title, widths[c], columns[c].kind == CTL_NUMBER ? CTL_NUMBER : CTL_TEXT, c + 1 == n);
    (void)fprintf(out, "%s\n", term_off(out));
}

void ctl_table_rows(FILE *out, const json_t *list, const struct ctl_column *columns, size_t widths[CTL_COLUMNS_MAX])
{
    size_t n = count_columns(columns), rows = json_array_size(list);
    bool head = widths[0] == 0;
    if (n > CTL_COLUMNS_MAX)
        fatal("a table of more than %d columns", CTL_COLUMNS_MAX);
    char **cells = mem_array(rows * n, sizeof *cells);
    for (size_t c = 0; c < n && head; c++)
        widths[c] = text_width(columns[c].title);
    for (size_t i = 0; i < rows * n; i++) {
        const struct ctl_column *column = &columns[i % n];
        const json_t *object = json_array_get(list, i / n);
        cells[i] = ctl_cell_text(json_object_get(object, column->member), column->kind, column->absent);
        size_t width = text_width(cells[i]);
        if (width > widths[i % n])
            widths[i % n] = width;
    }
    if (head)
        print_head(out, columns, widths, n);
    for (size_t i = 0; i < rows * n; i++) {
        print_cell(out, cells[i], widths[i % n], columns[i % n].kind, i % n + 1 == n);
        if (i % n + 1 == n)
            (void)fputc('\n', out);
        free(cells[i]);
    }
    free(cells);
}

void ctl_table(FILE *out, const json_t *list, const struct ctl_column *columns, const char *empty)
{
    size_t rows = json_array_size(list), widths[CTL_COLUMNS_MAX] = {0};
    if (rows == 0 || rows > ROWS_MAX)
        (void)fprintf(out, "%s\n", rows == 0 ? empty : "too many rows to show; use --json");
    else
        ctl_table_rows(out, list, columns, widths);
}

void ctl_details(FILE *out, const json_t *object, const struct ctl_column *columns)
{
    size_t n = count_columns(columns), width = 0;
    for (size_t c = 0; c < n; c++) {
        size_t w = text_width(columns[c].title);
        width = w > width ? w : width;
    }
    for (size_t c = 0; c < n; c++) {
        char *text = ctl_cell_text(json_object_get(object, columns[c].member), columns[c].kind, columns[c].absent);
        (void)fprintf(out, "%s:%*s ", columns[c].title, (int)(width - text_width(columns[c].title)), "");
        print_cell(out, text, 0, columns[c].kind, true);
        (void)fputc('\n', out);
        free(text);
    }
}

void ctl_wrap(FILE *out, const char *text, size_t indent, size_t width)
{
    const struct term t = {.out = out, .width = width, .whole = true};
    term_wrap(&t, text, indent, indent);
}

void ctl_print_json(FILE *out, const json_t *value, bool pretty)
{
    (void)json_dumpf(value, out, (pretty ? JSON_INDENT(2) : JSON_COMPACT) | JSON_ENCODE_ANY);
    (void)fputc('\n', out);
}
