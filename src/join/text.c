/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the join string from where it is, and leaves nothing of it in the argument list. */
#include "join/text.h"

#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"

/* The process's own arguments may be written to (C 5.1.2.2.1). */
static void take_argument(const char *argument, char **ret, size_t *ret_len)
{
    *ret_len = strlen(argument);
    *ret = mem_strdup(argument);
    explicit_bzero((void *)(uintptr_t)argument, *ret_len);
}

enum result join_text_take(struct join_report *report, const char *argument, const char *file, char **ret,
                           size_t *ret_len, struct error *err)
{
    if (file && argument)
        return error_set(err, R_INVALID, "give the join string once: as an argument, or in a file");
    if (!file && argument && argument[0] == '@')
        file = argument + 1;
    if (!file && argument && strcmp(argument, "-") == 0)
        file = "-";
    if (!file && !argument)
        return error_set(err, R_INVALID, "give the join string: %s join STRING, or - for standard input, or @FILE",
                         report->program);
    if (file)
        return file_read_text(file, JOIN_TEXT_MAX, ret, ret_len, err);
    take_argument(argument, ret, ret_len);
    return OK;
}

enum result join_text_read(struct join_report *report, const char *argument, const char *file, enum join_kind kind,
                           int64_t now, struct join_string *ret, struct error *err)
{
    char *text;
    size_t len;
    bool seen = argument && !file && argument[0] != '@' && strcmp(argument, "-") != 0;
    enum result r = join_text_take(report, argument, file, &text, &len, err);
    if (r != OK)
        return r;
    r = join_string_read(slice_make(text, len), kind, now, ret, err);
    mem_free_secret(text, len);
    if (r == OK && seen)
        join_did(report,
                 "Read the join string from the arguments, which others on this machine can see: next time give it to "
                 "standard input (%s join -)",
                 report->program);
    return r;
}
