/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the two clocks, and writes and reads times as text. Whoever judges by time is given it as an argument. */
#include "base/clock.h"

#include <time.h>

static struct timespec read_clock(clockid_t id)
{
    struct timespec t = {0};
    (void)clock_gettime(id, &t); /* can't fail for these two clocks */
    return t;
}

uint64_t clock_mono_ms(void)
{
    struct timespec t = read_clock(CLOCK_MONOTONIC);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t clock_mono_us(void)
{
    struct timespec t = read_clock(CLOCK_MONOTONIC);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int64_t clock_wall_s(void)
{
    return read_clock(CLOCK_REALTIME).tv_sec;
}

int64_t clock_wall_ms(void)
{
    struct timespec t = read_clock(CLOCK_REALTIME);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void format(int64_t wall_s, const char *fmt, char *ret)
{
    struct tm tm;
    time_t t = (time_t)wall_s;
    if (!gmtime_r(&t, &tm) || strftime(ret, CLOCK_TEXT_SIZE, fmt, &tm) == 0)
        ret[0] = '\0';
}

void clock_rfc3339(int64_t wall_s, char ret[CLOCK_TEXT_SIZE])
{
    format(wall_s, "%Y-%m-%dT%H:%M:%SZ", ret);
}

void clock_http_date(int64_t wall_s, char ret[CLOCK_TEXT_SIZE])
{
    format(wall_s, "%a, %d %b %Y %H:%M:%S GMT", ret);
}

bool clock_parse_rfc3339(struct slice text, int64_t *ret)
{
    char copy[CLOCK_TEXT_SIZE], again[CLOCK_TEXT_SIZE];
    struct tm tm = {0};
    if (!slice_to_cstr(text, copy, sizeof copy))
        return false;
    const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%SZ", &tm);
    if (!end || *end)
        return false;
    /* strptime takes spaces, single digits and 31 February: what is written back must be what was read. Years have
     * four digits, which strftime does not insist on. */
    int64_t wall_s = (int64_t)timegm(&tm);
    clock_rfc3339(wall_s, again);
    if (text.len != strlen("2026-11-23T04:05:06Z") || !slice_eq(text, slice_of(again)))
        return false;
    *ret = wall_s;
    return true;
}
