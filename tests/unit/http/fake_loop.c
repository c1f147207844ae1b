/* SPDX-License-Identifier: Apache-2.0 */
/* See fake_loop.h. */
#include "fake_loop.h"

#include <stdlib.h>

#include "base/mem.h"
#include "loop/watch.h"

enum { FOR_EVER = 100000 };

struct loop_timer {
    struct loop_timer *next;
    struct loop *loop;
    loop_fn *fn;
    void *arg;
    uint64_t due, repeat;
    bool active, dead;
};

/* Posted, or a job: what a thread of the pool would do is done in between, at once. */
struct task {
    struct task *next;
    loop_fn *work, *done; /* work NULL: posted */
    void *arg;
};

struct loop {
    uint64_t now;
    struct loop_timer *timers;
    struct loop_deferred *first;
    struct task *tasks;
    bool stopped;
};

struct loop *loop_new(void)
{
    struct loop *l = mem_zalloc(sizeof *l);
    l->now = 1000;
    return l;
}

void loop_free(struct loop *l)
{
    for (struct loop_timer *t = l->timers, *next; t; t = next) {
        next = t->next;
        if (!t->dead)
            fatal("a timer outlives its loop");
        free(t);
    }
    for (struct task *t = l->tasks, *next; t; t = next) {
        next = t->next;
        free(t);
    }
    free(l);
}

static void add_task(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
    struct task *t = mem_zalloc(sizeof *t), **at = &l->tasks;
    *t = (struct task){.work = work, .done = done, .arg = arg};
    while (*at)
        at = &(*at)->next;
    *at = t;
}

void loop_post(struct loop *l, loop_fn *fn, void *arg)
{
    add_task(l, NULL, fn, arg);
}

void loop_job(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
    add_task(l, work, done, arg);
}

void loop_job_slow(struct loop *l, loop_fn *work, loop_fn *done, void *arg)
{
    add_task(l, work, done, arg);
}

struct loop_thread *loop_thread_start(const char *name, loop_fn *fn UNUSED, void *arg UNUSED)
{
    fatal("thread %s in a test whose clock is turned", name);
}

void loop_thread_join(struct loop_thread *t UNUSED)
{
}

static bool run_task(struct loop *l)
{
    struct task *t = l->tasks;
    if (!t || l->stopped)
        return false;
    l->tasks = t->next;
    if (t->work)
        t->work(t->arg);
    t->done(t->arg);
    free(t);
    return true;
}

char *loop_scratch_take(struct loop *l UNUSED)
{
    return mem_array(LOOP_SCRATCH_SIZE, 1);
}

void loop_scratch_give(struct loop *l UNUSED, char *scratch)
{
    free(scratch);
}

uint64_t loop_now_ms(const struct loop *l)
{
    return l->now;
}

uint64_t loop_clock_us(const struct loop *l)
{
    return l->now * 1000;
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
    struct loop_timer *t = mem_zalloc(sizeof *t);
    *t = (struct loop_timer){.next = l->timers, .loop = l, .fn = fn, .arg = arg};
    l->timers = t;
    return t;
}

void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
    t->due = t->loop->now + after_ms;
    t->repeat = repeat_ms;
    t->active = true;
}

void loop_timer_stop(struct loop_timer *t)
{
    t->active = false;
}

bool loop_timer_active(const struct loop_timer *t)
{
    return t->active;
}

/* The memory stays until the loop goes: it may be freed inside its own callback. */
void loop_timer_free(struct loop_timer *t)
{
    if (t) {
        t->dead = true;
        t->active = false;
    }
}

void loop_defer(struct loop *l, struct loop_deferred *d)
{
    if (d->link)
        return;
    struct loop_deferred **at = &l->first;
    while (*at)
        at = &(*at)->next;
    d->link = at;
    d->next = NULL;
    *at = d;
}

void loop_defer_cancel(struct loop_deferred *d)
{
    if (!d->link)
        return;
    *d->link = d->next;
    if (d->next)
        d->next->link = d->link;
    d->link = NULL;
}

static bool run_deferred(struct loop *l)
{
    struct loop_deferred *d = l->first;
    if (!d || l->stopped)
        return false;
    loop_defer_cancel(d);
    d->fn(d->arg);
    return true;
}

static bool run_timer(struct loop *l)
{
    struct loop_timer *due = NULL;
    for (struct loop_timer *t = l->timers; t; t = t->next) {
        if (t->active && t->due <= l->now && (!due || t->due < due->due))
            due = t;
    }
    if (!due || l->stopped)
        return false;
    due->active = due->repeat > 0;
    due->due = l->now + due->repeat;
    due->fn(due->arg);
    return true;
}

void fake_loop_settle(struct loop *l)
{
    for (int i = 0; i < FOR_EVER; i++) {
        bool ran = run_timer(l) | run_task(l), deferred = false;
        while (run_deferred(l)) {
            deferred = true;
            if (++i > FOR_EVER)
                fatal("deferred work without end");
        }
        if (!ran && !deferred)
            return;
    }
    fatal("the loop never comes to rest");
}

/* When the next timer is due; `until`: none is before that. */
static uint64_t next_due(const struct loop *l, uint64_t until)
{
    uint64_t next = until;
    for (const struct loop_timer *t = l->timers; t; t = t->next)
        next = t->active && t->due < next ? t->due : next;
    return next;
}

void fake_loop_pass(struct loop *l, uint64_t ms)
{
    uint64_t until = l->now + ms;
    fake_loop_settle(l);
    for (uint64_t next; (next = next_due(l, until)) < until;) {
        l->now = next;
        fake_loop_settle(l);
    }
    l->now = until;
    fake_loop_settle(l);
}

void loop_run(struct loop *l)
{
    l->stopped = false;
    for (fake_loop_settle(l); !l->stopped; fake_loop_settle(l)) {
        uint64_t next = next_due(l, UINT64_MAX);
        if (next == UINT64_MAX)
            fatal("the loop waits for ever");
        l->now = next;
    }
    l->stopped = false;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}
