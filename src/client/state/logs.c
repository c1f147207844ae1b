/* SPDX-License-Identifier: Apache-2.0 */
/* Appends lines to the field's log files and turns them over when they grow. */
#include "client/state/logs.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/host/file.h"

enum { FILE_MAX_BYTES = 2 * 1024 * 1024, LINE_BYTES = 16 * 1024, TEXT_BYTES = 2048 };

static const char *const names[CLIENT_LOGS] = {"LocationServices", "ClientIDManagerStartup", "CcmMessaging",
                                               "PolicyAgent"};

enum result client_logs_open(const char *state, struct client_logs *ret, struct error *err)
{
    ret->dir = file_join(state, "logs");
    return file_make_dirs(ret->dir, 0700, err);
}

void client_logs_close(struct client_logs *l)
{
    free(l->dir);
    l->dir = NULL;
}

static void turn_over(const char *dir, const char *name, const char *path)
{
    char old_name[64];
    struct stat st;
    if (stat(path, &st) != 0 || st.st_size < FILE_MAX_BYTES)
        return;
    (void)snprintf(old_name, sizeof old_name, "%s.lo_", name);
    char *old = file_join(dir, old_name);
    (void)rename(path, old);
    free(old);
}

static void append(const char *dir, const char *name, struct slice line)
{
    char file[64];
    (void)snprintf(file, sizeof file, "%s.log", name);
    char *path = file_join(dir, file);
    turn_over(dir, name, path);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0) {
        (void)!write(fd, line.ptr, line.len);
        (void)close(fd);
    }
    free(path);
}

void client_logf(const struct client_logs *l, enum client_log which, enum log_level level, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    struct buf line;
    va_list args;
    if (!l->dir)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_init(&line, LINE_BYTES);
    log_format_line(&line, LOG_CMTRACE, level, names[which], text, NULL, 0, clock_wall_ms());
    append(l->dir, names[which], buf_data(&line));
    buf_free(&line);
}
