/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/print.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/slice.h"
#include "base/utf8.h"

/* Of lines: to a file, and as wide as they become on a terminal that is wider; the narrowest that is respected. */
enum {
    LINE_WIDTH = 130,
    LINE_MIN = 30,
    TEXT_WIDTH = 110,
    TITLE_WIDTH = 38,
    INDENT = 10,
    STATE_WIDTH = 10,
    MS_WIDTH = 10,
    OTHERS = STATE_WIDTH + MS_WIDTH + 1 /* the last column stays free: some terminals break the line there */
};

enum colour { PLAIN, GREEN, RED, FAINT, BOLD };

static const char *on(const struct analyze_print *p, enum colour c)
{
    static const char *const codes[] = {"", "\033[32m", "\033[31m", "\033[2m", "\033[1m"};
    return p->colour ? codes[c] : "";
}

static const char *off(const struct analyze_print *p)
{
    return p->colour ? "\033[0m" : "";
}

/* --- lines that fit --- */

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t columns(struct slice text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += begins_character(text.ptr[i]);
    return n;
}

/* The front of it that takes so many columns. */
static struct slice front(struct slice text, size_t room)
{
    size_t i = 0;
    for (size_t used = 0; i < text.len; i++) {
        used += begins_character(text.ptr[i]);
        if (used > room)
            break;
    }
    return slice_make(text.ptr, i);
}

/* Some of it was said by others: nothing in it moves the cursor. A terminal that takes ASCII alone gets one '?' for
 * each other character. */
static void put(const struct analyze_print *p, struct slice text)
{
    while (text.len) {
        size_t len = utf8_character(text), shown = utf8_shown(text);
        if (shown == 1 || (shown && !p->ascii))
            (void)fwrite(text.ptr, 1, shown, p->out);
        else
            (void)fputc('?', p->out);
        text = slice_skip(text, len ? len : 1);
    }
}

static const char *ellipsis(const struct analyze_print *p)
{
    return p->ascii ? "." : "…";
}

static size_t text_width(const struct analyze_print *p)
{
    return p->width < TEXT_WIDTH ? p->width : TEXT_WIDTH;
}

/* A word that is longer than a line is cut where the line ends. */
static size_t put_word(const struct analyze_print *p, struct slice word, size_t column, size_t width, size_t indent)
{
    while (column + columns(word) > width) {
        struct slice fits = front(word, width - column);
        put(p, fits);
        word = slice_skip(word, fits.len);
        (void)fprintf(p->out, "\n%*s", (int)indent, "");
        column = indent;
    }
    put(p, word);
    return column + columns(word);
}

/* Words from this column on; the lines that follow begin at `indent`. Ends the line. */
static void wrap(const struct analyze_print *p, const char *text, size_t column, size_t indent)
{
    size_t width = text_width(p), begin = column;
    struct slice rest = slice_of(text);
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (column > begin && column + 1 + columns(word) > width) {
            (void)fprintf(p->out, "\n%*s", (int)indent, "");
            column = begin = indent;
        }
        if (column > begin) {
            (void)fputc(' ', p->out);
            column++;
        }
        column = put_word(p, word, column, width, indent);
    }
    (void)fputc('\n', p->out);
}

static void labelled(const struct analyze_print *p, const char *label, const char *text)
{
    if (!*text)
        return;
    (void)fprintf(p->out, "%*s%s%s%s ", INDENT, "", on(p, BOLD), label, off(p));
    wrap(p, text, INDENT + strlen(label) + 1, INDENT);
}

/* --- steps --- */

/* Padded to where the next column begins; gives the columns it took. `others`: those of the line that are not the
 * title's. On a terminal it is cut to what they leave, for a line that broke could not be replaced. */
static size_t put_title(const struct analyze_print *p, const char *title, size_t others)
{
    struct slice text = slice_of(title);
    size_t room = p->width - others, pad = room < TITLE_WIDTH ? room : TITLE_WIDTH, n = columns(text);
    bool cut = p->live && n > room;
    put(p, cut ? front(text, room - 1) : text);
    (void)fputs(cut ? ellipsis(p) : "", p->out);
    n = cut ? room : n;
    (void)fprintf(p->out, "%*s", n < pad ? (int)(pad - n) : 0, "");
    return n < pad ? pad : n;
}

static void begins(void *arg, const struct analyze_result *r)
{
    const struct analyze_print *p = arg;
    if (!p->live)
        return;
    (void)fprintf(p->out, "  %s%s%s       ", on(p, FAINT), ellipsis(p), off(p));
    (void)put_title(p, r->title, OTHERS);
    (void)fflush(p->out);
}

/* Beside the step when it fits there, else below it. `ms` is the last thing of the step's own line. */
static void print_found(const struct analyze_print *p, const struct analyze_result *r, const char *ms, size_t used)
{
    size_t len = columns(slice_of(r->found));
    bool beside = len && r->outcome != ANALYZE_FAILED && used + MS_WIDTH + 2 + len <= p->width;
    if (*ms || beside)
        (void)fprintf(p->out, "%*s", MS_WIDTH, ms);
    if (len == 0) {
        (void)fputc('\n', p->out);
        return;
    }
    (void)fputs(r->outcome == ANALYZE_SKIPPED ? on(p, FAINT) : "", p->out);
    if (beside) {
        (void)fputs("  ", p->out);
        put(p, slice_of(r->found));
        (void)fputc('\n', p->out);
    } else {
        (void)fprintf(p->out, "\n%*s", INDENT, "");
        wrap(p, r->found, INDENT, INDENT);
    }
    (void)fputs(r->outcome == ANALYZE_SKIPPED ? off(p) : "", p->out);
}

static void print_step(const struct analyze_print *p, const struct analyze_result *r)
{
    static const enum colour colours[] = {GREEN, RED, FAINT};
    char ms[24] = "";
    if (p->live)
        (void)fputs("\r\033[K", p->out);
    if (r->outcome != ANALYZE_SKIPPED)
        (void)snprintf(ms, sizeof ms, "%lld ms", (long long)r->ms);
    (void)fprintf(p->out, "  %s%-7s%s ", on(p, colours[r->outcome]), analyze_outcome_name(r->outcome), off(p));
    size_t used = STATE_WIDTH + put_title(p, r->title, OTHERS);
    print_found(p, r, ms, used);
    labelled(p, "cause:", r->cause);
    labelled(p, "remedy:", r->remedy);
    if (r->request_id[0])
        labelled(p, "request:", r->request_id);
    (void)fflush(p->out);
}

/* Consequences of one cause take one line together. */
static void flush_consequences(struct analyze_print *p)
{
    char text[sizeof p->wanting + 64];
    if (p->consequences) {
        (void)snprintf(text, sizeof text, "skipped %zu more steps: they need '%s'", p->consequences, p->wanting);
        (void)fprintf(p->out, "  %s", on(p, FAINT));
        wrap(p, text, 2, INDENT);
        (void)fputs(off(p), p->out);
    }
    p->consequences = 0;
}

static void ended(void *arg, const struct analyze_result *r)
{
    struct analyze_print *p = arg;
    if (r->needs[0]) {
        if (p->consequences && strcmp(r->needs_title, p->wanting) != 0)
            flush_consequences(p);
        (void)snprintf(p->wanting, sizeof p->wanting, "%s", r->needs_title);
        p->consequences++;
        return;
    }
    flush_consequences(p);
    print_step(p, r);
}

/* On a terminal too narrow for a step's line, which would break and could not be replaced, no running step is shown. */
static size_t line_width(FILE *out, bool *live)
{
    struct winsize size;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_col > LINE_WIDTH)
        return LINE_WIDTH;
    *live = *live && size.ws_col >= LINE_MIN;
    return size.ws_col < LINE_MIN ? LINE_MIN : size.ws_col;
}

/* By the locale's character set, once this program has one. */
static bool is_ascii_only(void)
{
    locale_t own = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    const char *set = own ? nl_langinfo_l(CODESET, own) : "ANSI_X3.4-1968";
    bool utf8 = strcmp(set, "UTF-8") == 0;
    if (own)
        freelocale(own);
    return !utf8;
}

void analyze_print_begin(struct analyze_print *p, FILE *out, const struct analyze_config *c)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    bool terminal = isatty(fileno(out)) == 1;
    char what[640], gateway[300];
    *p = (struct analyze_print){.out = out, .width = LINE_WIDTH};
    p->live = terminal && !(term && strcmp(term, "dumb") == 0);
    p->colour = p->live && !(no_colour && *no_colour);
    p->ascii = terminal && is_ascii_only();
    if (terminal)
        p->width = line_width(out, &p->live);
    analyze_gateway_text(&c->gateway, gateway, sizeof gateway);
    if (c->as_certificate)
        (void)snprintf(what, sizeof what, "Connection analysis of %s, as certificate %s", gateway, c->as_certificate);
    else
        (void)snprintf(what, sizeof what, "Connection analysis of %s, credential: %s%s%s", gateway,
                       analyze_kind_name(c->credential->kind), c->credential->subject[0] ? ", " : "",
                       c->credential->subject);
    (void)fputs(on(p, BOLD), out);
    wrap(p, what, 0, INDENT);
    (void)fprintf(out, "%s\n", off(p));
}

struct analyze_watch analyze_print_watch(struct analyze_print *p)
{
    return (struct analyze_watch){begins, ended, p};
}

static void print_kinds(const struct analyze_print *p, const char *label, const struct analyze_proof *proof,
                        bool proved)
{
    char text[256] = "";
    size_t used = 0;
    for (enum analyze_kind k = ANALYZE_PKI; k < ANALYZE_KINDS && used < sizeof text; k++) {
        if (proof->of[k] == proved)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? ", " : "", analyze_kind_name(k));
    }
    (void)fprintf(p->out, "  %s%-*s%s ", on(p, BOLD), INDENT, label, off(p));
    wrap(p, used ? text : "nothing", INDENT + 3, INDENT + 3);
}

/* A line of the end: text behind a mark that is in colour. */
static void say(const struct analyze_print *p, enum colour c, const char *mark, const char *text)
{
    (void)fprintf(p->out, "  %s%s%s", on(p, c), mark, off(p));
    wrap(p, text, 2 + strlen(mark), 2);
}

void analyze_print_end(struct analyze_print *p, const struct analyze_config *c, const struct analyze_report *report,
                       const struct analyze_proof *proof)
{
    const struct analyze_result *fault = analyze_report_fault(report);
    char text[256];
    flush_consequences(p);
    (void)fputc('\n', p->out);
    if (c->as_certificate) {
        say(p, PLAIN, "",
            "The certificate alone was judged. That the device holds its key, sends its intermediates and reaches the "
            "gateway is proved on the device only: cmg-client analyze");
    } else {
        print_kinds(p, "Proved", proof, true);
        print_kinds(p, "Not proved", proof, false);
        if (!c->own_device)
            say(p, PLAIN, "", "A device that uses one of these may fail all the same: run cmg-client analyze on it.");
    }
    (void)snprintf(text, sizeof text, "%s, at '%s'", fault ? fault->cause : "", fault ? fault->title : "");
    if (fault)
        say(p, RED, "First cause ", text);
    else
        say(p, GREEN, "Nothing failed.", "");
}
