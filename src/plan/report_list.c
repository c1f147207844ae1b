/* SPDX-License-Identifier: Apache-2.0 */
/* Each device of a plan by itself: a line of CSV, or an object of JSON, written straight away, since there are many. */
#include <stdlib.h>

#include "plan/report.h"

/* Identifiers need no escapes. */
static enum result put_reasons(struct buf *out, plan_conditions bits, const char *quote, const char *between)
{
    const struct choices_condition *c;
    const char *separator = "";
    enum result r = OK;
    for (size_t i = 0; r == OK && i < 64 && (c = choices_condition(i)) != NULL; i++) {
        if ((bits & (UINT64_C(1) << i)) == 0)
            continue;
        r = buf_printf(out, "%s%s%s%s", separator, quote, c->line.id, quote);
        separator = between;
    }
    return r;
}

/* --- CSV --- */

static enum result csv_text(struct buf *out, struct slice s)
{
    /* Spreadsheets take cells that begin so for formulas. */
    bool formula = s.len > 0 && strchr("=+-@\t\r", s.ptr[0]) != NULL;
    enum result r = buf_append_str(out, formula ? "\"'" : "\"");
    for (size_t i = 0; r == OK && i < s.len; i++)
        r = s.ptr[i] == '"' ? buf_append_str(out, "\"\"") : buf_append(out, slice_make(s.ptr + i, 1));
    return r == OK ? buf_append_str(out, "\"") : r;
}

enum result plan_report_line(const struct plan *p, size_t index, struct buf *out)
{
    const struct plan_outcome *today, *proposed;
    struct plan_device d;
    plan_fleet_get(p->fleet, index, &d);
    plan_outcomes(p, index, &today, &proposed);
    enum result r = csv_text(out, d.name);
    if (r == OK)
        r = buf_printf(out, ",%s,", plan_fate_name(today->fate));
    if (r == OK)
        r = put_reasons(out, today->against, "", " ");
    if (r == OK)
        r = buf_printf(out, ",%s,", proposed ? plan_fate_name(proposed->fate) : "");
    if (r == OK && proposed)
        r = put_reasons(out, proposed->against, "", " ");
    return r == OK ? buf_append_str(out, "\r\n") : r;
}

/* --- JSON --- */

static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static enum result json_name(struct buf *out, struct slice name)
{
    if (is_plain(name))
        return buf_printf(out, "{\"name\":\"%" PRIslice "\"", SLICE_ARG(name));
    json_t *value = plan_text_json(name);
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    enum result r = text ? buf_printf(out, "{\"name\":%s", text) : R_INVALID;
    free(text);
    json_decref(value);
    return r;
}

static enum result json_side(struct buf *out, const char *side, const struct plan_outcome *o)
{
    enum result r = buf_printf(out, ",\"%s\":{\"method\":\"%s\",\"reasons\":[", side, plan_fate_name(o->fate));
    if (r == OK)
        r = put_reasons(out, o->against, "\"", ",");
    return r == OK ? buf_append_str(out, "]}") : r;
}

enum result plan_report_device(const struct plan *p, size_t index, struct buf *out)
{
    const struct plan_outcome *today, *proposed;
    struct plan_device d;
    plan_fleet_get(p->fleet, index, &d);
    plan_outcomes(p, index, &today, &proposed);
    enum result r = json_name(out, d.name);
    if (r == OK)
        r = json_side(out, "today", today);
    if (r == OK && proposed)
        r = json_side(out, "proposed", proposed);
    return r == OK ? buf_append_str(out, "}") : r;
}
