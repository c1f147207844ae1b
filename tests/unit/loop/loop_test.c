/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: deferred work, posting between threads, timers, jobs, signals, readiness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/watch.h"

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(struct loop *loop, uint64_t ms)
{
    struct loop_timer *t = loop_timer_new(loop, stop, loop);
    loop_timer_start(t, ms, 0);
    loop_run(loop);
    loop_timer_free(t);
}

/* --- deferred work --- */

struct note {
    struct loop *loop;
    struct loop_deferred d;
    char name;
    char *log; /* grows by one character a run */
    struct note *defers, *cancels;
    int again;
};

static void write_note(void *arg)
{
    struct note *n = arg;
    n->log[strlen(n->log)] = n->name;
    if (n->again-- > 0)
        loop_defer(n->loop, &n->d);
    if (n->defers)
        loop_defer(n->loop, &n->defers->d);
    if (n->cancels)
        loop_defer_cancel(&n->cancels->d);
}

static struct note note(struct loop *loop, char name, char *log)
{
    return (struct note){.loop = loop, .d = {.fn = write_note}, .name = name, .log = log};
}

static void deferred_work_runs_once_in_order_before_the_loop_sleeps(void **state)
{
    (void)state;
    char log[32] = "";
    struct loop *loop = loop_new();
    struct note a = note(loop, 'a', log), b = note(loop, 'b', log), c = note(loop, 'c', log);
    a.d.arg = &a, b.d.arg = &b, c.d.arg = &c;
    loop_defer(loop, &a.d);
    loop_defer(loop, &b.d);
    loop_defer(loop, &c.d);
    loop_defer(loop, &a.d);
    loop_defer_cancel(&b.d);
    loop_defer_cancel(&b.d);
    uint64_t before = clock_mono_ms();
    run_for(loop, 30);
    assert_string_equal(log, "ac");
    assert_true(clock_mono_ms() - before >= 29);
    loop_free(loop);
}

static void deferred_work_may_defer_and_cancel_more(void **state)
{
    (void)state;
    char log[64] = "";
    struct loop *loop = loop_new();
    struct note a = note(loop, 'a', log), b = note(loop, 'b', log), c = note(loop, 'c', log);
    a.d.arg = &a, b.d.arg = &b, c.d.arg = &c;
    a.defers = &c; /* comes in the next round */
    a.cancels = &b;
    loop_defer(loop, &a.d);
    loop_defer(loop, &b.d);
    run_for(loop, 5);
    assert_string_equal(log, "ac");
    loop_free(loop);
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static void work_that_defers_itself_for_ever_starves_nobody(void **state)
{
    (void)state;
    char log[4096] = "";
    int ticks = 0;
    struct loop *loop = loop_new();
    struct note a = note(loop, 'a', log);
    a.d.arg = &a;
    a.again = 4000;
    struct loop_timer *t = loop_timer_new(loop, count, &ticks);
    loop_timer_start(t, 1, 0);
    loop_defer(loop, &a.d);
    run_for(loop, 200);
    assert_int_equal(strlen(log), 4001);
    assert_int_equal(ticks, 1);
    loop_timer_free(t);
    loop_free(loop);
}

struct poster {
    struct loop *loop;
    struct loop_deferred d;
    uint64_t posted, ran;
};

static void stop_poster(void *arg)
{
    struct poster *p = arg;
    p->ran = clock_mono_ms();
    loop_stop(p->loop);
}

static void defer_in_post(void *arg)
{
    struct poster *p = arg;
    p->posted = clock_mono_ms();
    loop_defer(p->loop, &p->d);
}

static void what_is_deferred_in_any_callback_does_not_wait_for_the_next_event(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct poster p = {.loop = loop, .d = {.fn = stop_poster, .arg = &p}};
    struct loop_timer *t = loop_timer_new(loop, defer_in_post, &p); /* timers run in another phase than posts */
    loop_timer_start(t, 5, 0);
    loop_run(loop);
    assert_true(p.ran - p.posted < 1000);
    loop_post(loop, defer_in_post, &p);
    loop_run(loop);
    assert_true(p.ran - p.posted < 1000);
    loop_timer_free(t);
    loop_free(loop);
}

/* --- threads --- */

enum { POSTERS = 4, POSTS = 20000 };

struct counter {
    struct loop *loop;
    int next[POSTERS], done, disorder;
};

struct post {
    struct counter *c;
    int who, number;
};

static void take_post(void *arg)
{
    struct post *p = arg;
    struct counter *c = p->c;
    c->disorder += c->next[p->who]++ != p->number;
    if (++c->done == POSTERS * POSTS)
        loop_stop(c->loop);
    free(p);
}

struct posting_thread {
    struct counter *c;
    int who;
};

static void post_many(void *arg)
{
    struct posting_thread *t = arg;
    for (int i = 0; i < POSTS; i++) {
        struct post *p = mem_zalloc(sizeof *p);
        *p = (struct post){t->c, t->who, i};
        loop_post(t->c->loop, take_post, p);
    }
}

static void posts_of_many_threads_all_arrive_each_threads_in_order(void **state)
{
    (void)state;
    struct counter c = {.loop = loop_new()};
    struct posting_thread args[POSTERS];
    struct loop_thread *threads[POSTERS];
    for (int i = 0; i < POSTERS; i++) {
        args[i] = (struct posting_thread){&c, i};
        threads[i] = loop_thread_start("poster", post_many, &args[i]);
    }
    loop_run(c.loop);
    for (int i = 0; i < POSTERS; i++)
        loop_thread_join(threads[i]);
    assert_int_equal(c.done, POSTERS * POSTS);
    assert_int_equal(c.disorder, 0);
    loop_free(c.loop);
}

static void run_loop(void *arg)
{
    loop_run(arg);
}

static void a_loop_stops_from_another_thread_even_before_it_runs(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    loop_stop(loop);
    loop_run(loop);
    struct loop_thread *t = loop_thread_start("looper", run_loop, loop);
    loop_stop(loop);
    loop_thread_join(t);
    loop_free(loop);
}

static void sum_slowly(void *arg)
{
    struct counter *c = arg;
    struct timespec pause = {.tv_nsec = 5000000};
    (void)nanosleep(&pause, NULL);
    c->next[0] = 42;
}

static void sum_done(void *arg)
{
    struct counter *c = arg;
    c->done = c->next[0];
    loop_stop(c->loop);
}

static void a_job_works_elsewhere_and_is_done_here(void **state)
{
    (void)state;
    struct counter c = {.loop = loop_new()};
    loop_job(c.loop, sum_slowly, sum_done, &c);
    loop_run(c.loop);
    assert_int_equal(c.done, 42);
    loop_job(c.loop, sum_slowly, sum_done, &c); /* freeing waits for it */
    loop_free(c.loop);
}

struct crowded {
    struct loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t released;
    bool over, quick_done;
};

static void wait_for_release(void *arg)
{
    struct crowded *c = arg;
    (void)pthread_mutex_lock(&c->lock);
    while (!c->over)
        (void)pthread_cond_wait(&c->released, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void note_quick(void *arg)
{
    struct crowded *c = arg;
    c->quick_done = true;
    loop_stop(c->loop);
}

/* Two sets of sources, three of each under way, a connector's and a name: servers that do not answer hold so many. */
static void jobs_that_wait_for_others_leave_room(void **state)
{
    enum { WAITING = 10, LONG_MS = 30000 };
    struct crowded c = {.loop = loop_new(), .lock = PTHREAD_MUTEX_INITIALIZER, .released = PTHREAD_COND_INITIALIZER};
    (void)state;
    for (int i = 0; i < WAITING; i++)
        loop_job(c.loop, wait_for_release, nothing, &c);
    loop_job(c.loop, nothing, note_quick, &c);
    run_for(c.loop, LONG_MS);
    bool in_time = c.quick_done;
    (void)pthread_mutex_lock(&c.lock);
    c.over = true;
    (void)pthread_cond_broadcast(&c.released);
    (void)pthread_mutex_unlock(&c.lock);
    loop_free(c.loop);
    assert_true(in_time);
}

/* --- timers and signals --- */

struct self_freeing {
    struct loop_timer *timer;
    struct loop *loop;
    int runs;
};

static void free_self(void *arg)
{
    struct self_freeing *s = arg;
    s->runs++;
    loop_timer_free(s->timer);
    s->timer = NULL;
}

static void a_timer_may_be_freed_in_its_own_callback(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct self_freeing s = {.loop = loop};
    s.timer = loop_timer_new(loop, free_self, &s);
    assert_false(loop_timer_active(s.timer));
    loop_timer_start(s.timer, 1, 1);
    assert_true(loop_timer_active(s.timer));
    run_for(loop, 30);
    assert_int_equal(s.runs, 1);
    loop_timer_free(NULL);
    loop_free(loop);
}

static void a_timer_repeats_until_it_is_stopped(void **state)
{
    (void)state;
    int ticks = 0;
    struct loop *loop = loop_new();
    struct loop_timer *t = loop_timer_new(loop, count, &ticks);
    loop_timer_start(t, 1, 2);
    run_for(loop, 60);
    assert_true(ticks >= 5);
    loop_timer_stop(t);
    ticks = 0;
    run_for(loop, 20);
    assert_int_equal(ticks, 0);
    loop_timer_free(t);
    loop_free(loop);
}

static void a_timer_of_a_loop_that_stood_still_does_not_come_early(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    struct timespec pause = {.tv_nsec = 60000000};
    (void)nanosleep(&pause, NULL);
    uint64_t before = clock_mono_ms();
    run_for(loop, 50);
    assert_true(clock_mono_ms() - before >= 48);
    loop_free(loop);
}

static void a_signal_reaches_every_loop_that_asked_for_it(void **state)
{
    (void)state;
    int first = 0, second = 0;
    struct loop *a = loop_new(), *b = loop_new();
    loop_on_signal(a, SIGUSR1, count, &first);
    loop_on_signal(b, SIGUSR1, count, &second);
    (void)raise(SIGUSR1);
    run_for(a, 10);
    run_for(b, 10);
    assert_int_equal(first, 1);
    assert_int_equal(second, 1);
    loop_free(a);
    loop_free(b);
}

/* --- readiness --- */

struct watched {
    struct loop *loop;
    struct loop_watch *watch;
    int fd, reads, writes;
    bool free_in_call;
};

static void on_ready(void *arg, bool readable, bool writable)
{
    struct watched *w = arg;
    char byte;
    w->reads += readable;
    w->writes += writable;
    if (readable)
        (void)!read(w->fd, &byte, 1);
    if (writable)
        loop_watch_set(w->watch, true, false);
    if (w->free_in_call) {
        loop_watch_free(w->watch);
        w->watch = NULL;
    }
}

static void a_descriptor_is_told_ready_and_may_move_to_another_loop(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct watched w = {.loop = loop_new(), .fd = pair[0]};
    w.watch = loop_watch_new(w.loop, pair[0], on_ready, &w);
    assert_non_null(w.watch);
    loop_watch_set(w.watch, true, true);
    run_for(w.loop, 5);
    assert_int_equal(w.reads, 0);
    assert_int_equal(w.writes, 1);
    assert_int_equal(write(pair[1], "abc", 3), 3);
    run_for(w.loop, 5);
    assert_int_equal(w.reads, 3); /* told again as long as there is something */

    struct watched second = {.loop = loop_new(), .fd = pair[0], .free_in_call = true};
    loop_watch_free(w.watch);
    second.watch = loop_watch_new(second.loop, pair[0], on_ready, &second);
    loop_watch_set(second.watch, true, false);
    assert_int_equal(write(pair[1], "abc", 3), 3);
    run_for(w.loop, 5);
    run_for(second.loop, 5);
    assert_int_equal(w.reads, 3);
    assert_int_equal(second.reads, 1); /* none after it was freed */
    (void)close(pair[0]);
    (void)close(pair[1]);
    loop_free(w.loop);
    loop_free(second.loop);
}

static void a_file_can_not_be_watched(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_null(loop_watch_new(loop, fd, on_ready, NULL));
    (void)close(fd);
    loop_free(loop);
}

static void scratch_buffers_are_distinct_while_taken(void **state)
{
    (void)state;
    struct loop *loop = loop_new();
    char *taken[8];
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        taken[i] = loop_scratch_take(loop);
        memset(taken[i], (int)i, LOOP_SCRATCH_SIZE);
    }
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        assert_int_equal(taken[i][0], i);
        assert_int_equal(taken[i][LOOP_SCRATCH_SIZE - 1], i);
        loop_scratch_give(loop, taken[i]);
    }
    loop_scratch_give(loop, NULL);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deferred_work_runs_once_in_order_before_the_loop_sleeps),
        cmocka_unit_test(deferred_work_may_defer_and_cancel_more),
        cmocka_unit_test(work_that_defers_itself_for_ever_starves_nobody),
        cmocka_unit_test(what_is_deferred_in_any_callback_does_not_wait_for_the_next_event),
        cmocka_unit_test(posts_of_many_threads_all_arrive_each_threads_in_order),
        cmocka_unit_test(a_loop_stops_from_another_thread_even_before_it_runs),
        cmocka_unit_test(a_job_works_elsewhere_and_is_done_here),
        cmocka_unit_test(jobs_that_wait_for_others_leave_room),
        cmocka_unit_test(a_timer_may_be_freed_in_its_own_callback),
        cmocka_unit_test(a_timer_repeats_until_it_is_stopped),
        cmocka_unit_test(a_timer_of_a_loop_that_stood_still_does_not_come_early),
        cmocka_unit_test(a_signal_reaches_every_loop_that_asked_for_it),
        cmocka_unit_test(a_descriptor_is_told_ready_and_may_move_to_another_loop),
        cmocka_unit_test(a_file_can_not_be_watched),
        cmocka_unit_test(scratch_buffers_are_distinct_while_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
