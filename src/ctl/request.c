/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that are one request (request.h). */
#include "ctl/request.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "ctl/api.h"
#include "ctl/pages.h"

char *ctl_request_path(const char *path, const char *argument)
{
    struct slice rest = slice_of(path);
    size_t at = slice_find_slice(rest, SLICE("%s"));
    if (at == SIZE_MAX)
        return slice_dup(rest);
    struct buf b;
    char *escaped = api_escape(argument);
    buf_init(&b, strlen(path) + strlen(escaped) + 1);
    if (buf_append(&b, slice_make(path, at)) != OK || buf_append_str(&b, escaped) != OK ||
        buf_append_str(&b, path + at + 2) != OK)
        fatal("a path passed its own length");
    char *ret = buf_take_str(&b);
    free(escaped);
    buf_free(&b);
    return ret;
}

static void print_for_people(const struct ctl_request *request, const json_t *answer, const char *argument)
{
    if (request->columns) {
        ctl_table(stdout, json_object_get(answer, request->member), request->columns, request->empty);
        return;
    }
    (void)printf(request->done, argument);
    (void)putchar('\n');
}

void ctl_print_answer(const json_t *answer)
{
    json_t *none = json_object();
    ctl_print_json(stdout, answer ? answer : none, false);
    json_decref(none);
}

int ctl_send(const struct ctl_common *common, const char *method, const char *path, json_t *body, json_t **ret)
{
    struct ctl_fault fault;
    if (ret)
        *ret = NULL;
    enum result r = api_call(api_socket(common), method, path, body, ret, &fault);
    json_decref(body);
    return r == OK ? CTL_DONE : ctl_fail(common, &fault);
}

int ctl_tell(const struct ctl_common *common, json_t *answer, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (common->json) {
        ctl_print_answer(answer);
    } else {
        (void)vprintf(fmt, args);
        (void)putchar('\n');
    }
    va_end(args);
    json_decref(answer);
    return CTL_DONE;
}

int ctl_tell_row(const struct ctl_common *common, json_t *answer, const char *member, const struct ctl_column *columns)
{
    json_t *list = json_pack("[O]", json_object_get(answer, member));
    if (common->json)
        ctl_print_answer(answer);
    else
        ctl_table(stdout, list, columns, "");
    json_decref(list);
    json_decref(answer);
    return CTL_DONE;
}

int ctl_request_run(const struct ctl_request *request, const char *summary, int argc, char **argv)
{
    struct options {
        struct ctl_common common;
        uint64_t limit;
    } o = {.limit = UINT64_MAX};
    static const struct opt opts[] = {CTL_OPT_LIMIT(struct options), CTL_OPT_JSON(struct options),
                                      CTL_OPT_SOCKET(struct options), CTL_OPT_END};
    size_t wanted = request->argument ? 1 : 0;
    char usage[128];
    (void)snprintf(usage, sizeof usage, "cmg %s%s%s [options]", ctl_running, wanted ? " " : "",
                   wanted ? request->argument : "");
    const struct opt_command cmd = {usage, summary, request->in_pages ? opts : opts + 1, wanted, wanted};
    const char **args;
    size_t arg_count;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &arg_count, &code))
        return code;
    char *path = ctl_request_path(request->path, wanted ? args[0] : "");
    json_t *answer = NULL;
    code = request->in_pages ? ctl_pages_print(&o.common, request, path, o.limit)
                             : ctl_send(&o.common, request->method, path, NULL, &answer);
    free(path);
    if (request->in_pages)
        return code;
    if (code != CTL_DONE)
        return code;
    if (o.common.json)
        ctl_print_answer(answer);
    else
        print_for_people(request, answer, wanted ? args[0] : "");
    json_decref(answer);
    return CTL_DONE;
}
