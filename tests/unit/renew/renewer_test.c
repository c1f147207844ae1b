/* SPDX-License-Identifier: Apache-2.0 */
/* A role's certificate is asked for when half of its life is over, with a fresh key each time, and replaced by nothing
 * but its own successor. The site is the test, and so are both clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "../bundle/roles.h"
#include "../http/fake_clock.h"
#include "../http/fake_loop.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bundle/role/renewal.h"
#include "pki/issue/csr.h"
#include "pki/issue/issue.h"
#include "renew/renewer.h"

#define NOW INT64_C(1800000000)
enum { SECOND = 1000, HOUR = 3600 * SECOND, DAYS = 24 * HOUR };

struct fixture {
    struct roles roles;
    struct bootstrap boot;
    void *state; /* the folder */
    struct loop *loop;
    struct renewer *renewer;
    struct renewer_options options;
    /* What the site saw: */
    enum result way; /* OK: there is one */
    unsigned asked;
    struct http_call call;
    bool open; /* waits for its answer */
    char type[64], body[16384];
    /* What was told: */
    unsigned good, bad;
    uint64_t retry_s;
    struct error why;
};

/* --- the site --- */

static void on_write(struct http_call *c, struct slice data)
{
    struct fixture *f = (struct fixture *)((char *)c - offsetof(struct fixture, call));
    assert_true(slice_to_cstr(data, f->body, sizeof f->body));
}

static void on_finish(struct http_call *c UNUSED)
{
}

static void on_consumed(struct http_call *c UNUSED, size_t n UNUSED)
{
}

static void on_cancel(struct http_call *c)
{
    ((struct fixture *)((char *)c - offsetof(struct fixture, call)))->open = false;
}

static const struct http_call_ops ops = {on_write, on_finish, on_consumed, on_cancel};

static enum result send_it(void *owner, const struct http_request *request, const struct http_call_events *events,
                           void *ctx, struct http_call **ret, struct error *err)
{
    struct fixture *f = owner;
    f->asked++;
    if (f->way != OK)
        return error_set(err, f->way, "no tunnel stands");
    assert_true(slice_eq(request->target, SLICE("/renew")));
    assert_true(slice_to_cstr(http_fields_get(&request->fields, SLICE("content-type")), f->type, sizeof f->type));
    f->call = (struct http_call){&ops, events, ctx};
    f->open = true;
    *ret = &f->call;
    return OK;
}

static void answer(struct fixture *f, int status, const char *body)
{
    const struct http_response head = {.status = status};
    assert_true(f->open);
    f->open = false;
    f->call.events->on_response(f->call.ctx, &head);
    f->call.events->on_body(f->call.ctx, slice_of(body));
    f->call.events->on_end(f->call.ctx, NULL);
}

/* The key of the request that came. */
static EVP_PKEY *asked_key(const struct fixture *f)
{
    EVP_PKEY *key;
    struct error err;
    if (pki_csr_read(slice_of(f->body), &key, &err) != OK)
        fail_msg("%s", err.text);
    return key;
}

/* Grants it to this connector for so many days from the wall clock's now on. */
static void grant(struct fixture *f, const char *id, int64_t now, int64_t days)
{
    EVP_PKEY *key = asked_key(f);
    char *chain = roles_certify(&f->roles, key, "connector", id, now, now + days * ROLES_DAY);
    answer(f, 200, chain);
    free(chain);
    EVP_PKEY_free(key);
}

static void on_result(void *owner, const struct role_identity *fresh, const struct error *why, uint64_t retry_s)
{
    struct fixture *f = owner;
    f->good += fresh != NULL;
    f->bad += fresh == NULL;
    f->why = *why;
    f->retry_s = retry_s;
    if (fresh)
        assert_ptr_equal(fresh, renewer_identity(f->renewer));
}

static const struct renewer_events events = {send_it, on_result};

/* --- set-up --- */

/* A renewer of this kind whose certificate was issued so many days ago, for 100 days. */
static void start(struct fixture *f, const char *kind, int64_t age_days, uint64_t every_s)
{
    struct role_identity i =
        roles_identity(&f->roles, kind, "r1", NOW - age_days * ROLES_DAY, NOW + (100 - age_days) * ROLES_DAY);
    roles_bootstrap(&f->roles, "r1", &i, &f->boot);
    f->options = (struct renewer_options){kind, f->state, &f->boot, every_s};
    f->renewer = renewer_new(f->loop, &f->options, &i, &events, f);
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    roles_make(&f->roles, NOW);
    if (scratch_make(&f->state) != 0)
        return -1;
    f->loop = loop_new();
    fake_wall_follow(f->loop, NOW);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    renewer_free(f->renewer);
    loop_free(f->loop);
    bootstrap_free(&f->boot);
    roles_end(&f->roles);
    (void)scratch_drop(&f->state);
    free(f);
    return 0;
}

/* --- when --- */

static void nobody_asks_before_half_of_the_life_is_over(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 0, 0);
    fake_loop_pass(f->loop, 49ULL * DAYS);
    assert_int_equal(f->asked, 0);
    fake_loop_pass(f->loop, 1ULL * DAYS + 2 * SECOND);
    assert_int_equal(f->asked, 1);
}

static void what_is_overdue_at_the_start_is_asked_for_within_seconds(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    assert_int_equal(f->asked, 0); /* the way to the site comes up first */
    fake_loop_pass(f->loop, 3 * SECOND);
    assert_int_equal(f->asked, 1);
}

static void a_clock_that_was_set_is_noticed_within_an_hour(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 0, 0);
    fake_loop_pass(f->loop, 1 * SECOND);
    fake_wall_follow(f->loop, NOW + 51 * ROLES_DAY);
    fake_loop_pass(f->loop, HOUR + 1 * SECOND);
    assert_int_equal(f->asked, 1);
}

static void an_administrator_s_interval_comes_before_half_life(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 0, 600);
    fake_loop_pass(f->loop, 599ULL * SECOND);
    assert_int_equal(f->asked, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    assert_int_equal(f->asked, 1);
}

/* --- what is asked --- */

static void a_connector_sends_a_bare_request(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    assert_string_equal(f->type, "application/pkcs10");
    EVP_PKEY_free(asked_key(f));
}

static void a_gateway_signs_its_request_by_the_key_that_it_has(void **state)
{
    struct fixture *f = *state;
    struct pki_role_judge *gateways;
    struct renewal read;
    struct error err = {.text = ""};
    start(f, "gateway", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    assert_string_equal(f->type, "application/jose");
    assert_int_equal(pki_role_judge_new(slice_of(f->roles.root_pem), "LAB", "gateway", &gateways, &err), OK);
    if (renewal_read(slice_of(f->body), gateways, "LAB", NOW + 3, &read, &err) != OK)
        fail_msg("%s", err.text);
    assert_string_equal(read.id, "r1");
    renewal_done(&read);
    pki_role_judge_free(gateways);
}

static void each_attempt_has_a_key_of_its_own(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    EVP_PKEY *first = asked_key(f);
    answer(f, 503, "");
    fake_loop_pass(f->loop, 11 * SECOND);
    EVP_PKEY *second = asked_key(f);
    assert_int_equal(EVP_PKEY_eq(first, second), 0);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
}

/* --- what comes --- */

static void what_the_site_grants_is_in_use_and_kept(void **state)
{
    struct fixture *f = *state;
    struct role_identity kept;
    struct error why, err;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    grant(f, "r1", NOW, 100);
    assert_int_equal(f->good, 1);
    assert_int_equal(f->why.code, OK);
    assert_int_equal(renewer_identity(f->renewer)->not_after, NOW + 100 * ROLES_DAY);
    assert_int_equal(role_identity_load(f->state, "connector", &f->boot, NOW + 3, &kept, &why, &err), OK);
    assert_true(kept.renewed);
    assert_string_equal(kept.certificate_pem, renewer_identity(f->renewer)->certificate_pem);
    role_identity_free(&kept);
    fake_loop_pass(f->loop, 49ULL * DAYS); /* and it counts from there */
    assert_int_equal(f->asked, 1);
    fake_loop_pass(f->loop, 1ULL * DAYS);
    assert_int_equal(f->asked, 2);
}

static void another_s_certificate_is_refused_and_the_old_one_stays(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    grant(f, "r2", NOW, 100);
    assert_int_equal(f->good, 0);
    assert_int_equal(f->bad, 1);
    assert_int_equal(renewer_identity(f->renewer)->not_after, NOW + 40 * ROLES_DAY);
}

static void a_certificate_for_another_key_is_refused(void **state)
{
    struct fixture *f = *state;
    EVP_PKEY *other = pki_key_new();
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    char *chain = roles_certify(&f->roles, other, "connector", "r1", NOW, NOW + 100 * ROLES_DAY);
    answer(f, 200, chain);
    assert_int_equal(f->bad, 1);
    assert_false(renewer_identity(f->renewer)->renewed);
    free(chain);
    EVP_PKEY_free(other);
}

static void one_that_can_not_be_kept_is_used_all_the_same_and_that_is_told(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    assert_int_equal(rmdir(f->state), 0); /* its name stays: the renewer borrows it */
    fake_loop_pass(f->loop, 3 * SECOND);
    grant(f, "r1", NOW, 100);
    assert_int_equal(f->good, 1);
    assert_int_not_equal(f->why.code, OK);
    assert_true(renewer_identity(f->renewer)->renewed);
}

/* --- failures --- */

static void the_site_s_own_words_reach_the_operator(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    answer(f, 403, "{\"detail\":\"connector r1 was removed\"}");
    assert_string_equal(f->why.text, "the site answered 403: connector r1 was removed");
}

static void an_answer_without_words_is_told_by_its_status(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    answer(f, 502, "<html>Bad Gateway</html>");
    assert_string_equal(f->why.text, "the site answered 502");
}

static void without_a_way_to_the_site_it_is_asked_again_soon(void **state)
{
    struct fixture *f = *state;
    f->way = R_AGAIN;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    assert_int_equal(f->bad, 1);
    assert_string_equal(f->why.text, "no tunnel stands");
    assert_in_range(f->retry_s, 5, 10);
    f->way = OK;
    fake_loop_pass(f->loop, 11 * SECOND);
    assert_true(f->open);
}

static void silence_counts_as_a_failure(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    fake_loop_pass(f->loop, 31 * SECOND);
    assert_int_equal(f->bad, 1);
    assert_int_equal(f->why.code, R_TIMEOUT);
}

static void pauses_grow_with_failures_and_shrink_after_a_success(void **state)
{
    struct fixture *f = *state;
    f->way = R_AGAIN;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 10ULL * HOUR);
    assert_in_range(f->retry_s, 1800, 3600);
    assert_true(f->asked < 30);
    f->way = OK;
    for (int i = 0; i <= 3600 && !f->open; i++)
        fake_loop_pass(f->loop, 1 * SECOND);
    grant(f, "r1", clock_wall_s(), 100);
    fake_loop_pass(f->loop, 50ULL * DAYS + 2 * SECOND);
    answer(f, 500, "");
    assert_in_range(f->retry_s, 5, 10);
}

static void an_end_while_it_asks_ends_the_request(void **state)
{
    struct fixture *f = *state;
    start(f, "connector", 60, 0);
    fake_loop_pass(f->loop, 3 * SECOND);
    assert_true(f->open);
    renewer_free(f->renewer);
    f->renewer = NULL;
    assert_false(f->open);
    assert_int_equal(f->good + f->bad, 0);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(nobody_asks_before_half_of_the_life_is_over),
        HELD(what_is_overdue_at_the_start_is_asked_for_within_seconds),
        HELD(a_clock_that_was_set_is_noticed_within_an_hour),
        HELD(an_administrator_s_interval_comes_before_half_life),
        HELD(a_connector_sends_a_bare_request),
        HELD(a_gateway_signs_its_request_by_the_key_that_it_has),
        HELD(each_attempt_has_a_key_of_its_own),
        HELD(what_the_site_grants_is_in_use_and_kept),
        HELD(another_s_certificate_is_refused_and_the_old_one_stays),
        HELD(a_certificate_for_another_key_is_refused),
        HELD(one_that_can_not_be_kept_is_used_all_the_same_and_that_is_told),
        HELD(the_site_s_own_words_reach_the_operator),
        HELD(an_answer_without_words_is_told_by_its_status),
        HELD(without_a_way_to_the_site_it_is_asked_again_soon),
        HELD(silence_counts_as_a_failure),
        HELD(pauses_grow_with_failures_and_shrink_after_a_success),
        HELD(an_end_while_it_asks_ends_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
