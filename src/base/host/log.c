/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event, built in a buffer of its own and written in one piece, so that threads' lines do not mix. What may
 * be said is decided by who calls. */
#include "base/host/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 16384, MESSAGE_MAX = 2048 };

static struct {
    enum log_format format;
    enum log_level configured;
    _Atomic enum log_level threshold;
    _Atomic int fd;
    char *path; /* of the file; NULL: standard error */
} settings = {LOG_TEXT, LOG_INFO, LOG_INFO, STDERR_FILENO, NULL};

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const format_names[] = {"text", "json", "cmtrace"};

void log_setup(enum log_format format, enum log_level threshold)
{
    settings.format = format;
    settings.configured = threshold;
    settings.threshold = threshold;
}

bool log_toggle_debug(void)
{
    bool on = settings.threshold != LOG_DEBUG;
    settings.threshold = on ? LOG_DEBUG : settings.configured;
    return on;
}

enum result log_to_file(const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return error_set(err, R_IO, "log file %s: %s", path, strerror(errno));
    if (settings.fd == STDERR_FILENO) {
        settings.fd = fd;
    } else { /* another thread may be writing: the number stays, the file behind it changes at once */
        (void)dup3(fd, settings.fd, O_CLOEXEC);
        (void)close(fd);
    }
    char *kept = slice_dup(slice_of(path));
    free(settings.path);
    settings.path = kept;
    return OK;
}

enum result log_reopen(struct error *err)
{
    return settings.path ? log_to_file(settings.path, err) : OK;
}

bool log_is_in_file(void)
{
    return settings.path != NULL;
}

bool log_format_parse(struct slice name, enum log_format *ret)
{
    size_t i;
    if (!slice_word(name, format_names, ARRAY_LEN(format_names), &i))
        return false;
    *ret = (enum log_format)i;
    return true;
}

bool log_level_parse(struct slice name, enum log_level *ret)
{
    size_t i;
    if (!slice_word(name, level_names, ARRAY_LEN(level_names), &i))
        return false;
    *ret = (enum log_level)i;
    return true;
}

/* A full line buffer drops the rest of the line: a log must not fail its caller. */
static void put(struct buf *line, const char *text, size_t len)
{
    (void)!buf_append(line, slice_make(text, len));
}

static void put_str(struct buf *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Bytes that whatever closes a line still needs when its texts have used up the rest. */
static size_t reserve_of(const struct buf *line)
{
    enum { RESERVE = 1024 };
    return line->max / 4 < RESERVE ? line->max / 4 : RESERVE;
}

/* Escapes what is not printable and what ends the surrounding syntax: quote and backslash in JSON, the end mark in
 * cmtrace. A text that is too long for the line is cut. */
static void put_escaped(struct buf *line, struct slice s, enum log_format format)
{
    bool json = format == LOG_JSON;
    while (s.len && line->max - buf_len(line) > reserve_of(line)) {
        size_t n = utf8_shown(s);
        bool mark =
            (json && (*s.ptr == '"' || *s.ptr == '\\')) || (format == LOG_CMTRACE && slice_starts(s, SLICE("]LOG]")));
        if (n == 0 || (mark && !json)) {
            (void)!buf_printf(line, json ? "\\u%04x" : "\\x%02x", (unsigned char)*s.ptr);
            n = 1;
        } else {
            if (mark)
                put(line, "\\", 1);
            put(line, s.ptr, n);
        }
        s = slice_skip(s, n);
    }
}

/* So that a value can't pass for a further field. */
static bool wants_quotes(struct slice text)
{
    static const char special[] = " =\"\\";
    for (const char *c = special; *c; c++) {
        if (slice_find(text, *c) != SIZE_MAX)
            return true;
    }
    return false;
}

static void put_value(struct buf *line, const struct log_field *f, enum log_format format)
{
    if (f->is_number) {
        (void)!buf_printf(line, "%lld", (long long)f->number);
        return;
    }
    bool quoted = format == LOG_JSON || (format == LOG_TEXT && wants_quotes(f->text));
    put_str(line, quoted ? "\"" : "");
    put_escaped(line, f->text, quoted ? LOG_JSON : format); /* JSON's escapes are right inside any quotes */
    put_str(line, quoted ? "\"" : "");
}

struct event {
    enum log_level level;
    const char *component;
    const char *message;
    const struct log_field *fields;
    size_t count;
    int64_t wall_ms;
};

static void put_text_body(struct buf *line, const struct event *e, enum log_format format)
{
    put_escaped(line, slice_of(e->message), format);
    for (size_t i = 0; i < e->count; i++) {
        (void)!buf_printf(line, " %s=", e->fields[i].name);
        put_value(line, &e->fields[i], format);
    }
}

static void line_text(struct buf *line, const struct event *e)
{
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(e->wall_ms / 1000, when);
    (void)!buf_printf(line, "%s %-5s %s: ", when, level_names[e->level], e->component);
    put_text_body(line, e, LOG_TEXT);
}

static void line_json(struct buf *line, const struct event *e)
{
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(e->wall_ms / 1000, when);
    (void)!buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",\"component\":\"%s\",\"message\":\"", when,
                      level_names[e->level], e->component);
    put_escaped(line, slice_of(e->message), LOG_JSON);
    put_str(line, "\"");
    for (size_t i = 0; i < e->count; i++) {
        (void)!buf_printf(line, ",\"%s\":", e->fields[i].name);
        put_value(line, &e->fields[i], LOG_JSON);
    }
    put_str(line, "}");
}

/* <![LOG[text]LOG]!><time="HH:MM:SS.mmm+000" date="MM-DD-YYYY" component="" context="" type="1..3" thread="" file="">
 * Times are UTC, bias 0. */
static void line_cmtrace(struct buf *line, const struct event *e)
{
    static const int types[] = {[LOG_DEBUG] = 1, [LOG_INFO] = 1, [LOG_WARN] = 2, [LOG_ERROR] = 3};
    struct tm tm = {0};
    time_t t = (time_t)(e->wall_ms / 1000);
    (void)gmtime_r(&t, &tm);
    put_str(line, "<![LOG[");
    put_text_body(line, e, LOG_CMTRACE);
    (void)!buf_printf(line,
                      "]LOG]!><time=\"%02d:%02d:%02d.%03d+000\" date=\"%02d-%02d-%04d\" component=\"%s\" context=\"\" "
                      "type=\"%d\" thread=\"%ld\" file=\"\">",
                      tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(e->wall_ms % 1000), tm.tm_mon + 1, tm.tm_mday,
                      tm.tm_year + 1900, e->component, types[e->level], (long)syscall(SYS_gettid));
}

void log_format_line(struct buf *ret, enum log_format format, enum log_level level, const char *component,
                     const char *message, const struct log_field *fields, size_t count, int64_t wall_ms)
{
    static void (*const writers[])(struct buf *, const struct event *) = {
        [LOG_TEXT] = line_text, [LOG_JSON] = line_json, [LOG_CMTRACE] = line_cmtrace};
    struct event e = {level, component, message, fields, count, wall_ms};
    writers[format](ret, &e);
    put_str(ret, "\n");
}

void log_event(enum log_level level, const char *component, const char *message, const struct log_field *fields,
               size_t count)
{
    if (level < settings.threshold)
        return;
    struct buf line;
    buf_init(&line, LINE_MAX_BYTES);
    log_format_line(&line, settings.format, level, component, message, fields, count, clock_wall_ms());
    struct slice bytes = buf_data(&line);
    /* one write a line keeps the lines of several threads whole; a log that can't be written is lost */
    (void)!write(settings.fd, bytes.ptr, bytes.len);
    buf_free(&line);
}

void log_msg(enum log_level level, const char *component, const char *fmt, ...)
{
    if (level < settings.threshold)
        return;
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    log_event(level, component, message, NULL, 0);
}
