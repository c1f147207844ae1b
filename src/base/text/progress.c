/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of bytes and seconds in words. Pure. */
#include "base/text/progress.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};

/* The unit in which it is below 1024. */
static size_t unit_of(uint64_t bytes)
{
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof *units && bytes >> (10 * (unit + 1)))
        unit++;
    return unit;
}

static double in(uint64_t bytes, size_t unit)
{
    return (double)bytes / (double)(UINT64_C(1) << (10 * unit));
}

static void left_text(uint64_t seconds, char *ret, size_t size)
{
    if (seconds < 60)
        (void)snprintf(ret, size, "%" PRIu64 " s left", seconds);
    else if (seconds < 3600)
        (void)snprintf(ret, size, "%" PRIu64 " min %" PRIu64 " s left", seconds / 60, seconds % 60);
    else
        (void)snprintf(ret, size, "%" PRIu64 " h %" PRIu64 " min left", seconds / 3600, seconds % 3600 / 60);
}

void progress_text(const struct progress *p, char ret[PROGRESS_SIZE])
{
    size_t unit = unit_of(p->size);
    char left[32] = "";
    unsigned percent = p->size ? (unsigned)(in(p->done, 0) * 100 / in(p->size, 0)) : 100;
    int used = snprintf(ret, PROGRESS_SIZE, "%3u %%  %.*f of %.*f %s", percent, unit ? 1 : 0, in(p->done, unit),
                        unit ? 1 : 0, in(p->size, unit), units[unit]);
    uint64_t moved = p->done > p->began ? p->done - p->began : 0;
    if (!moved || !p->elapsed_ms || used < 0)
        return;
    double rate = (double)moved * 1000 / (double)p->elapsed_ms;
    size_t by = unit_of((uint64_t)rate);
    left_text((uint64_t)((double)(p->size - p->done) / rate + 0.5), left, sizeof left);
    (void)snprintf(ret + used, PROGRESS_SIZE - (size_t)used, "  %.1f %s/s  %s", in((uint64_t)rate, by), units[by],
                   p->done < p->size ? left : "");
}
