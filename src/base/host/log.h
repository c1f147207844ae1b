/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line an event, to standard error or a file, as text, JSON or the format of Configuration Manager's
 * viewers (cmtrace). Thread-safe. Library code does not log above debug; a program's edge logs once, with the request's
 * id. Control characters in messages and values are escaped, so that a peer can't forge a line.
 */
#ifndef BASE_HOST_LOG_H
#define BASE_HOST_LOG_H

#include "base/error.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON, LOG_CMTRACE };

/* A named value beside the message: LOG_S("reason", slice), LOG_T("role", c_string), LOG_N("bytes", number). */
struct log_field {
    const char *name;
    struct slice text;
    int64_t number;
    bool is_number;
};
#define LOG_S(name, slice) ((struct log_field){(name), (slice), 0, false})
#define LOG_T(name, cstr) ((struct log_field){(name), slice_of(cstr), 0, false})
#define LOG_N(name, value) ((struct log_field){(name), SLICE_NONE, (int64_t)(value), true})

/* Settings of the process; before it, info and above go to standard error as text. */
void log_setup(enum log_format format, enum log_level threshold);

/* Between what log_setup() said and debug, to and fro, while threads write. Returns whether debug is said now. */
bool log_toggle_debug(void);

/* Appends to `path` from now on instead of standard error (for every component). */
MUST_USE enum result log_to_file(const char *path, struct error *err);

/* Opens the file of log_to_file() by its name again, which whoever rotates logs has given to another one meanwhile;
 * without a file nothing happens. R_IO: what was open stays in use. */
MUST_USE enum result log_reopen(struct error *err);

/* Are the lines where nobody at a terminal sees them? */
bool log_is_in_file(void);

MUST_USE bool log_format_parse(struct slice name, enum log_format *ret);
MUST_USE bool log_level_parse(struct slice name, enum log_level *ret);

/* One event of `component` ("gateway", "tunnel" …), with or without fields. */
void log_msg(enum log_level level, const char *component, const char *fmt, ...) PRINTF_LIKE(3, 4);
void log_event(enum log_level level, const char *component, const char *message, const struct log_field *fields,
               size_t count);
#define LOG_EVENT(level, component, message, ...)                                                                      \
    log_event((level), (component), (message), (const struct log_field[]){__VA_ARGS__},                                \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* The line that log_event would write, for programs that keep their own files (cmg-client): appended to *ret. */
struct buf;
void log_format_line(struct buf *ret, enum log_format format, enum log_level level, const char *component,
                     const char *message, const struct log_field *fields, size_t count, int64_t wall_ms);

#endif
