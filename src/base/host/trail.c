/* SPDX-License-Identifier: Apache-2.0 */
/* Three rings behind one lock, which is held while a few hundred bytes are copied. */
#include "base/host/trail.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/clock.h"

static struct trail_kept strangers[TRAIL_STRANGERS_MAX], failed[TRAIL_FAILED_MAX], well[TRAIL_WELL_MAX];

static struct {
    pthread_mutex_t lock;
    struct {
        struct trail_kept *kept;
        size_t room, next;
    } rings[TRAIL_SHARES];
} trail = {.lock = PTHREAD_MUTEX_INITIALIZER,
           .rings = {[TRAIL_STRANGERS] = {strangers, ARRAY_LEN(strangers), 0},
                     [TRAIL_FAILED] = {failed, ARRAY_LEN(failed), 0},
                     [TRAIL_WELL] = {well, ARRAY_LEN(well), 0}}};

/* --- failures, by whose they are --- */

static struct {
    uint32_t client; /* a hash; who finds another's name with the same one shares its part */
    uint64_t number; /* in the order of all */
} owners[TRAIL_FAILED_MAX];

/* FNV-1a; 0: nobody. */
static uint32_t hash_of(const char *client)
{
    uint32_t hash = 2166136261u;
    if (!client || !*client)
        return 0;
    for (; *client; client++)
        hash = (hash ^ (unsigned char)*client) * 16777619u;
    return hash ? hash : 1;
}

/* Over a client's part of them, the place of its own oldest; else `next`. */
static size_t find_place(uint32_t client, size_t next)
{
    size_t own = 0, oldest = next;
    for (size_t i = 0; client && i < TRAIL_FAILED_MAX; i++) {
        if (owners[i].client != client)
            continue;
        if (!own++ || owners[i].number < owners[oldest].number)
            oldest = i;
    }
    return own < TRAIL_FAILED_MAX / TRAIL_PART ? next : oldest;
}

static size_t place_of_failure(const char *client, size_t next)
{
    static uint64_t number;
    uint32_t hash = hash_of(client);
    size_t at = find_place(hash, next);
    owners[at].client = hash;
    owners[at].number = ++number;
    return at;
}

/* --- all --- */

static void keep_text(char *ret, size_t size, const char *text)
{
    ret[0] = '\0';
    if (text)
        cstr_copy(ret, size, text);
}

void trail_note(enum trail_share share, const char *id, const struct trail_step *step)
{
    int64_t now = clock_wall_ms();
    if (!*id)
        return;
    (void)pthread_mutex_lock(&trail.lock);
    size_t next = trail.rings[share].next, at = share == TRAIL_FAILED ? place_of_failure(step->client, next) : next;
    struct trail_kept *k = &trail.rings[share].kept[at];
    if (at == next)
        trail.rings[share].next = (next + 1) % trail.rings[share].room;
    k->at_ms = now;
    k->step = *step;
    keep_text(k->id, sizeof k->id, id);
    keep_text(k->client, sizeof k->client, step->client);
    keep_text(k->endpoint, sizeof k->endpoint, step->endpoint);
    keep_text(k->detail, sizeof k->detail, step->detail);
    (void)pthread_mutex_unlock(&trail.lock);
}

/* In one millisecond: refused before it was over. */
static int by_time(const void *a, const void *b)
{
    const struct trail_kept *x = a, *y = b;
    return (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms);
}

size_t trail_find(const char *id, struct trail_kept ret[TRAIL_FOUND_MAX])
{
    size_t count = 0;
    (void)pthread_mutex_lock(&trail.lock);
    for (size_t s = 0; s < TRAIL_SHARES; s++) {
        for (size_t i = 0; i < trail.rings[s].room && count < TRAIL_FOUND_MAX; i++) {
            const struct trail_kept *k = &trail.rings[s].kept[(trail.rings[s].next + i) % trail.rings[s].room];
            if (k->at_ms && strcmp(k->id, id) == 0)
                ret[count++] = *k;
        }
    }
    (void)pthread_mutex_unlock(&trail.lock);
    qsort(ret, count, sizeof *ret, by_time);
    for (size_t i = 0; i < count; i++) {
        ret[i].step.client = ret[i].client;
        ret[i].step.endpoint = ret[i].endpoint;
        ret[i].step.detail = ret[i].detail;
    }
    return count;
}
