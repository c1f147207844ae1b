/* SPDX-License-Identifier: Apache-2.0 */
/* The table of piles, one for the process, under one lock. Bounded: it counts and tells, and keeps no line. */
#include "base/host/gather.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/limit/bucket.h"

enum { WHO_MAX = 64, REASON_MAX = 96, REASONS = 4, REASONS_TEXT = 512 };

struct cause {
    char reason[REASON_MAX]; /* "": none yet */
    uint64_t count;
};

/* Lines of one kind that one peer causes. */
struct pile {
    const char *component, *message; /* NULL: free */
    char who[WHO_MAX];
    enum log_level level;
    struct bucket bucket;
    uint64_t count;               /* not written */
    struct cause causes[REASONS]; /* the last one: of all others */
    uint64_t used_ms;
};

static struct {
    pthread_mutex_t lock;
    struct pile piles[LOG_GATHER_PEERS + 1]; /* the last one: of all who found no place */
    struct bucket all;
    uint64_t told_ms;
    bool started;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void start(uint64_t now_ms)
{
    if (table.started)
        return;
    table.started = true;
    table.told_ms = now_ms;
    bucket_start(&table.all, LOG_GATHER_ALL_BURST, LOG_GATHER_ALL_RATE, now_ms);
    struct pile *rest = &table.piles[LOG_GATHER_PEERS];
    *rest = (struct pile){.component = "log", .message = "of many peers", .who = "others"};
    bucket_start(&rest->bucket, LOG_GATHER_BURST, LOG_GATHER_RATE, now_ms);
}

/* With nothing to tell. Within a second many newcomers take each other's places no more. */
static bool may_go(const struct pile *p, uint64_t now_ms)
{
    enum { REST_MS = 1000 };
    return !p->message || (p->count == 0 && now_ms - p->used_ms >= REST_MS);
}

static bool is_of(const struct pile *p, const char *component, const char *message, const char *who)
{
    return p->message && strcmp(p->who, who) == 0 && strcmp(p->message, message) == 0 &&
           strcmp(p->component, component) == 0;
}

static struct pile *find(const char *component, const char *message, const char *who, uint64_t now_ms)
{
    struct pile *unused = NULL;
    unsigned of_who = 0;
    for (size_t i = 0; i < LOG_GATHER_PEERS; i++) {
        struct pile *p = &table.piles[i];
        if (is_of(p, component, message, who))
            return p;
        of_who += p->message && strcmp(p->who, who) == 0;
        if (may_go(p, now_ms) && (!unused || p->used_ms < unused->used_ms))
            unused = p;
    }
    if (!unused || of_who >= LOG_GATHER_KINDS)
        return &table.piles[LOG_GATHER_PEERS];
    *unused = (struct pile){.component = component, .message = message};
    (void)snprintf(unused->who, sizeof unused->who, "%s", who);
    bucket_start(&unused->bucket, LOG_GATHER_BURST, LOG_GATHER_RATE, now_ms);
    return unused;
}

static void count(struct pile *p, const char *reason)
{
    size_t i = 0;
    char shown[REASON_MAX];
    (void)snprintf(shown, sizeof shown, "%s", reason);
    while (i + 1 < REASONS && p->causes[i].reason[0] && strcmp(p->causes[i].reason, shown) != 0)
        i++;
    (void)snprintf(p->causes[i].reason, sizeof p->causes[i].reason, "%s", i + 1 < REASONS ? shown : "others");
    p->causes[i].count++;
    p->count++;
}

bool log_gather(enum log_level level, const char *component, const char *message, const char *who, const char *reason,
                uint64_t now_ms)
{
    char shown[WHO_MAX];
    (void)snprintf(shown, sizeof shown, "%s", who);
    (void)pthread_mutex_lock(&table.lock);
    start(now_ms);
    struct pile *p = find(component, message, shown, now_ms);
    p->used_ms = now_ms;
    p->level = level;
    bool may = bucket_take(&p->bucket, 1, now_ms) && bucket_take(&table.all, 1, now_ms);
    if (!may)
        count(p, reason);
    (void)pthread_mutex_unlock(&table.lock);
    return may;
}

static void tell(struct pile *p, uint64_t ms)
{
    char message[128], reasons[REASONS_TEXT] = "";
    size_t len = 0;
    for (size_t i = 0; i < REASONS && p->causes[i].reason[0] && len < sizeof reasons; i++)
        len += (size_t)snprintf(reasons + len, sizeof reasons - len, "%s%s: %" PRIu64, len ? ", " : "",
                                p->causes[i].reason, p->causes[i].count);
    (void)snprintf(message, sizeof message, "%s: more of the same", p->message);
    LOG_EVENT(p->level, p->component, message, LOG_T("peer", p->who), LOG_N("count", p->count),
              LOG_N("seconds", (ms + 500) / 1000), LOG_T("reasons", reasons));
    p->count = 0;
    memset(p->causes, 0, sizeof p->causes);
}

void log_gather_tell(uint64_t now_ms)
{
    (void)pthread_mutex_lock(&table.lock);
    start(now_ms);
    uint64_t passed = now_ms - table.told_ms;
    if (passed >= LOG_GATHER_MS) {
        for (size_t i = 0; i < ARRAY_LEN(table.piles); i++) {
            if (table.piles[i].count)
                tell(&table.piles[i], passed);
        }
        table.told_ms = now_ms;
    }
    (void)pthread_mutex_unlock(&table.lock);
}
