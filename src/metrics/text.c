/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of text, and the one way in which Prometheus' own format differs. */
#include "metrics/text.h"

enum result metrics_head(struct buf *out, const struct metrics_family *f)
{
    return buf_printf(out, "# TYPE %s %s\n# HELP %s %s\n", f->name, f->type, f->name, f->help);
}

enum result metrics_sample(struct buf *out, const struct metrics_family *f, const char *labels, long long value)
{
    return buf_printf(out, "%s%s%s %lld\n", f->name, f->type[0] == 'c' ? "_total" : "", labels, value);
}

enum result metrics_one(struct buf *out, const struct metrics_family *f, long long value)
{
    enum result r = metrics_head(out, f);
    return r == OK ? metrics_sample(out, f, "", value) : r;
}

/* "# TYPE cmg_requests counter": its name stands in *ret. */
static bool names_counter(struct slice line, struct slice *ret)
{
    struct slice rest = slice_skip(line, strlen("# TYPE "));
    *ret = slice_cut(&rest, ' ');
    return slice_eq(rest, SLICE("counter"));
}

enum result metrics_plain(struct slice openmetrics, struct buf *out)
{
    struct slice counter = SLICE("");
    enum result r = OK;
    while (r == OK && openmetrics.len) {
        struct slice line = slice_cut(&openmetrics, '\n'), name;
        bool type = slice_starts(line, SLICE("# TYPE ")), help = slice_starts(line, SLICE("# HELP "));
        if (slice_eq(line, SLICE("# EOF")))
            break;
        if (type)
            counter = names_counter(line, &name) ? name : SLICE("");
        if ((type || help) && counter.len) {
            size_t to = strlen("# TYPE ") + counter.len;
            r = buf_printf(out, "%.*s_total%.*s\n", (int)to, line.ptr, (int)(line.len - to), line.ptr + to);
        } else {
            r = buf_printf(out, "%.*s\n", (int)line.len, line.ptr);
        }
    }
    return r;
}
