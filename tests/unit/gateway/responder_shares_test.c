/* SPDX-License-Identifier: Apache-2.0 */
/* Whose questions OCSP responders are asked when more are wanted than go out at once, or wait. The Internet is a
 * stand-in here: what is sent lies there until the test ends it. */
#include "kit.h"

#include "base/clock.h"
#include "gateway/judge/responder.h"
#include "source/many.h"

#define RESPONDER                                                                                                      \
    ",\"sources\":[{\"id\":\"ocsp-1\",\"kind\":\"ocsp\",\"url\":\"http://ocsp.example/\",\"refresh_s\":0}]"

enum { IN_FLIGHT = 64, KNOWN = 1024 };

/* --- the Internet --- */

static struct source_many_one *under_way[2 * KNOWN];
static size_t sent;

struct source_many *source_many_new(struct loop *loop)
{
    return (struct source_many *)(void *)loop;
}

void source_many_free(struct source_many *m)
{
    (void)m;
}

void source_many_ask(struct source_many *m, struct source_many_one *one)
{
    (void)m;
    one->result = R_TIMEOUT;
    assert_true(sent < ARRAY_LEN(under_way));
    under_way[sent++] = one;
}

/* --- who asks --- */

static struct gateway_tunnels no_tunnels;

struct world {
    struct kit *k;
    struct responder *r;
    struct snapshot_current current;
    unsigned asked, called;
};

static void on_done(void *arg)
{
    ((struct world *)arg)->called++;
}

static void key_of(const char *holder, unsigned n, unsigned char ret[PKI_OCSP_KEY_SIZE])
{
    memset(ret, 0, PKI_OCSP_KEY_SIZE);
    (void)snprintf((char *)ret, PKI_OCSP_KEY_SIZE, "%s %u", holder, n);
}

static void ask(struct world *w, const char *holder, unsigned n)
{
    struct pki_ocsp_questions q = {.count = 0};
    unsigned char key[PKI_OCSP_KEY_SIZE];
    key_of(holder, n, key);
    pki_ocsp_questions_add(&q, w->k->leaf.cert, w->k->root.cert, key);
    responder_ask(w->r, holder, &q, w->k->judge.loop, on_done, w);
    w->asked++;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

/* All that was posted by now, and what that posts. */
static void pass(const struct world *w)
{
    for (int i = 0; i < 3; i++) {
        loop_post(w->k->judge.loop, stop, w->k->judge.loop);
        loop_run(w->k->judge.loop);
    }
}

static const char *why(const struct world *w, const char *holder, unsigned n)
{
    struct pki_ocsp_answer a;
    unsigned char key[PKI_OCSP_KEY_SIZE];
    key_of(holder, n, key);
    responder_recall(w->r, key, clock_wall_s(), &a);
    return a.why;
}

static void open_world(struct world *w, struct kit *k)
{
    *w = (struct world){.k = k};
    sent = 0;
    kit_bundle(k, RESPONDER);
    snapshot_current_init(&w->current, NULL, NULL);
    k->snapshot.refs = 2 * KNOWN; /* never freed by others: it is the kit's */
    snapshot_current_put(&w->current, &k->snapshot);
    w->r = responder_new(k->judge.loop, &no_tunnels, &w->current);
    kit_keep(w->r);
}

static void close_world(struct world *w)
{
    for (size_t i = 0; i < sent; i++)
        under_way[i]->done(under_way[i]->arg);
    pass(w);
    assert_int_equal(w->called, w->asked); /* each once */
    responder_stop(w->r);
}

static void who_has_few_on_their_way_is_asked_for_first(void **state)
{
    struct world w;
    open_world(&w, *state);
    for (unsigned i = 0; i < 3 * IN_FLIGHT; i++)
        ask(&w, "192.0.2.1", i);
    ask(&w, "192.0.2.2", 0);
    pass(&w);
    assert_int_equal(sent, IN_FLIGHT);
    under_way[0]->done(under_way[0]->arg);
    assert_int_equal(sent, IN_FLIGHT + 1);
    under_way[IN_FLIGHT]->done(under_way[IN_FLIGHT]->arg); /* it is the other's, who waits no more */
    pass(&w);
    assert_string_equal(why(&w, "192.0.2.2", 0), "the responder did not answer in time");
    under_way[0] = under_way[--sent];
    under_way[IN_FLIGHT] = under_way[--sent];
    close_world(&w);
}

static void who_has_most_that_wait_makes_room_for_who_has_few(void **state)
{
    struct world w;
    open_world(&w, *state);
    for (unsigned i = 0; i < KNOWN; i++)
        ask(&w, "192.0.2.1", i);
    pass(&w);
    ask(&w, "192.0.2.1", KNOWN); /* its own share is all there is */
    pass(&w);
    assert_string_equal(why(&w, "192.0.2.1", KNOWN), "too many questions wait for the responder");
    ask(&w, "192.0.2.2", 0);
    pass(&w);
    assert_int_equal(w.called, 2);
    assert_string_equal(why(&w, "192.0.2.2", 0), "there is no answer of the responder yet");
    assert_string_equal(why(&w, "192.0.2.1", IN_FLIGHT), "too many questions wait for the responder");
    assert_string_equal(why(&w, "192.0.2.1", 0), "there is no answer of the responder yet"); /* it is on its way */
    close_world(&w);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        HELD(who_has_few_on_their_way_is_asked_for_first),
        HELD(who_has_most_that_wait_makes_room_for_who_has_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
