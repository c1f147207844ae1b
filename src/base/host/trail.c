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
    struct trail_kept *k = &trail.rings[share].kept[trail.rings[share].next];
    trail.rings[share].next = (trail.rings[share].next + 1) % trail.rings[share].room;
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
