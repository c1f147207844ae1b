/* SPDX-License-Identifier: Apache-2.0 */
/* Dialling by name, where the name server is the test's: it answers when it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>

#include "loop/loop.h"
#include "net/tcp.h"

enum { DIALS = 40, LONG_MS = 30000 };

/* --- names --- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int questions;
    bool answers;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret);

/* In the pool. "known." is this machine, other names are nobody's. */
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
    (void)pthread_mutex_lock(&names.lock);
    names.questions++;
    while (!names.answers)
        (void)pthread_cond_wait(&names.changed, &names.lock);
    (void)pthread_mutex_unlock(&names.lock);
    return strcmp(host, "known.") == 0 ? __real_getaddrinfo("127.0.0.1", port, hints, ret) : EAI_NONAME;
}

static void answer(bool answers)
{
    (void)pthread_mutex_lock(&names.lock);
    names.answers = answers;
    (void)pthread_cond_broadcast(&names.changed);
    (void)pthread_mutex_unlock(&names.lock);
}

/* --- who dials --- */

struct world {
    struct loop *loop;
    struct net_listener *listener;
    uint16_t port;
    int opened, failed;
    struct net_dial *dials[DIALS];
};

static void on_accept(void *ctx, struct net_stream *s, const struct net_address *peer)
{
    (void)ctx, (void)peer;
    net_stream_close(s);
}

static void stop_at_the_end(struct world *w)
{
    if (w->opened + w->failed == DIALS - 1)
        loop_stop(w->loop);
}

static void on_open(void *ctx, struct net_stream *s)
{
    struct world *w = ctx;
    w->opened++;
    net_stream_close(s);
    stop_at_the_end(w);
}

static void on_fail(void *ctx, const struct error *why)
{
    struct world *w = ctx;
    assert_int_equal(why->code, R_NOTFOUND);
    w->failed++;
    stop_at_the_end(w);
}

static const struct net_dial_events events = {.on_open = on_open, .on_fail = on_fail};

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run(struct world *w)
{
    struct loop_timer *guard = loop_timer_new(w->loop, stop, w->loop);
    loop_timer_start(guard, LONG_MS, 0);
    loop_run(w->loop);
    loop_timer_free(guard);
}

static void open_world(struct world *w)
{
    struct error err;
    *w = (struct world){.loop = loop_new()};
    struct net_address at;
    assert_int_equal(net_address_parse(SLICE("127.0.0.1:0"), &at, &err), OK);
    assert_int_equal(net_listen_tcp(w->loop, &at, false, on_accept, w, &w->listener, &err), OK);
    net_listener_address(w->listener, &at);
    w->port = net_address_port(&at);
    names.questions = 0;
    answer(false);
}

static void all_that_want_a_name_meanwhile_ask_for_it_once(void **state)
{
    static const char *const hosts[] = {"known.", "unknown."};
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(hosts); k++) {
        struct world w;
        open_world(&w);
        for (int i = 0; i < DIALS; i++)
            w.dials[i] = net_dial_tcp(w.loop, hosts[k], w.port, LONG_MS, &events, &w);
        net_dial_cancel(w.dials[DIALS / 2]);
        answer(true);
        run(&w);
        assert_int_equal(names.questions, 1);
        assert_int_equal(k == 0 ? w.opened : w.failed, DIALS - 1);
        net_listener_close(w.listener);
        loop_free(w.loop);
    }
}

/* Whoever gave up leaves the question where it is. */
static void a_name_that_is_wanted_again_is_not_asked_for_beside_the_first_time(void **state)
{
    struct world w;
    (void)state;
    open_world(&w);
    for (int i = 0; i < DIALS; i++) {
        net_dial_cancel(net_dial_tcp(w.loop, "unknown.", 1, LONG_MS, &events, &w));
        loop_post(w.loop, stop, w.loop);
        loop_run(w.loop);
    }
    answer(true);
    net_listener_close(w.listener);
    loop_free(w.loop); /* waits for the pool */
    assert_int_equal(names.questions, 1);
    assert_int_equal(w.opened + w.failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_want_a_name_meanwhile_ask_for_it_once),
        cmocka_unit_test(a_name_that_is_wanted_again_is_not_asked_for_beside_the_first_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
