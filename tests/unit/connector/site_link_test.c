/* SPDX-License-Identifier: Apache-2.0 */
/* The link to the site: whom it asks and when, which documents it takes, and what it keeps. Management points are the
 * test's, and so are both clocks. */
#include "kit.h"

#include "../base/scratch.h"
#include "../bundle/roles.h"
#include "../http/fake_clock.h"
#include "../http/fake_loop.h"
#include "base/mem.h"
#include "connector/site/site.h"

#define NOW INT64_C(1800000000)
enum { SECOND = 1000 };

#define EMPTY "{\"endpoints\":[],\"gateways\":[]}"
#define ONE_GATEWAY "{\"endpoints\":[],\"gateways\":[{\"id\":\"gw1\",\"host\":\"gw.example\",\"port\":443}]}"

struct fixture {
    struct roles roles;
    struct connector_config config;
    struct role_identity identity;
    struct site_known known;
    struct site_link *link;
    void *folder;
    enum result takes; /* what the owner says to a document */
    unsigned documents, hopeless, news;
    size_t gateways; /* of the last document that was taken */
};

static struct fixture *fix;

const struct role_identity *renewer_identity(const struct renewer *r UNUSED)
{
    return &fix->identity;
}

static enum result on_document(void *owner, struct connector_document *d, struct error *err)
{
    struct fixture *f = owner;
    if (f->takes != OK)
        return error_set(err, f->takes, "the choices rule it out");
    f->documents++;
    f->gateways = d->gateway_count;
    connector_document_free(d);
    return OK;
}

static void on_hopeless(void *owner)
{
    ((struct fixture *)owner)->hopeless++;
}

static void on_news(void *ctx)
{
    ((struct fixture *)ctx)->news++;
}

static const struct site_link_events events = {on_document, on_hopeless};

static int setup(void **state)
{
    struct error err = {.text = ""};
    struct fixture *f = fix = mem_zalloc(sizeof *f);
    if (scratch_make(&f->folder) != 0)
        return -1;
    roles_make(&f->roles, NOW);
    f->identity = roles_identity(&f->roles, "connector", "cp1", NOW - ROLES_DAY, NOW + ROLES_DAY);
    struct bootstrap *b = &f->config.bootstrap;
    roles_bootstrap(&f->roles, "cp1", &f->identity, b);
    b->urls[0].url = mem_strdup("http://one.example");
    b->urls[1].url = mem_strdup("http://two.example:8080/base");
    b->url_count = 2;
    f->config.state = f->folder;
    f->known = (struct site_known){.loop = loop_new(), .config = &f->config, .on_news = on_news, .ctx = f};
    fake_wall_follow(f->known.loop, NOW);
    if (site_link_new(&f->known, &events, f, &f->link, &err) != OK)
        fail_msg("%s", err.text);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    site_link_free(f->link);
    role_identity_free(&f->identity);
    bootstrap_free(&f->config.bootstrap);
    roles_end(&f->roles);
    loop_free(f->known.loop);
    (void)scratch_drop(&f->folder);
    free(f);
    kit_servers_reset();
    return 0;
}

/* Answers what was asked last by such a document. */
static void send_document(struct fixture *f, const char *audience, int64_t sequence, const char *content)
{
    char *text = roles_document(&f->roles, DOCUMENT_CONNECTOR, audience, sequence, content, NOW);
    kit_answer(kit_last_call(), 200, "", text);
    free(text);
}

/* A moment, in which the next one is asked. */
static void wait(struct fixture *f)
{
    fake_loop_pass(f->known.loop, 2 * SECOND);
}

/* --- whom it asks, and when --- */

static void the_first_management_point_is_asked_for_the_first_document(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    assert_int_equal(kit_servers.count, 1);
    assert_string_equal(kit_last_call()->host, "one.example");
    assert_string_equal(kit_last_call()->target, "/.cmg/connector?after=0");
}

static void after_a_document_the_next_one_is_asked_for_at_once(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    send_document(f, "cp1", 7, ONE_GATEWAY);
    assert_int_equal(f->documents, 1);
    assert_int_equal(f->gateways, 1);
    assert_int_equal(site_link_sequence(f->link), 7);
    assert_int_equal(kit_servers.count, 2);
    assert_string_equal(kit_last_call()->host, "one.example");
    assert_string_equal(kit_last_call()->target, "/.cmg/connector?after=7");
}

static void nothing_new_means_asking_again(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    kit_answer(kit_last_call(), 204, "", "");
    assert_int_equal(kit_servers.count, 2);
    assert_string_equal(kit_last_call()->host, "one.example");
}

static void another_answer_means_asking_another_after_a_moment(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    kit_answer(kit_last_call(), 503, "", "later");
    assert_int_equal(kit_servers.count, 1);
    wait(f);
    assert_string_equal(kit_last_call()->host, "two.example");
    assert_string_equal(kit_last_call()->target, "/base/.cmg/connector?after=0");
}

static void so_does_a_failure_and_the_last_is_followed_by_the_first(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    kit_fail(kit_last_call(), HTTP_FAIL_REFUSED, true, "connection refused");
    wait(f);
    assert_string_equal(kit_last_call()->host, "two.example");
    kit_fail(kit_last_call(), HTTP_FAIL_NAME, true, "no such host");
    wait(f);
    assert_string_equal(kit_last_call()->host, "one.example");
}

static void so_does_a_pool_that_has_no_room(void **state)
{
    struct fixture *f = *state;
    kit_servers.refuses = R_LIMIT;
    site_link_start(f->link);
    kit_servers.refuses = OK;
    wait(f);
    assert_string_equal(kit_last_call()->host, "two.example");
}

static void one_that_never_answers_is_asked_anew(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    fake_loop_pass(f->known.loop, 299 * SECOND);
    assert_int_equal(kit_servers.count, 1);
    fake_loop_pass(f->known.loop, 2 * SECOND);
    assert_true(kit_servers.calls[0].cancelled);
    assert_int_equal(kit_servers.count, 2);
}

static void gateways_questions_go_to_the_one_that_is_asked_now(void **state)
{
    struct fixture *f = *state;
    struct upstream *first = site_link_upstream(f->link);
    site_link_start(f->link);
    kit_fail(kit_last_call(), HTTP_FAIL_REFUSED, true, "connection refused");
    assert_ptr_not_equal(site_link_upstream(f->link), first);
}

/* --- which documents it takes --- */

static void assert_not_taken(struct fixture *f, const char *word)
{
    assert_int_equal(f->documents, 0);
    if (!strstr(site_link_refused(f->link), word))
        fail_msg("no \"%s\" in: %s", word, site_link_refused(f->link));
    assert_int_equal(f->news, 1);
    assert_int_equal(f->hopeless, 0); /* another management point may have the right one */
    wait(f);
    assert_string_equal(kit_last_call()->host, "two.example");
}

static void a_document_for_another_connector_is_refused_and_that_is_news(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    send_document(f, "cp2", 7, EMPTY);
    assert_not_taken(f, "cp");
}

static void a_document_of_another_root_is_refused(void **state)
{
    struct fixture *f = *state;
    struct roles other;
    roles_make(&other, NOW);
    char *text = roles_document(&other, DOCUMENT_CONNECTOR, "cp1", 7, EMPTY, NOW);
    site_link_start(f->link);
    kit_answer(kit_last_call(), 200, "", text);
    assert_not_taken(f, "root");
    free(text);
    roles_end(&other);
}

static void what_is_no_document_is_refused(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    kit_answer(kit_last_call(), 200, "", "<html>Welcome</html>");
    assert_not_taken(f, "");
}

static void an_older_document_is_refused_and_so_is_the_same_one(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    send_document(f, "cp1", 7, EMPTY);
    send_document(f, "cp1", 6, EMPTY);
    assert_int_equal(f->documents, 1);
    wait(f);
    send_document(f, "cp1", 7, EMPTY);
    assert_int_equal(f->documents, 1);
    assert_int_equal(site_link_sequence(f->link), 7);
}

static void a_good_one_ends_the_refusal_and_that_is_news_too(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    send_document(f, "cp2", 7, EMPTY);
    wait(f);
    send_document(f, "cp2", 7, EMPTY);
    assert_int_equal(f->news, 1); /* it was refused before */
    wait(f);
    send_document(f, "cp1", 7, EMPTY);
    assert_int_equal(f->news, 2);
    assert_string_equal(site_link_refused(f->link), "");
}

/* --- a first document that can't be served --- */

static void when_the_first_is_ruled_out_the_site_is_told_and_the_connector_ends(void **state)
{
    struct fixture *f = *state;
    f->takes = R_DENIED;
    site_link_start(f->link);
    send_document(f, "cp1", 7, EMPTY);
    assert_int_equal(f->hopeless, 1);
    assert_true(f->news > 0);
    loop_run(f->known.loop); /* which ends by itself: time for the last words */
}

static void a_later_one_that_is_ruled_out_ends_nothing(void **state)
{
    struct fixture *f = *state;
    site_link_start(f->link);
    send_document(f, "cp1", 7, EMPTY);
    f->known.has_document = true;
    f->takes = R_DENIED;
    send_document(f, "cp1", 8, EMPTY);
    assert_int_equal(f->hopeless, 0);
    assert_string_equal(site_link_refused(f->link), "the choices rule it out");
}

/* --- what it keeps --- */

static void a_document_that_was_kept_is_in_use_before_anybody_is_asked(void **state)
{
    struct fixture *f = *state;
    char *text = roles_document(&f->roles, DOCUMENT_CONNECTOR, "cp1", 7, ONE_GATEWAY, NOW);
    scratch_put(f->folder, "connector.jws", text, 0600);
    site_link_start(f->link);
    assert_int_equal(f->documents, 1);
    assert_true(f->known.has_document);
    assert_string_equal(kit_last_call()->target, "/.cmg/connector?after=7");
    free(text);
}

static void one_of_no_use_is_asked_for_anew(void **state)
{
    struct fixture *f = *state;
    scratch_put(f->folder, "connector.jws", "half a docu", 0600);
    site_link_start(f->link);
    assert_int_equal(f->documents, 0);
    assert_string_equal(kit_last_call()->target, "/.cmg/connector?after=0");
}

static void what_was_taken_is_what_the_next_process_finds(void **state)
{
    struct fixture *f = *state;
    struct connector_document *d;
    struct error err = {.text = ""};
    assert_int_equal(site_link_kept(&f->config, &d, &err), R_NOTFOUND);
    site_link_start(f->link);
    send_document(f, "cp1", 7, ONE_GATEWAY);
    assert_int_equal(site_link_kept(&f->config, &d, &err), OK);
    assert_true(d->sequence == 7);
    connector_document_free(d);
}

static void what_was_refused_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct connector_document *d;
    struct error err;
    site_link_start(f->link);
    send_document(f, "cp2", 7, EMPTY);
    assert_int_equal(site_link_kept(&f->config, &d, &err), R_NOTFOUND);
}

/* --- requests of the connector's own, and a new role certificate --- */

static void nothing_comes(void *ctx UNUSED, const struct http_response *head UNUSED)
{
}

static void the_connector_s_own_requests_go_to_the_same_management_point(void **state)
{
    struct fixture *f = *state;
    static const struct http_call_events own = {.on_response = nothing_comes};
    const struct http_request q = {.method = SLICE("POST"), .target = SLICE("/report")};
    struct http_call *c;
    struct error err;
    assert_int_equal(site_link_call(f->link, &q, &own, NULL, &c, &err), OK);
    assert_string_equal(kit_last_call()->target, "/.cmg/report");
    assert_string_equal(kit_last_call()->host, "one.example");
}

static void with_a_new_role_certificate_it_asks_anew(void **state)
{
    struct fixture *f = *state;
    struct upstream *before = upstream_ref(site_link_upstream(f->link));
    site_link_start(f->link);
    site_link_renewed(f->link);
    assert_true(kit_servers.calls[0].cancelled);
    assert_int_equal(kit_servers.count, 2);
    assert_ptr_not_equal(site_link_upstream(f->link), before);
    upstream_unref(before);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(the_first_management_point_is_asked_for_the_first_document),
        HELD(after_a_document_the_next_one_is_asked_for_at_once),
        HELD(nothing_new_means_asking_again),
        HELD(another_answer_means_asking_another_after_a_moment),
        HELD(so_does_a_failure_and_the_last_is_followed_by_the_first),
        HELD(so_does_a_pool_that_has_no_room),
        HELD(one_that_never_answers_is_asked_anew),
        HELD(gateways_questions_go_to_the_one_that_is_asked_now),
        HELD(a_document_for_another_connector_is_refused_and_that_is_news),
        HELD(a_document_of_another_root_is_refused),
        HELD(what_is_no_document_is_refused),
        HELD(an_older_document_is_refused_and_so_is_the_same_one),
        HELD(a_good_one_ends_the_refusal_and_that_is_news_too),
        HELD(when_the_first_is_ruled_out_the_site_is_told_and_the_connector_ends),
        HELD(a_later_one_that_is_ruled_out_ends_nothing),
        HELD(a_document_that_was_kept_is_in_use_before_anybody_is_asked),
        HELD(one_of_no_use_is_asked_for_anew),
        HELD(what_was_taken_is_what_the_next_process_finds),
        HELD(what_was_refused_is_not_kept),
        HELD(the_connector_s_own_requests_go_to_the_same_management_point),
        HELD(with_a_new_role_certificate_it_asks_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
