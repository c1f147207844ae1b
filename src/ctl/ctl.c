/* SPDX-License-Identifier: Apache-2.0 */
/* What every command calls: its options parsed, its failure told, the small values of a command line (ctl.h). Knows no
 * command. */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stdlib.h>

#include "conf/units.h"
#include "ctl/out.h"

const char *ctl_running = "COMMAND";

/* A command that has nothing better to say gets what its kind of failure has, and its own --help. */
static void remedy_of(const struct ctl_fault *fault, char *ret, size_t size)
{
    if (fault->remedy[0])
        (void)snprintf(ret, size, "%s", fault->remedy);
    else
        (void)snprintf(ret, size, "%s; see: cmg %s --help", result_remedy(fault->what.code), ctl_running);
}

/* It may quote what others named. */
static void put_lines(const char *text)
{
    struct slice rest = slice_of(text);
    struct term t;
    term_begin(&t, stderr, SIZE_MAX);
    for (bool first = true; rest.ptr; first = false) {
        if (!first)
            (void)fputc('\n', stderr);
        term_put(&t, slice_cut(&rest, '\n'));
    }
}

int ctl_fail(const struct ctl_common *common, const struct ctl_fault *fault)
{
    char remedy[sizeof fault->remedy];
    remedy_of(fault, remedy, sizeof remedy);
    if (common && common->json) {
        json_t *error =
            json_pack("{s:s, s:s, s:s, s:s, s:i, s:s}", "what", fault->what.text, "where", fault->where, "remedy",
                      remedy, "code", fault->code, "status", fault->status, "request_id", fault->request_id);
        json_t *whole = json_pack("{s:o?}", "error", error);
        ctl_print_json(stderr, whole, false);
        json_decref(whole);
        return CTL_FAILED;
    }
    (void)fprintf(stderr, "%scmg: ", term_on(stderr, TERM_RED));
    put_lines(fault->what.text);
    (void)fprintf(stderr, "%s\n", term_off(stderr));
    if (fault->where[0])
        (void)fprintf(stderr, "  where:  %s%s%s\n", fault->where, fault->code[0] ? "  " : "", fault->code);
    (void)fputs("  remedy: ", stderr);
    put_lines(remedy);
    (void)fputc('\n', stderr);
    if (fault->status >= 500 && fault->request_id[0])
        (void)fprintf(stderr, "  request: %s\n", fault->request_id);
    return CTL_FAILED;
}

int ctl_fail_error(const struct ctl_common *common, const struct error *err, const char *where, const char *remedy)
{
    struct ctl_fault fault = {.what = *err};
    (void)snprintf(fault.where, sizeof fault.where, "%s", where ? where : "");
    const char *best = remedy ? remedy : err->remedy;
    (void)snprintf(fault.remedy, sizeof fault.remedy, "%s", best ? best : "");
    return ctl_fail(common, &fault);
}

int ctl_usage(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)fputs("cmg: ", stderr);
    (void)vfprintf(stderr, fmt, args);
    (void)fprintf(stderr, "\n  remedy: cmg %s --help shows what it takes\n", ctl_running);
    va_end(args);
    return CTL_USAGE;
}

bool ctl_parse(const struct opt_command *cmd, int argc, char **argv, void *ret, const char ***ret_args,
               size_t *ret_arg_count, int *ret_exit)
{
    struct error err;
    enum result r = opt_parse(cmd, argc, argv, ret, ret_args, ret_arg_count, &err);
    if (r == OK)
        return true;
    *ret_exit = r == R_EOF ? CTL_DONE : ctl_usage("%s", err.text);
    return false;
}

json_t *ctl_words(const struct opt_list *list)
{
    json_t *ret = json_array();
    for (size_t i = 0; i < list->count; i++) {
        struct slice rest = slice_of(list->items[i]);
        while (rest.ptr) {
            struct slice word = slice_trim(slice_cut(&rest, ','));
            if (word.len > 0)
                (void)json_array_append_new(ret, json_stringn(word.ptr, word.len));
        }
    }
    return ret;
}

bool ctl_duration(const char *option, const char *text, int64_t *ret)
{
    uint64_t seconds;
    if (!conf_parse_duration(slice_of(text), &seconds) || seconds > INT32_MAX) {
        (void)ctl_usage("--%s: '%s' is no duration; write 30m, 12h or 3d", option, text);
        return false;
    }
    *ret = (int64_t)seconds;
    return true;
}
