/* SPDX-License-Identifier: Apache-2.0 */
/* A list in the order of arrival, and a timer that runs while somebody waits: what a tunnel had no room for is tried
 * again too, and whoever waits past the end is told so by patience_join. */
#include "gateway/request/patience.h"

enum { LOOK_MS = 100 };

static void on_timer(void *arg)
{
    patience_look(arg);
}

void patience_start(struct patience *all, struct loop *loop)
{
    *all = (struct patience){.loop = loop, .timer = loop_timer_new(loop, on_timer, all)};
    TAILQ_INIT(&all->all);
}

void patience_end(struct patience *all)
{
    loop_timer_free(all->timer);
    all->timer = NULL;
}

void patience_renew(struct patience *all)
{
    all->until_ms = loop_now_ms(all->loop) + PATIENCE_MS;
}

/* Once each: who joins again stands behind. Any of them may be gone after another's turn. */
void patience_look(struct patience *all)
{
    for (size_t n = all->count; n > 0 && all->count > 0; n--) {
        struct patient *p = TAILQ_FIRST(&all->all);
        patience_part(all, p);
        p->go_on(p);
    }
}

bool patience_join(struct patience *all, struct patient *p)
{
    uint64_t now = loop_now_ms(all->loop);
    if (!p->last_ms)
        p->last_ms = now + PATIENCE_MS;
    if (!all->timer || all->count >= PATIENCE_MAX || now >= all->until_ms || now >= p->last_ms)
        return false;
    TAILQ_INSERT_TAIL(&all->all, p, others);
    p->waits = true;
    if (!all->count++)
        loop_timer_start(all->timer, LOOK_MS, LOOK_MS);
    return true;
}

void patience_part(struct patience *all, struct patient *p)
{
    if (!p->waits)
        return;
    TAILQ_REMOVE(&all->all, p, others);
    p->waits = false;
    if (!--all->count && all->timer)
        loop_timer_stop(all->timer);
}
