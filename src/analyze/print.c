/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis as people read it, step by step (print.h): which line a step takes, and what stands below it. How text
 * fits on a terminal is term.h's. */
#include "analyze/print.h"

#include <string.h>

/* Of lines: to a file, and as wide as they become on a terminal that is wider. */
enum {
    LINE_WIDTH = 130,
    TEXT_WIDTH = 110,
    TITLE_WIDTH = 38,
    INDENT = 10,
    STATE_WIDTH = 10,
    MS_WIDTH = 10,
    OTHERS = STATE_WIDTH + MS_WIDTH + 1 /* the last column stays free: some terminals break the line there */
};

static size_t columns(const struct analyze_print *p, const char *text)
{
    return term_columns(&p->lines, slice_of(text));
}

static const char *ellipsis(const struct analyze_print *p)
{
    return p->lines.ascii ? "." : "…";
}

/* Text is narrower than the lines of steps may be. */
static void wrap(const struct analyze_print *p, const char *text, size_t column, size_t indent)
{
    struct term t = p->lines;
    t.width = t.width < TEXT_WIDTH ? t.width : TEXT_WIDTH;
    term_wrap(&t, text, column, indent);
}

static void labelled(const struct analyze_print *p, const char *label, const char *text)
{
    if (!*text)
        return;
    (void)fprintf(p->lines.out, "%*s%s%s%s ", INDENT, "", term_on(p->lines.out, TERM_BOLD), label,
                  term_off(p->lines.out));
    wrap(p, text, INDENT + strlen(label) + 1, INDENT);
}

/* --- steps --- */

/* Padded to where the next column begins; gives the columns it took. `others`: those of the line that are not the
 * title's. On a terminal it is cut to what they leave, for a line that broke could not be replaced. */
static size_t put_title(const struct analyze_print *p, const char *title, size_t others)
{
    struct slice text = slice_of(title);
    size_t room = p->lines.width - others, pad = room < TITLE_WIDTH ? room : TITLE_WIDTH;
    bool cut = p->lines.live && columns(p, title) > room;
    if (cut)
        text = term_front(&p->lines, text, room - 1);
    size_t n = term_columns(&p->lines, text) + cut;

    term_put(&p->lines, text);
    (void)fputs(cut ? ellipsis(p) : "", p->lines.out);
    (void)fprintf(p->lines.out, "%*s", n < pad ? (int)(pad - n) : 0, "");
    return n < pad ? pad : n;
}

static void begins(void *arg, const struct analyze_result *r)
{
    const struct analyze_print *p = arg;
    if (!p->lines.live)
        return;
    (void)fprintf(p->lines.out, "  %s%s%s       ", term_on(p->lines.out, TERM_FAINT), ellipsis(p),
                  term_off(p->lines.out));
    (void)put_title(p, r->title, OTHERS);
    (void)fflush(p->lines.out);
}

/* Beside the step when it fits there, else below it. `ms` is the last thing of the step's own line. */
static void print_found(const struct analyze_print *p, const struct analyze_result *r, const char *ms, size_t used)
{
    size_t len = columns(p, r->found);
    bool beside = len && r->outcome != ANALYZE_FAILED && used + MS_WIDTH + 2 + len <= p->lines.width;
    if (*ms || beside)
        (void)fprintf(p->lines.out, "%*s", MS_WIDTH, ms);
    if (len == 0) {
        (void)fputc('\n', p->lines.out);
        return;
    }
    (void)fputs(r->outcome == ANALYZE_SKIPPED ? term_on(p->lines.out, TERM_FAINT) : "", p->lines.out);
    if (beside) {
        (void)fputs("  ", p->lines.out);
        term_put(&p->lines, slice_of(r->found));
        (void)fputc('\n', p->lines.out);
    } else {
        (void)fprintf(p->lines.out, "\n%*s", INDENT, "");
        wrap(p, r->found, INDENT, INDENT);
    }
    (void)fputs(r->outcome == ANALYZE_SKIPPED ? term_off(p->lines.out) : "", p->lines.out);
}

static void print_step(const struct analyze_print *p, const struct analyze_result *r)
{
    static const enum term_colour colours[] = {TERM_GREEN, TERM_RED, TERM_FAINT};
    char ms[24] = "";
    if (p->lines.live)
        (void)fputs("\r\033[K", p->lines.out);
    if (r->outcome != ANALYZE_SKIPPED)
        (void)snprintf(ms, sizeof ms, "%lld ms", (long long)r->ms);
    (void)fprintf(p->lines.out, "  %s%-7s%s ", term_on(p->lines.out, colours[r->outcome]),
                  analyze_outcome_name(r->outcome), term_off(p->lines.out));
    size_t used = STATE_WIDTH + put_title(p, r->title, OTHERS);
    print_found(p, r, ms, used);
    labelled(p, "cause:", r->cause);
    labelled(p, "remedy:", r->remedy);
    if (r->request_id[0])
        labelled(p, "request:", r->request_id);
    (void)fflush(p->lines.out);
}

/* Consequences of one cause take one line together. */
static void flush_consequences(struct analyze_print *p)
{
    char text[sizeof p->wanting + 64];
    if (p->consequences) {
        (void)snprintf(text, sizeof text, "skipped %zu more steps: they need '%s'", p->consequences, p->wanting);
        (void)fprintf(p->lines.out, "  %s", term_on(p->lines.out, TERM_FAINT));
        wrap(p, text, 2, INDENT);
        (void)fputs(term_off(p->lines.out), p->lines.out);
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

void analyze_print_begin(struct analyze_print *p, FILE *out, const struct analyze_config *c)
{
    char what[640], gateway[300];
    *p = (struct analyze_print){.consequences = 0};
    term_begin(&p->lines, out, LINE_WIDTH);
    analyze_gateway_text(&c->gateway, gateway, sizeof gateway);
    if (c->as_certificate)
        (void)snprintf(what, sizeof what, "Connection analysis of %s, as certificate %s", gateway, c->as_certificate);
    else
        (void)snprintf(what, sizeof what, "Connection analysis of %s, credential: %s%s%s", gateway,
                       analyze_kind_name(c->credential->kind), c->credential->subject[0] ? ", " : "",
                       c->credential->subject);
    (void)fputs(term_on(p->lines.out, TERM_BOLD), out);
    wrap(p, what, 0, INDENT);
    (void)fprintf(out, "%s\n", term_off(p->lines.out));
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
    (void)fprintf(p->lines.out, "  %s%-*s%s ", term_on(p->lines.out, TERM_BOLD), INDENT, label, term_off(p->lines.out));
    wrap(p, used ? text : "nothing", INDENT + 3, INDENT + 3);
}

/* A line of the end: text behind a mark that is in colour. */
static void say(const struct analyze_print *p, enum term_colour c, const char *mark, const char *text)
{
    (void)fprintf(p->lines.out, "  %s%s%s", term_on(p->lines.out, c), mark, term_off(p->lines.out));
    wrap(p, text, 2 + strlen(mark), 2);
}

void analyze_print_end(struct analyze_print *p, const struct analyze_config *c, const struct analyze_report *report,
                       const struct analyze_proof *proof)
{
    const struct analyze_result *fault = analyze_report_fault(report);
    char text[256];
    flush_consequences(p);
    (void)fputc('\n', p->lines.out);
    if (c->as_certificate) {
        say(p, TERM_PLAIN, "",
            "The certificate alone was judged. That the device holds its key, sends its intermediates and reaches the "
            "gateway is proved on the device only: cmg-client analyze");
    } else {
        print_kinds(p, "Proved", proof, true);
        print_kinds(p, "Not proved", proof, false);
        if (!c->own_device)
            say(p, TERM_PLAIN, "",
                "A device that uses one of these may fail all the same: run cmg-client analyze on it.");
    }
    (void)snprintf(text, sizeof text, "%s, at '%s'", fault ? fault->cause : "", fault ? fault->title : "");
    if (fault)
        say(p, TERM_RED, "First cause ", text);
    else
        say(p, TERM_GREEN, "Nothing failed.", "");
}
