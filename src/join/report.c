/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for people, or one JSON object for programs. */
#include "join/report.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_SIZE = 3 * PATH_MAX }; /* a command with two paths */

void join_report_start(struct join_report *r, const char *program, bool json)
{
    *r = (struct join_report){program, json, json_array(), json_array()};
}

static void add(struct join_report *r, json_t *list, const char *before, const char *fmt, va_list args)
{
    char line[LINE_SIZE];
    (void)vsnprintf(line, sizeof line, fmt, args);
    json_t *text = json_string(line); /* NULL when it names a file that is no UTF-8 */
    (void)json_array_append_new(list, text ? text : json_string("(a line that is not UTF-8)"));
    if (!r->json) {
        (void)printf("%s%s\n", before, line);
        (void)fflush(stdout);
    }
}

void join_did(struct join_report *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(r, r->done, "", fmt, args);
    va_end(args);
}

void join_todo(struct join_report *r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(r, r->todo, "Next: ", fmt, args);
    va_end(args);
}

static void print(struct join_report *r, json_t *o)
{
    (void)json_object_set_new(o, "done", r->done);
    (void)json_object_set_new(o, "todo", r->todo);
    r->done = r->todo = NULL;
    char *text = json_text(o);
    (void)printf("%s\n", text);
    free(text);
    json_decref(o);
}

int join_ended(struct join_report *r, json_t *facts)
{
    json_t *o = facts ? facts : json_object();
    (void)json_object_set_new(o, "ok", json_true());
    if (r->json)
        print(r, o);
    else
        json_decref(o);
    json_decref(r->done);
    json_decref(r->todo);
    return 0;
}

int join_failed(struct join_report *r, const struct error *err, const char *remedy)
{
    const char *help = err->remedy ? err->remedy : remedy ? remedy : result_remedy(err->code);
    json_t *detail = json_string(err->text); /* NULL when it quotes what is not UTF-8 */
    json_t *o = json_pack("{s:b, s:n, s:s, s:o, s:s}", "ok", 0, "code", "reason", result_name(err->code), "detail",
                          detail ? detail : json_string(""), "remedy", help);
    if (r->json) {
        print(r, o);
    } else {
        (void)fprintf(stderr, "%s: %s\nWhat to do: %s\n", r->program, err->text, help);
        json_decref(o);
    }
    json_decref(r->done);
    json_decref(r->todo);
    return JOIN_EXIT_FAILED;
}
