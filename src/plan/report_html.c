/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan as one HTML page: an SVG chart, tables, no script, nothing from elsewhere. Whatever is not of this file goes
 * through escape().
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "plan/report.h"

/* Remembers the first failure, so that a page can be written line by line. */
struct page {
    struct buf *out;
    enum result r;
};

static void put_text(struct page *p, const char *text)
{
    if (p->r == OK)
        p->r = buf_append_str(p->out, text);
}

static void putf(struct page *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void putf(struct page *p, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        p->r = R_LIMIT;
    else
        put_text(p, text);
}

static void escape(struct page *p, const char *text)
{
    static const char *const entities[128] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;", ['`'] = "&#96;"};
    for (const char *c = text; p->r == OK && *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 128 && entities[byte])
            put_text(p, entities[byte]);
        else
            p->r = buf_append(p->out, slice_make(byte < 0x20 || byte == 0x7f ? " " : c, 1));
    }
}

static int64_t number(const json_t *o, const char *name)
{
    return json_opt_int(o, name, 0);
}

/* "1 device", "12,345 devices" */
static void put_number(struct page *p, int64_t n)
{
    if (n >= 1000) {
        put_number(p, n / 1000);
        putf(p, ",%03d", (int)(n % 1000));
    } else {
        putf(p, "%d", (int)n);
    }
}

static void put_devices(struct page *p, int64_t n)
{
    put_number(p, n);
    put_text(p, n == 1 ? " device" : " devices");
}

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Plan for the "
    "CMG</title>\n<style>\n"
    ":root{color-scheme:light dark;--pki:#2563eb;--entra:#0d9488;--token:#7c3aed;--unknown:#6b7280;--cut:#dc2626;"
    "--dim:#595959;--alarm:#b91c1c}\n"
    "@media (prefers-color-scheme:dark){:root{--pki:#60a5fa;--entra:#2dd4bf;--token:#a78bfa;--unknown:#9ca3af;"
    "--cut:#f87171;--dim:#b0b0b0;--alarm:#fca5a5}}\n"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;"
    "overflow-wrap:break-word}\n"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}\n"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #8884}\n"
    "td.n,th.n,td.v{text-align:right}td.n,th.n{font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "figure{margin:1rem 0 1.5rem}.bar{display:flex;align-items:center;gap:.6rem;margin:.4rem 0}"
    ".bar b{flex:0 0 5.5rem}\n"
    ".bar svg{flex:1;width:100%;min-width:0;height:2.25rem}"
    ".bar rect{stroke:Canvas;stroke-width:2;vector-effect:non-scaling-stroke}\n"
    ".key{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;list-style:none;margin:.6rem 0 0;padding:0}.key li{margin:0}\n"
    ".key svg{width:.9em;height:.9em;vertical-align:-.08em}\n"
    ".pki{fill:var(--pki)}.entra{fill:var(--entra)}.token{fill:var(--token)}.unknown{fill:var(--unknown)}"
    ".cut{fill:var(--cut)}\n"
    ".names{color:var(--dim);font-size:.9em;overflow-wrap:anywhere}code{font-size:.9em}li{margin:.6rem 0}\n"
    ".bad{color:var(--alarm);font-weight:600}\n"
    "@media (max-width:34rem){body{margin:1rem auto}table{font-size:.85rem}"
    "th,td{padding:.3rem .25rem;overflow-wrap:anywhere}ol,ul{padding-left:1.4rem}.bar{display:block}}\n"
    "@media print{:root{color-scheme:light;--pki:#2563eb;--entra:#0d9488;--token:#7c3aed;--unknown:#6b7280;"
    "--cut:#dc2626;--dim:#444;--alarm:#b91c1c}body{max-width:none;margin:0;padding:0;font-size:10.5pt}tr,li,figure{"
    "break-inside:avoid}"
    "h2,h3{break-after:avoid}}\n"
    "</style>\n</head>\n<body>\n";

/* --- chart --- */

static const struct {
    const char *name, *css, *label;
    bool method;
} fates[] = {{"pki", "pki", "pki", true},
             {"entra", "entra", "entra", true},
             {"token", "token", "token", true},
             {"unknown", "unknown", "unknown", false},
             {"cut_off", "cut", "cut off", false}};

static int64_t fate_count(const json_t *side, size_t fate)
{
    return number(fates[fate].method ? json_object_get(side, "methods") : side, fates[fate].name);
}

enum { BAR_WIDTH = 1000 };

/* Without text, so that it may be stretched to any width; the key below says the numbers. */
static void put_bar(struct page *p, const json_t *side, const char *label, int64_t total)
{
    double x = 0;
    putf(p, "<div class=\"bar\"><b>%s</b><svg viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
         label, BAR_WIDTH);
    for (size_t i = 0; i < ARRAY_LEN(fates); i++) {
        int64_t n = fate_count(side, i);
        if (n <= 0 || total <= 0)
            continue;
        double width = (double)n / (double)total * BAR_WIDTH;
        putf(p,
             "<rect class=\"%s\" x=\"%.1f\" y=\"0\" width=\"%.1f\" height=\"10\"><title>%s %s: %" PRId64
             "</title></rect>",
             fates[i].css, x, width, label, fates[i].label, n);
        x += width;
    }
    put_text(p, "</svg></div>\n");
}

static void put_key(struct page *p, const json_t *today, const json_t *proposed)
{
    put_text(p, "<ul class=\"key\">\n");
    for (size_t i = 0; i < ARRAY_LEN(fates); i++) {
        putf(p,
             "<li><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"%s\" width=\"1\" height=\"1\"/></svg> "
             "%s ",
             fates[i].css, fates[i].label);
        put_number(p, fate_count(today, i));
        if (proposed) {
            put_text(p, " → ");
            put_number(p, fate_count(proposed, i));
        }
        put_text(p, "</li>\n");
    }
    put_text(p, "</ul>\n");
}

static void put_chart(struct page *p, const json_t *report, int64_t total)
{
    const json_t *today = json_object_get(report, "today"), *proposed = json_object_get(report, "proposed");
    proposed = json_is_object(proposed) ? proposed : NULL;
    putf(p, "<figure aria-label=\"Devices by method, today%s\">\n", proposed ? " and as proposed" : "");
    put_bar(p, today, "Today", total);
    if (proposed)
        put_bar(p, proposed, "Proposed", total);
    put_key(p, today, proposed);
    put_text(p, "</figure>\n");
}

/* --- tables --- */

static void put_count_row(struct page *p, const char *label, int64_t today, int64_t proposed, bool two)
{
    putf(p, "<tr><td>%s</td><td class=\"n\">", label);
    put_number(p, today);
    if (two) {
        put_text(p, "</td><td class=\"n\">");
        put_number(p, proposed);
    }
    put_text(p, "</td></tr>\n");
}

static void put_words(struct page *p, const json_t *array, const char *separator)
{
    size_t i;
    json_t *word;
    json_array_foreach(array, i, word) {
        put_text(p, i ? separator : "");
        escape(p, json_is_string(word) ? json_string_value(word) : "");
    }
}

static void put_setup_row(struct page *p, const char *label, const char *member, const json_t *const *sides,
                          size_t count)
{
    putf(p, "<tr><td>%s</td>", label);
    for (size_t i = 0; i < count; i++) {
        const json_t *v = json_object_get(json_object_get(sides[i], "setup"), member);
        put_text(p, "<td class=\"v\">");
        if (json_is_array(v))
            put_words(p, v, ", ");
        else
            escape(p, json_is_string(v) ? json_string_value(v) : "");
        put_text(p, "</td>");
    }
    put_text(p, "</tr>\n");
}

static void put_sides(struct page *p, const json_t *report)
{
    const json_t *sides[2] = {json_object_get(report, "today"), json_object_get(report, "proposed")};
    bool two = json_is_object(sides[1]);
    put_text(p, "<table>\n<tr><th></th><th class=\"n\">Today</th>");
    put_text(p, two ? "<th class=\"n\">Proposed</th></tr>\n" : "</tr>\n");
    static const char *const setup[][2] = {
        {"Management points", "mp"},   {"Methods let in", "clients"}, {"Gateway's certificate", "server_cert"},
        {"CRL checking", "crl_check"}, {"CRL relayed", "crl_relay"},  {"Connector's certificate", "connector_cert"}};
    for (size_t i = 0; i < ARRAY_LEN(setup); i++)
        put_setup_row(p, setup[i][0], setup[i][1], sides, two ? 2 : 1);
    for (size_t i = 0; i < ARRAY_LEN(fates); i++)
        put_count_row(p, fates[i].label, fate_count(sides[0], i), fate_count(sides[1], i), two);
    static const char *const users[][2] = {{"user policy wanted: works", "works"},
                                           {"user policy wanted: none", "none"},
                                           {"user policy: unknown", "unknown"}};
    for (size_t i = 0; i < ARRAY_LEN(users); i++)
        put_count_row(p, users[i][0], number(json_object_get(sides[0], "user_policy"), users[i][1]),
                      number(json_object_get(sides[1], "user_policy"), users[i][1]), two);
    put_text(p, "</table>\n");
}

static void put_examples(struct page *p, const json_t *of)
{
    const json_t *names = json_object_get(of, "examples");
    int64_t more = number(of, "devices") - (int64_t)json_array_size(names);
    if (json_array_size(names) == 0)
        return;
    put_text(p, "<div class=\"names\">");
    put_words(p, names, ", ");
    if (more > 0) {
        put_text(p, " and ");
        put_number(p, more);
        put_text(p, " more");
    }
    put_text(p, "</div>");
}

static void put_group(struct page *p, const json_t *group)
{
    put_text(p, "<tr><td class=\"n\">");
    put_number(p, number(group, "devices"));
    put_text(p, "</td><td>");
    const json_t *depends = json_object_get(group, "depends_on"), *reasons = json_object_get(group, "reasons");
    if (json_array_size(depends) > 0) {
        put_text(p, "<div>depends on: <b>");
        put_words(p, depends, ", ");
        put_text(p, "</b></div>");
    }
    if (json_array_size(reasons) == 0)
        put_text(p, json_opt_bool(group, "works", false)
                        ? "<div>they work either way; by which method is unknown</div>"
                        : "<div>no method that this set-up lets in is one of theirs</div>");
    size_t i;
    json_t *reason;
    json_array_foreach(reasons, i, reason) {
        put_text(p, "<div><b>");
        escape(p, json_opt_str(reason, "title", ""));
        put_text(p, "</b> <code>");
        escape(p, json_opt_str(reason, "id", ""));
        put_text(p, "</code><br>");
        escape(p, json_opt_str(reason, "text", ""));
        put_text(p, "</div>");
    }
    put_examples(p, group);
    put_text(p, "</td></tr>\n");
}

static void put_groups(struct page *p, const char *title, const json_t *groups)
{
    size_t i;
    json_t *group;
    if (json_array_size(groups) == 0)
        return;
    putf(p, "<h3>%s</h3>\n<table>\n<tr><th class=\"n\">Devices</th><th>Why</th></tr>\n", title);
    json_array_foreach(groups, i, group)
        put_group(p, group);
    put_text(p, "</table>\n");
}

static void put_side_details(struct page *p, const char *title, const json_t *side)
{
    if (!json_is_object(side))
        return;
    putf(p, "<h2>%s</h2>\n", title);
    if (number(side, "cut_off") == 0)
        put_text(p, "<p>Nobody is cut off.</p>\n");
    put_groups(p, "Cut off", json_object_get(side, "cut_off_groups"));
    put_groups(p, "Unknown", json_object_get(side, "unknown_groups"));
    put_groups(p, "Works, but without the user policy that is wanted",
               json_object_get(json_object_get(side, "user_policy"), "groups"));
}

static void put_change(struct page *p, const json_t *changes, const char *member, const char *label)
{
    const json_t *names = json_object_get(changes, member);
    if (number(names, "devices") == 0)
        return;
    put_text(p, "<li><b>");
    put_devices(p, number(names, "devices"));
    putf(p, "</b> %s", label);
    put_examples(p, names);
    put_text(p, "</li>\n");
}

static void put_changes(struct page *p, const json_t *changes)
{
    if (!json_is_object(changes))
        return;
    put_text(p, "<h2>What changes</h2>\n<ul>\n");
    put_change(p, changes, "cut_off", "would be cut off that are not today");
    put_change(p, changes, "unknown", "would become unknown");
    put_change(p, changes, "rescued", "that are cut off today would work");
    put_change(p, changes, "lose_user_policy", "would lose user policy");
    put_change(p, changes, "gain_user_policy", "would gain user policy");
    put_text(p, "</ul>\n<table>\n<tr><th>Today</th><th>Proposed</th><th class=\"n\">Devices</th></tr>\n");
    size_t i;
    json_t *move;
    json_array_foreach(json_object_get(changes, "moves"), i, move) {
        put_text(p, "<tr><td>");
        escape(p, json_opt_str(move, "from", ""));
        put_text(p, "</td><td>");
        escape(p, json_opt_str(move, "to", ""));
        put_text(p, "</td><td class=\"n\">");
        put_number(p, number(move, "devices"));
        put_text(p, "</td></tr>\n");
    }
    put_text(p, "</table>\n");
}

static void put_steps(struct page *p, const json_t *steps)
{
    size_t i;
    json_t *step;
    put_text(p, "<h2>What to do, in order</h2>\n<ol>\n");
    json_array_foreach(steps, i, step) {
        put_text(p, "<li><b>");
        escape(p, json_opt_str(step, "title", ""));
        put_text(p, "</b>");
        if (number(step, "devices") > 0) {
            put_text(p, " (");
            put_devices(p, number(step, "devices"));
            put_text(p, ")");
        }
        put_text(p, "<br>");
        escape(p, json_opt_str(step, "text", ""));
        put_examples(p, step);
        put_text(p, "</li>\n");
    }
    put_text(p, "</ol>\n");
}

static void put_faults(struct page *p, const json_t *inventory)
{
    size_t i;
    json_t *fault;
    if (number(inventory, "bad_rows") == 0)
        return;
    put_text(p, "<h2>Bad rows</h2>\n<p class=\"bad\">");
    put_number(p, number(inventory, "bad_rows"));
    put_text(p, number(inventory, "bad_rows") == 1 ? " row" : " rows");
    put_text(p, " could not be read, in none of the numbers.</p>\n<table>\n<tr><th class=\"n\">Line</th>"
                "<th class=\"n\">Column</th><th>What is wrong</th></tr>\n");
    json_array_foreach(json_object_get(inventory, "faults"), i, fault) {
        putf(p, "<tr><td class=\"n\">%" PRId64 "</td><td class=\"n\">%" PRId64 "</td><td>", number(fault, "line"),
             number(fault, "column"));
        escape(p, json_opt_str(fault, "text", ""));
        put_text(p, "</td></tr>\n");
    }
    put_text(p, "</table>\n");
    if (json_opt_bool(inventory, "faults_left_off", false))
        put_text(p, "<p>Only the first 1,000 faults are listed.</p>\n");
}

static void put_unverified(struct page *p, const json_t *unverified)
{
    size_t i;
    json_t *one;
    json_array_foreach(unverified, i, one) {
        put_text(p, "<p>Unknown for ");
        put_devices(p, number(one, "devices"));
        put_text(p, ": ");
        escape(p, json_opt_str(one, "text", ""));
        put_text(p, " (column <code>");
        escape(p, json_opt_str(one, "column", ""));
        put_text(p, "</code>).</p>\n");
    }
}

enum result plan_report_html(const json_t *report, struct buf *out)
{
    struct page p = {out, OK};
    const json_t *inventory = json_object_get(report, "inventory");
    int64_t devices = number(inventory, "devices");
    put_text(&p, head);
    put_text(&p, "<h1>Plan for the CMG</h1>\n<p>");
    put_devices(&p, devices);
    put_text(&p, " from ");
    escape(&p, json_opt_str(inventory, "source", ""));
    put_text(&p, ".</p>\n");
    put_chart(&p, report, devices);
    put_sides(&p, report);
    put_changes(&p, json_object_get(report, "changes"));
    put_steps(&p, json_object_get(report, "steps"));
    put_side_details(&p, "Today", json_object_get(report, "today"));
    put_side_details(&p, "Proposed", json_object_get(report, "proposed"));
    put_unverified(&p, json_object_get(report, "unverified"));
    put_faults(&p, inventory);
    put_text(&p, "</body>\n</html>\n");
    return p.r;
}
