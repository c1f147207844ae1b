/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time: /proc/<pid>/stat (utime + stime), and, where the kernel has it, the sum over the threads of
 * /proc/<pid>/task/<tid>/schedstat, which counts nanoseconds instead of ticks of 10 ms.
 */
#include "watch.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"

enum { PROC_FILE_MAX = 64 * 1024 };

static bool read_proc(char **ret, const char *fmt, ...) PRINTF_LIKE(2, 3);
static bool read_proc(char **ret, const char *fmt, ...)
{
    char path[128];
    size_t len;
    struct error err;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    return file_read(path, PROC_FILE_MAX, ret, &len, &err) == OK;
}

/* Field 14 and 15 of stat(5), counted from behind the command's ")". */
static double ticks_s(uint64_t pid)
{
    char *text;
    if (!read_proc(&text, "/proc/%llu/stat", (unsigned long long)pid))
        return 0;
    char *rest = strrchr(text, ')');
    uint64_t sum = 0, n;
    struct slice fields = slice_of(rest ? rest + 2 : "");
    for (unsigned i = 3; fields.ptr; i++) {
        struct slice field = slice_cut(&fields, ' ');
        if ((i == 14 || i == 15) && slice_to_u64(field, &n))
            sum += n;
    }
    free(text);
    return (double)sum / (double)sysconf(_SC_CLK_TCK);
}

static double threads_s(uint64_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%llu/task", (unsigned long long)pid);
    DIR *dir = opendir(path);
    uint64_t sum = 0, ns;
    for (const struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
        char *text;
        if (d->d_name[0] == '.' || !read_proc(&text, "%s/%.20s/schedstat", path, d->d_name))
            continue;
        struct slice fields = slice_of(text);
        if (slice_to_u64(slice_cut(&fields, ' '), &ns))
            sum += ns;
        free(text);
    }
    if (dir)
        (void)closedir(dir);
    return (double)sum / 1e9;
}

static uint64_t resident_kb(uint64_t pid)
{
    char *text;
    uint64_t kb = 0;
    if (!read_proc(&text, "/proc/%llu/status", (unsigned long long)pid))
        return 0;
    struct slice rest = slice_of(text);
    while (rest.ptr) {
        struct slice line = slice_cut(&rest, '\n');
        if (slice_starts(line, SLICE("VmRSS:"))) {
            line = slice_trim(slice_skip(line, 6));
            (void)!slice_to_u64(slice_cut(&line, ' '), &kb);
        }
    }
    free(text);
    return kb;
}

enum result watch_parse(const struct opt_list *list, struct watch ret[WATCH_MAX], struct error *err)
{
    if (list->count > WATCH_MAX)
        return error_set(err, R_LIMIT, "at most %d processes can be watched", WATCH_MAX);
    for (size_t i = 0; i < list->count; i++) {
        struct slice pid = slice_of(list->items[i]), name = slice_cut(&pid, '=');
        ret[i] = (struct watch){0};
        if (!slice_to_cstr(name, ret[i].name, sizeof ret[i].name) || !slice_to_u64(pid, &ret[i].pid))
            return error_set(err, R_INVALID, "--watch %s: expected NAME=PID", list->items[i]);
    }
    return OK;
}

void watch_read(struct watch *w)
{
    double fine = threads_s(w->pid), coarse = ticks_s(w->pid);
    uint64_t kb = resident_kb(w->pid);
    if (fine > 0 || coarse > 0)
        w->cpu_s = fine > 0 ? fine : coarse;
    if (kb > 0)
        w->rss_kb = kb;
}
