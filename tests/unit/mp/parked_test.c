/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that wait for the next version of a document, on exchanges that only note what is done to them. */
#include "cmocka_first.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../store/where.h"
#include "base/clock.h"
#include "base/mem.h"
#include "mp/answer/parked.h"
#include "mp/answer/router.h"
#include "mp/content/documents.h"
#include "mp/content/list.h"
#include "mp/server/request.h"
#include "mp/site.h"
#include "pki/issue/issue.h"
#include "store/sequence.h"
#include "store/site/role.h"
#include "store/site/trust.h"

enum { LONG = 300 * 1024 };

static struct store_where where;
static struct mp_site site;
static struct error err;

/* --- an exchange that notes --- */

struct noted {
    struct http_exchange x;
    int answers, status;
    size_t written;
    bool finished;
};

static void note_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    struct noted *n = container_of(x, struct noted, x);
    n->answers++;
    n->status = head->status;
    n->finished = end;
}

static void note_write(struct http_exchange *x, struct slice data)
{
    container_of(x, struct noted, x)->written += data.len;
}

static void note_finish(struct http_exchange *x, const struct http_fields *trailers)
{
    (void)trailers;
    container_of(x, struct noted, x)->finished = true;
}

static const struct http_exchange_ops ops = {.respond = note_respond, .write = note_write, .finish = note_finish};

static struct mp_request *ask_by(const char *connector, struct noted *n, int64_t after)
{
    *n = (struct noted){.x = {.ops = &ops,
                              .arena = arena_new(HTTP_ARENA_MAX),
                              .request = {.method = SLICE("GET"), .target = SLICE("/.cmg/bundle")}}};
    struct mp_request *r = mp_request_new(&site, NULL, &n->x);
    (void)snprintf(r->sender.identity.connector, sizeof r->sender.identity.connector, "%s", connector);
    mp_parked_add(r, MP_PARKED_BUNDLE, after);
    return r; /* gone when it was answered at once */
}

static struct mp_request *ask(struct noted *n, int64_t after)
{
    return ask_by("cp1", n, after);
}

static void forget(struct noted *n)
{
    arena_free(n->x.arena);
}

/* --- a site --- */

static void ok(enum result r)
{
    if (r != OK)
        fail_msg("%s", err.text);
}

static X509 *issue(enum pki_profile profile, const char *name, const char *uri, EVP_PKEY *key, X509 *ca,
                   EVP_PKEY *ca_key)
{
    struct pki_request r = {.profile = profile,
                            .common_name = name,
                            .uri = uri,
                            .not_before = clock_wall_s() - 10,
                            .not_after = clock_wall_s() + 1000,
                            .subject_key = key,
                            .issuer = ca,
                            .issuer_key = ca_key};
    X509 *cert;
    ok(pki_issue(&r, &cert, &err));
    return cert;
}

static void make_signer(void)
{
    EVP_PKEY *root_key = pki_key_new(), *key = pki_key_new();
    X509 *root = issue(PKI_SITE_ROOT, "root", NULL, root_key, NULL, NULL);
    X509 *cert = issue(PKI_SIGNING, "bundle", "urn:opencmg:LAB:signing:bundle", key, root, root_key);
    char *root_pem = pki_cert_pem(root), *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key);
    ok(document_signer_new(slice_of(key_pem), slice_of(pem), slice_of(root_pem), &site.keys.bundle, &err));
    mem_free_secret(key_pem, strlen(key_pem));
    free(pem);
    free(root_pem);
    X509_free(cert);
    X509_free(root);
    EVP_PKEY_free(key);
    EVP_PKEY_free(root_key);
}

static int setup(void **state)
{
    (void)state;
    struct store_connector cp = {.id = "cp1", .not_after = clock_wall_s() + 1000};
    if (store_where_new(&where, &err) != OK)
        return -1;
    site = (struct mp_site){.access_fd = -1, .loop = loop_new()};
    site.keys.site = mem_strdup("LAB");
    site.keys.jwks = json_pack("{s:[]}", "keys");
    make_signer();
    ok(store_open(where.url, true, &site.store, &err));
    ok(store_bump(site.store, STORE_LOCATION, &err));
    ok(store_connector_add(site.store, &cp, &err));
    site.documents = mp_documents_new();
    site.lists = mp_lists_new();
    site.answers = crowd_new(NULL, 0);
    site.askers = mp_router_askers();
    site.parked = mp_parked_new(&site);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    mp_parked_free(site.parked);
    mp_documents_free(site.documents);
    mp_lists_free(site.lists);
    crowd_free(site.answers);
    crowd_free(site.askers);
    store_close(site.store);
    mp_keys_free(&site.keys);
    loop_free(site.loop);
    store_where_remove(&where);
    return 0;
}

static void stop(void *arg)
{
    loop_stop(arg);
}

static void run_for(uint64_t ms)
{
    struct loop_timer *t = loop_timer_new(site.loop, stop, site.loop);
    loop_timer_start(t, ms, 0);
    loop_run(site.loop);
    loop_timer_free(t);
}

static void let_it_run(void)
{
    run_for(20);
}

static int64_t bundle_sequence(void)
{
    int64_t sequence;
    ok(store_sequence_get(site.store, STORE_SEQUENCE_BUNDLE, &sequence, NULL, &err));
    return sequence;
}

static void make_bundle_long(void)
{
    char *data = mem_zalloc(LONG + 1);
    memset(data, 'A', LONG);
    struct store_trust t = {.id = "long", .kind = STORE_CRL, .subject = "", .number = "01", .data = data};
    ok(store_trust_put(site.store, &t, &err));
    free(data);
}

/* --- what must hold --- */

static void a_newer_document_is_answered_at_once(void **state)
{
    (void)state;
    struct noted n;
    ask(&n, bundle_sequence() - 1);
    assert_int_equal(n.status, 200);
    assert_true(n.finished);
    assert_int_equal(mp_parked_count(site.parked), 0);
    forget(&n);
}

static void a_change_wakes_who_waits(void **state)
{
    (void)state;
    struct noted n;
    ask(&n, bundle_sequence());
    let_it_run();
    assert_int_equal(n.answers, 0);
    assert_int_equal(mp_parked_count(site.parked), 1);
    ok(store_bump(site.store, STORE_BUNDLE, &err));
    let_it_run();
    assert_int_equal(n.answers, 1);
    assert_int_equal(n.status, 200);
    assert_int_equal(mp_parked_count(site.parked), 0);
    forget(&n);
}

static void a_long_answer_under_way_is_not_begun_again_by_the_next_change(void **state)
{
    (void)state;
    struct noted n;
    ask(&n, bundle_sequence());
    make_bundle_long();
    let_it_run();
    assert_int_equal(n.answers, 1);
    assert_false(n.finished);
    assert_int_equal(mp_parked_count(site.parked), 0);
    assert_true(n.written <= HTTP_WRITE_AHEAD);
    ok(store_bump(site.store, STORE_BUNDLE, &err));
    let_it_run();
    assert_int_equal(n.answers, 1);
    for (size_t gone_on = 0; !n.finished;) {
        size_t more = n.written - gone_on;
        assert_true(more > 0 && more <= HTTP_WRITE_AHEAD);
        gone_on = n.written;
        n.x.events->on_sent(n.x.ctx, more);
    }
    assert_true(n.written > LONG);
    forget(&n);
}

static void who_went_away_is_no_longer_parked(void **state)
{
    (void)state;
    struct noted n, other;
    ask(&n, bundle_sequence());
    ask(&other, bundle_sequence());
    n.x.events->on_abort(n.x.ctx, &err);
    assert_int_equal(mp_parked_count(site.parked), 1);
    forget(&n);
    ok(store_bump(site.store, STORE_BUNDLE, &err));
    let_it_run();
    assert_int_equal(other.answers, 1);
    forget(&other);
}

/* PROTOCOL 6. The four and a half minutes are cut short here. */
static void who_waited_for_four_and_a_half_minutes_is_told_that_nothing_came(void **state)
{
    (void)state;
    struct noted n, other;
    struct mp_request *r = ask(&n, bundle_sequence());
    ask(&other, bundle_sequence());
    assert_int_equal(r->parked.until_ms, loop_now_ms(site.loop) + 270 * 1000);
    r->parked.until_ms = loop_now_ms(site.loop);
    run_for(1200); /* the next look */
    assert_int_equal(n.status, 204);
    assert_true(n.finished);
    assert_int_equal(other.answers, 0);
    assert_int_equal(mp_parked_count(site.parked), 1);
    forget(&n);
    other.x.events->on_abort(other.x.ctx, &err);
    forget(&other);
}

/* A gateway that was broken into asks in its tunnel as often as it likes; each that waits is looked at at every change.
 */
static void of_one_connector_the_oldest_makes_room_and_of_others_none(void **state)
{
    (void)state;
    enum { MORE = 10 };
    static struct noted many[MP_PARKED_EACH_MAX + MORE];
    struct store_connector cp = {.id = "cp2", .not_after = clock_wall_s() + 1000};
    struct noted other;
    ok(store_connector_add(site.store, &cp, &err));
    ask_by("cp2", &other, bundle_sequence());
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        ask(&many[i], bundle_sequence());
    assert_int_equal(mp_parked_count(site.parked), MP_PARKED_EACH_MAX + 1);
    assert_int_equal(other.answers, 0);
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        assert_int_equal(many[i].status, i < MORE ? 204 : 0);
    ok(store_bump(site.store, STORE_BUNDLE, &err));
    let_it_run();
    assert_int_equal(other.status, 200);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        assert_int_equal(many[i].answers, 1);
        forget(&many[i]);
    }
    forget(&other);
}

static void an_abort_in_the_middle_of_an_answer_ends_it(void **state)
{
    (void)state;
    struct noted n;
    make_bundle_long();
    ask(&n, 0);
    assert_false(n.finished);
    n.x.events->on_abort(n.x.ctx, &err);
    forget(&n);
}

static void a_removed_connector_waits_no_longer(void **state)
{
    (void)state;
    struct noted n;
    ask(&n, bundle_sequence() + 100);
    ok(store_connector_remove(site.store, "cp1", &err));
    let_it_run();
    assert_int_equal(n.answers, 1);
    assert_int_equal(mp_parked_count(site.parked), 0);
    forget(&n);
    ask(&n, 0);
    assert_int_equal(n.status, 403);
    forget(&n);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_newer_document_is_answered_at_once),
        TEST(a_change_wakes_who_waits),
        TEST(a_long_answer_under_way_is_not_begun_again_by_the_next_change),
        TEST(who_went_away_is_no_longer_parked),
        TEST(who_waited_for_four_and_a_half_minutes_is_told_that_nothing_came),
        TEST(of_one_connector_the_oldest_makes_room_and_of_others_none),
        TEST(an_abort_in_the_middle_of_an_answer_ends_it),
        TEST(a_removed_connector_waits_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
