/* SPDX-License-Identifier: Apache-2.0 */
/* What the operating system says that other processes have used: CPU time and memory. */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <stdint.h>

#include "base/error.h"
#include "base/host/opt.h"

enum { WATCH_MAX = 16, WATCH_NAME_SIZE = 32 };

struct watch {
    char name[WATCH_NAME_SIZE];
    uint64_t pid;
    double cpu_s;    /* user and system, of all threads, since it began */
    uint64_t rss_kb; /* resident now */
};

/* "gateway=1234" … */
MUST_USE enum result watch_parse(const struct opt_list *list, struct watch ret[WATCH_MAX], struct error *err);
void watch_read(struct watch *w); /* a process that is gone keeps its last figures */

#endif
