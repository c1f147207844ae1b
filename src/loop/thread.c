/* SPDX-License-Identifier: Apache-2.0 */
/* Threads with a loop of their own, and jobs in libuv's pool. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/internal.h"

enum { NAME_SIZE = 16 }; /* pthread_setname_np(3) */

struct loop_thread {
    pthread_t id;
    char name[NAME_SIZE];
    loop_fn *fn;
    void *arg;
};

struct job {
    uv_work_t uv;
    loop_fn *work, *done;
    void *arg;
};

/* Each thread its own: another's name is a file below /proc, which a sandbox has not. */
static void name_thread(const char *name)
{
    (void)pthread_setname_np(pthread_self(), name);
}

static void *run_thread(void *arg)
{
    struct loop_thread *t = arg;
    name_thread(t->name);
    t->fn(t->arg);
    return NULL;
}

/* Signals go to the main thread, but for those that a thread brings on itself. */
static void block_signals(sigset_t *ret_old)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF};
    sigset_t most;
    (void)sigfillset(&most);
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        (void)sigdelset(&most, own[i]);
    (void)pthread_sigmask(SIG_SETMASK, &most, ret_old);
}

struct loop_thread *loop_thread_start(const char *name, loop_fn *fn, void *arg)
{
    struct loop_thread *t = mem_zalloc(sizeof *t);
    sigset_t old;
    (void)snprintf(t->name, sizeof t->name, "%s", name);
    t->fn = fn;
    t->arg = arg;
    block_signals(&old);
    int rc = pthread_create(&t->id, NULL, run_thread, t);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        fatal("can't start the thread %s: %s", name, strerror(rc));
    return t;
}

void loop_thread_join(struct loop_thread *t)
{
    (void)pthread_join(t->id, NULL);
    free(t);
}

static void on_work(uv_work_t *uv)
{
    struct job *j = uv->data;
    j->work(j->arg);
}

static void on_done(uv_work_t *uv, int status)
{
    struct job *j = uv->data;
    (void)status; /* jobs are never cancelled */
    j->done(j->arg);
    free(j);
}

void loop_job(struct loop *loop, loop_fn *work, loop_fn *done, void *arg)
{
    struct job *j = mem_zalloc(sizeof *j);
    *j = (struct job){.work = work, .done = done, .arg = arg};
    j->uv.data = j;
    int rc = uv_queue_work(&loop->uv, &j->uv, on_work, on_done);
    if (rc != 0)
        fatal("uv_queue_work: %s", uv_strerror(rc));
}

/* --- slow jobs --- */

struct slow_job {
    struct loop *loop;
    loop_fn *work, *done;
    void *arg;
};

static void slow_done(void *arg)
{
    struct slow_job *j = arg;
    j->done(j->arg);
    free(j);
}

/* A share of the processor of about a tenth when all of it is wanted: little enough for others not to notice, and an
 * end in sight whatever they do. */
enum { SLOW_NICE = 10 };

static void *run_slow(void *arg)
{
    struct slow_job *j = arg;
    name_thread("slow");
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), SLOW_NICE); /* of this thread alone, on Linux */
    j->work(j->arg);
    loop_post(j->loop, slow_done, j);
    return NULL;
}

void loop_job_slow(struct loop *loop, loop_fn *work, loop_fn *done, void *arg)
{
    struct slow_job *j = mem_zalloc(sizeof *j);
    *j = (struct slow_job){loop, work, done, arg};
    pthread_t id;
    sigset_t old;
    block_signals(&old);
    int rc = pthread_create(&id, NULL, run_slow, j);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        fatal("can't start a thread: %s", strerror(rc));
    (void)pthread_detach(id);
}
