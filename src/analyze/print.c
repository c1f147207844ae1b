/* SPDX-License-Identifier: Apache-2.0 */
#include "analyze/print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"

enum { TITLE_WIDTH = 38, INDENT = 10, WIDTH = 110, BESIDE_MAX = 70 };

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

/* Words between two margins; `used` columns of the first line are. */
static void wrap(FILE *out, const char *text, size_t used)
{
    size_t column = used;
    struct slice rest = slice_of(text);
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (column > used && column + 1 + word.len > WIDTH - INDENT) {
            (void)fprintf(out, "\n%*s", INDENT, "");
            column = used = 0;
        }
        (void)fprintf(out, "%s%" PRIslice, column > used ? " " : "", SLICE_ARG(word));
        column += word.len + (column > used ? 1 : 0);
    }
    (void)fputc('\n', out);
}

static void labelled(const struct analyze_print *p, const char *label, const char *text)
{
    if (!*text)
        return;
    (void)fprintf(p->out, "%*s%s%s%s ", INDENT, "", on(p, BOLD), label, off(p));
    wrap(p->out, text, strlen(label) + 1);
}

static void begins(void *arg, const struct analyze_result *r)
{
    const struct analyze_print *p = arg;
    if (!p->live)
        return;
    (void)fprintf(p->out, "  %s…%s       %-*s", on(p, FAINT), off(p), TITLE_WIDTH, r->title);
    (void)fflush(p->out);
}

static void print_step(const struct analyze_print *p, const struct analyze_result *r)
{
    static const enum colour colours[] = {GREEN, RED, FAINT};
    char ms[24] = "";
    if (p->live)
        (void)fputs("\r\033[K", p->out);
    if (r->outcome != ANALYZE_SKIPPED)
        (void)snprintf(ms, sizeof ms, "%lld ms", (long long)r->ms);
    bool beside = r->outcome != ANALYZE_FAILED && strlen(r->found) <= BESIDE_MAX;
    (void)fprintf(p->out, "  %s%-7s%s %-*s %9s", on(p, colours[r->outcome]), analyze_outcome_name(r->outcome), off(p),
                  TITLE_WIDTH, r->title, ms);
    (void)fputs(beside && r->found[0] ? "  " : "\n", p->out);
    if (!beside)
        (void)fprintf(p->out, "%*s", INDENT, "");
    (void)fputs(r->outcome == ANALYZE_SKIPPED ? on(p, FAINT) : "", p->out);
    if (r->found[0])
        wrap(p->out, r->found, 0);
    (void)fputs(r->outcome == ANALYZE_SKIPPED ? off(p) : "", p->out);
    labelled(p, "cause:", r->cause);
    labelled(p, "remedy:", r->remedy);
    if (r->request_id[0])
        labelled(p, "request:", r->request_id);
    (void)fflush(p->out);
}

/* Consequences of one cause take one line together. */
static void flush_consequences(struct analyze_print *p)
{
    if (p->consequences)
        (void)fprintf(p->out, "  %sskipped %zu more steps: they need '%s'%s\n", on(p, FAINT), p->consequences,
                      p->wanting, off(p));
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
    const char *no_colour = getenv("NO_COLOR");
    *p = (struct analyze_print){.out = out};
    p->live = isatty(fileno(out)) == 1;
    p->colour = p->live && !(no_colour && *no_colour);
    (void)fprintf(out, "%sConnection analysis of %s:%u%s, ", on(p, BOLD), c->gateway.host, c->gateway.port, off(p));
    if (c->as_certificate)
        (void)fprintf(out, "as certificate %s\n\n", c->as_certificate);
    else
        (void)fprintf(out, "credential: %s%s%s\n\n", analyze_kind_name(c->credential->kind),
                      c->credential->subject[0] ? ", " : "", c->credential->subject);
}

struct analyze_watch analyze_print_watch(struct analyze_print *p)
{
    return (struct analyze_watch){begins, ended, p};
}

static void list_kinds(FILE *out, const struct analyze_proof *proof, bool proved)
{
    size_t n = 0;
    for (enum analyze_kind k = ANALYZE_PKI; k < ANALYZE_KINDS; k++) {
        if (proof->of[k] == proved)
            (void)fprintf(out, "%s%s", n++ ? ", " : "", analyze_kind_name(k));
    }
    (void)fputs(n ? "\n" : "nothing\n", out);
}

static void print_proof(const struct analyze_print *p, const struct analyze_config *c,
                        const struct analyze_proof *proof)
{
    (void)fprintf(p->out, "  %sProved%s     ", on(p, BOLD), off(p));
    list_kinds(p->out, proof, true);
    (void)fprintf(p->out, "  %sNot proved%s ", on(p, BOLD), off(p));
    list_kinds(p->out, proof, false);
    if (!c->own_device)
        (void)fprintf(p->out, "             A device that uses one of these may fail all the same: run cmg-client "
                              "analyze on it.\n");
}

void analyze_print_end(struct analyze_print *p, const struct analyze_config *c, const struct analyze_report *report,
                       const struct analyze_proof *proof)
{
    const struct analyze_result *fault = analyze_report_fault(report);
    flush_consequences(p);
    (void)fputc('\n', p->out);
    if (c->as_certificate)
        (void)fputs("  The certificate alone was judged. That the device holds its key, sends its intermediates and "
                    "reaches\n  the gateway is proved on the device only: cmg-client analyze\n",
                    p->out);
    else
        print_proof(p, c, proof);
    if (fault)
        (void)fprintf(p->out, "  %sFirst cause%s %s, at '%s'\n", on(p, RED), off(p), fault->cause, fault->title);
    else
        (void)fprintf(p->out, "  %sNothing failed.%s\n", on(p, GREEN), off(p));
}
