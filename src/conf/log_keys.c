/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of one block, for every daemon's table. */
#include "conf/log_keys.h"

#include "base/host/file.h"
#include "base/host/log.h"

enum { LOG_FOLDER_MODE = 0750 };

static const struct conf_key keys[] = {
    {.name = "format",
     .kind = CONF_CHOICE,
     .offset = offsetof(struct conf_log, format),
     .choices = "text|json|cmtrace",
     .fallback = "text",
     .help = "how a line looks"},
    {.name = "level",
     .kind = CONF_CHOICE,
     .offset = offsetof(struct conf_log, level),
     .choices = "debug|info|warn|error",
     .fallback = "info",
     .help = "the least important events that are written"},
    {.name = "file",
     .kind = CONF_PATH,
     .offset = offsetof(struct conf_log, file),
     .use = SANDBOX_WRITE_FILE,
     .help = "appended to; absent: standard error"},
    {0},
};

const struct conf_schema conf_log_schema = {"log", sizeof(struct conf_log), keys};

enum result conf_log_apply(const struct conf_log *log, struct error *err)
{
    enum log_format format = LOG_TEXT;
    enum log_level level = LOG_INFO;
    if (log->format && !log_format_parse(slice_of(log->format), &format))
        return error_set(err, R_INVALID, "log: unknown format '%s'", log->format);
    if (log->level && !log_level_parse(slice_of(log->level), &level))
        return error_set(err, R_INVALID, "log: unknown level '%s'", log->level);
    log_setup(format, level);
    if (!log->file)
        return OK;
    enum result r = file_make_parent(log->file, LOG_FOLDER_MODE, err);
    return r == OK ? log_to_file(log->file, err) : error_prefix(err, "log");
}
