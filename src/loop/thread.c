/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of one's own, and jobs in the pool. */
#include <stdlib.h>

#include "base/mem.h"
#include "loop/loop_internal.h"

struct loop_thread {
    pthread_t id;
    loop_fn *fn;
    void *arg;
};

static void *run(void *arg)
{
    struct loop_thread *t = arg;
    t->fn(t->arg);
    return NULL;
}

struct loop_thread *loop_thread_start(const char *name, loop_fn *fn, void *arg)
{
    struct loop_thread *t = mem_zalloc(sizeof *t);
    t->fn = fn;
    t->arg = arg;
    if (pthread_create(&t->id, NULL, run, t) != 0)
        fatal("can't start thread %s", name);
    (void)pthread_setname_np(t->id, name); /* for ps and debuggers; names over 15 bytes are not taken */
    return t;
}

void loop_thread_join(struct loop_thread *t)
{
    (void)pthread_join(t->id, NULL);
    free(t);
}

struct job {
    uv_work_t uv;
    loop_fn *work, *done;
    void *arg;
};

static void on_work(uv_work_t *w)
{
    struct job *j = w->data;
    j->work(j->arg);
}

static void on_done(uv_work_t *w, int status)
{
    struct job *j = w->data;
    (void)status; /* jobs are never cancelled */
    j->done(j->arg);
    free(j);
}

void loop_job(struct loop *loop, loop_fn *work, loop_fn *done, void *arg)
{
    struct job *j = mem_zalloc(sizeof *j);
    *j = (struct job){.work = work, .done = done, .arg = arg};
    j->uv.data = j;
    if (uv_queue_work(&loop->uv, &j->uv, on_work, on_done) != 0)
        fatal("thread pool");
}
