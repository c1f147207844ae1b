/* SPDX-License-Identifier: Apache-2.0 */
/* Columns, colours and lines of a terminal (term.h). The widths of characters are utf8proc's; what may be shown is
 * base/utf8.h's to say. Keeps no state. */
#include "term/term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include "base/attr.h"
#include "base/utf8.h"

/* The narrowest that is respected. */
enum { WIDTH_MIN = 30 };

/* --- what the terminal takes --- */

static bool is_live(FILE *out)
{
    const char *term = getenv("TERM");
    return isatty(fileno(out)) == 1 && !(term && strcmp(term, "dumb") == 0);
}

static bool is_coloured(FILE *out)
{
    const char *no_colour = getenv("NO_COLOR");
    return !(no_colour && *no_colour) && is_live(out);
}

const char *term_on(FILE *out, enum term_colour colour)
{
    static const char *const codes[] = {
        [TERM_PLAIN] = "",       [TERM_GREEN] = "\033[32m", [TERM_YELLOW] = "\033[33m",
        [TERM_RED] = "\033[31m", [TERM_FAINT] = "\033[2m",  [TERM_BOLD] = "\033[1m",
    };
    return is_coloured(out) ? codes[colour] : "";
}

const char *term_off(FILE *out)
{
    return is_coloured(out) ? "\033[0m" : "";
}

/* By the locale's character set, without making it this program's. */
static bool is_ascii_only(void)
{
    locale_t own = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    const char *set = own ? nl_langinfo_l(CODESET, own) : "ANSI_X3.4-1968";
    bool utf8 = strcmp(set, "UTF-8") == 0;
    if (own)
        freelocale(own);
    return !utf8;
}

/* On a terminal that is too narrow lines break, and one that broke can't be replaced. */
static void fit_window(struct term *t)
{
    struct winsize size;
    if (ioctl(fileno(t->out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_col > t->width)
        return;
    t->live = t->live && size.ws_col >= WIDTH_MIN;
    t->width = size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
}

void term_begin(struct term *t, FILE *out, size_t width_max)
{
    *t = (struct term){.out = out, .width = width_max, .live = is_live(out)};
    if (isatty(fileno(out)) != 1)
        return;
    t->ascii = is_ascii_only();
    fit_window(t);
}

/* --- columns --- */

/* Of the character at the front, and its bytes; one that is not shown takes the column of its '?'. */
static size_t measure_character(const struct term *t, struct slice text, size_t *ret_len)
{
    size_t len = utf8_character(text), shown = utf8_shown(text);
    utf8proc_int32_t c = 0;
    *ret_len = len ? len : 1;
    if (shown <= 1 || t->ascii)
        return 1;
    (void)utf8proc_iterate((const utf8proc_uint8_t *)text.ptr, (utf8proc_ssize_t)len, &c);
    return (size_t)utf8proc_charwidth(c);
}

size_t term_columns(const struct term *t, struct slice text)
{
    size_t columns = 0, len;
    for (; text.len; text = slice_skip(text, len))
        columns += measure_character(t, text, &len);
    return columns;
}

struct slice term_front(const struct term *t, struct slice text, size_t room)
{
    struct slice rest = text;
    size_t used = 0, len;
    while (rest.len) {
        used += measure_character(t, rest, &len);
        if (used > room)
            break;
        rest = slice_skip(rest, len);
    }
    return slice_make(text.ptr, text.len - rest.len);
}

/* --- lines --- */

void term_put(const struct term *t, struct slice text)
{
    while (text.len) {
        size_t len = utf8_character(text), shown = utf8_shown(text);
        if (shown == 1 || (shown && !t->ascii))
            (void)fwrite(text.ptr, 1, shown, t->out);
        else
            (void)fputc('?', t->out);
        text = slice_skip(text, len ? len : 1);
    }
}

static void begin_line(const struct term *t, size_t indent)
{
    (void)fprintf(t->out, "\n%*s", (int)indent, "");
}

/* Cut where the line ends; a line that has no room for even one character takes it all the same. */
static size_t put_word(const struct term *t, struct slice word, size_t column, size_t indent)
{
    while (!t->whole && column + term_columns(t, word) > t->width) {
        struct slice fits = term_front(t, word, column < t->width ? t->width - column : 0);
        if (!fits.len && column <= indent) {
            size_t len;
            (void)measure_character(t, word, &len);
            fits = slice_make(word.ptr, len);
        }
        term_put(t, fits);
        word = slice_skip(word, fits.len);
        if (!word.len)
            return t->width;
        begin_line(t, indent);
        column = indent;
    }
    term_put(t, word);
    return column + term_columns(t, word);
}

void term_wrap(const struct term *t, const char *text, size_t column, size_t indent)
{
    size_t begin = column;
    struct slice rest = slice_of(text);
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (column > begin && column + 1 + term_columns(t, word) > t->width) {
            begin_line(t, indent);
            column = begin = indent;
        }
        if (column > begin) {
            (void)fputc(' ', t->out);
            column++;
        }
        column = put_word(t, word, column, indent);
    }
    (void)fputc('\n', t->out);
}
