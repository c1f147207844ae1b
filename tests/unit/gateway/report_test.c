/* SPDX-License-Identifier: Apache-2.0 */
/* When a report is sent, and what it tells. */
#include "home.h"

#include "gateway/site/report.h"
#include "served.h"
#include "json/json.h"

struct reporting {
    struct home *h;
    struct served served;
    struct shown_certificates shown;
    struct gateway_counters counters;
    struct sources *sources;
    struct gateway_report *report;
};

static void on_nothing(void *ctx UNUSED)
{
}

static const struct sources_events no_events = {on_nothing, on_nothing};

static int setup(void **state)
{
    struct reporting *r = calloc(1, sizeof *r);
    void *home;
    struct certificates *first;
    if (home_setup(&home) != 0)
        return -1;
    r->h = home;
    served_init(&r->served);
    served_add(&r->served, "DNS:gw.example", NULL, NOW + 9 * DAY);
    if (certificates_load(&r->served.config, &first, &r->h->k->detail) != OK ||
        sources_new(&r->h->home, &no_events, NULL, &r->sources, &r->h->k->detail) != OK)
        fail_msg("%s", r->h->k->detail.text);
    shown_certificates_init(&r->shown, first, on_nothing, NULL);
    r->counters = (struct gateway_counters){.of = {&r->h->k->metrics}, .count = 1};
    r->h->config.bootstrap.certificate_pem = pki_cert_pem(r->h->root);
    const struct gateway_report_parts parts = {&r->h->home, &r->shown, &r->counters, r->sources};
    r->report = gateway_report_new(&parts);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct reporting *r = *state;
    void *home = r->h;
    gateway_report_free(r->report);
    sources_free(r->sources);
    certificates_unref(r->shown.certificates);
    free(r->h->config.bootstrap.certificate_pem);
    served_done(&r->served);
    free(r);
    return home_teardown(&home);
}

/* The next one, soon; the caller json_decref()s. */
static json_t *report(struct reporting *r)
{
    gateway_report_changed(r->report);
    home_pass(r->h, 1000);
    struct way_call *c = way_open();
    assert_string_equal(c->method, "POST");
    assert_string_equal(c->target, "/report");
    assert_string_equal(c->authority, "site");
    json_t *o = json_loads(c->body, 0, NULL);
    assert_non_null(o);
    way_answer(c, 204, "");
    return o;
}

/* --- when --- */

static void many_changes_make_one_report_a_second_after_the_first(void **state)
{
    struct reporting *r = *state;
    gateway_report_changed(r->report);
    home_pass(r->h, 600);
    gateway_report_changed(r->report); /* puts it off no further */
    home_pass(r->h, 399);
    assert_int_equal(way_calls(), 0);
    home_pass(r->h, 1);
    assert_int_equal(way_calls(), 1);
}

static void after_the_first_one_comes_each_minute(void **state)
{
    struct reporting *r = *state;
    json_decref(report(r));
    home_pass(r->h, 59 * 1000);
    assert_int_equal(way_calls(), 1);
    home_pass(r->h, 1000);
    assert_int_equal(way_calls(), 2);
}

static void a_report_that_the_site_does_not_take_is_given_up_for_the_next(void **state)
{
    struct reporting *r = *state;
    gateway_report_changed(r->report);
    home_pass(r->h, 1000);
    struct way_call *first = way_open();
    gateway_report_changed(r->report);
    home_pass(r->h, 1000);
    assert_true(first->cancelled);
    assert_int_equal(way_calls(), 2);
}

static void without_a_way_to_the_site_none_is_sent_and_the_next_minute_tries_again(void **state)
{
    struct reporting *r = *state;
    r->h->inside.reaches = "source";
    gateway_report_changed(r->report);
    home_pass(r->h, 1000);
    assert_int_equal(way_calls(), 0);
    r->h->inside.reaches = "site";
    home_pass(r->h, 60 * 1000);
    assert_int_equal(way_calls(), 1);
}

/* --- what --- */

static void it_tells_counters_times_and_the_bundle_in_use(void **state)
{
    struct reporting *r = *state;
    metric_add(&r->h->k->metrics, METRIC_TUNNELS, 2);
    metric_add(&r->h->k->metrics, METRIC_CONNECTIONS, 5);
    r->h->k->snapshot.refs = 64;
    snapshot_current_put(&r->h->current, &r->h->k->snapshot);
    fake_wall_s = NOW + 33;
    json_t *o = report(r);
    assert_string_equal(json_opt_str(o, "version", ""), CMG_VERSION);
    assert_int_equal(json_opt_int(o, "started", 0), NOW);
    assert_int_equal(json_opt_int(o, "time", 0), NOW + 33);
    assert_int_equal(json_opt_int(o, "bundle", 0), 7);
    assert_int_equal(json_opt_int(o, "workers", 0), 1);
    assert_int_equal(json_opt_int(o, "tunnels", 0), 2);
    assert_int_equal(json_opt_int(o, "connections", 0), 5);
    assert_int_equal(json_opt_int(o, "not_after", 0), NOW + 300 * DAY);
    assert_null(json_object_get(o, "state_fault"));
    assert_null(json_object_get(o, "document_refused"));
    assert_null(json_object_get(o, "certificate_fault"));
    json_decref(o);
}

static void refusals_of_one_name_are_told_together_and_those_that_never_were_are_not(void **state)
{
    struct reporting *r = *state;
    struct gateway_metrics *m = &r->h->k->metrics;
    atomic_store(&m->refusals[REASON_UPSTREAM_TIMEOUT], 2);
    atomic_store(&m->refusals[REASON_REQUEST_TIMEOUT], 1);
    json_t *o = report(r), *refusals = json_object_get(o, "refusals");
    const char *one = verdict_reason_info(REASON_UPSTREAM_TIMEOUT)->name,
               *two = verdict_reason_info(REASON_REQUEST_TIMEOUT)->name;
    bool same = strcmp(one, two) == 0;
    assert_int_equal(json_opt_int(refusals, one, 0), same ? 3 : 2);
    assert_int_equal(json_object_size(refusals), same ? 1 : 2);
    json_decref(o);
}

static void server_certificates_are_told_with_their_ends_and_why_newer_ones_could_not_be_used(void **state)
{
    struct reporting *r = *state;
    shown_certificates_note_unread(&r->shown, "0.pem: it is spoilt");
    json_t *o = report(r), *one = json_array_get(json_object_get(o, "server_certificates"), 0);
    assert_string_equal(json_opt_str(o, "certificate_fault", ""), "0.pem: it is spoilt");
    assert_int_equal(json_opt_int(one, "not_after", 0), NOW + 9 * DAY);
    assert_non_null(strstr(json_opt_str(one, "pem", ""), "BEGIN CERTIFICATE"));
    json_decref(o);
}

static void a_refused_bundle_is_told_even_when_its_words_are_no_utf_8(void **state)
{
    struct reporting *r = *state;
    snapshot_current_refuse(&r->h->current, "its signature");
    json_t *o = report(r);
    assert_string_equal(json_opt_str(o, "document_refused", ""), "its signature");
    json_decref(o);
    snapshot_current_refuse(&r->h->current, "it says \xff");
    o = report(r);
    assert_string_equal(json_opt_str(o, "document_refused", ""), "unknown");
    json_decref(o);
}

static void sources_are_told_with_how_they_do(void **state)
{
    struct reporting *r = *state;
    kit_bundle(r->h->k, ",\"sources\":[{\"id\":\"crl-1\",\"kind\":\"crl\",\"via\":\"connector\",\"refresh_s\":0}]");
    r->h->k->snapshot.refs = 64;
    snapshot_current_put(&r->h->current, &r->h->k->snapshot);
    sources_refresh(r->sources);
    json_t *o = report(r), *one = json_array_get(json_object_get(o, "sources"), 0);
    assert_string_equal(json_opt_str(one, "id", ""), "crl-1");
    assert_string_equal(json_opt_str(one, "kind", ""), "crl");
    assert_true(json_is_false(json_object_get(one, "pointed")));
    assert_int_equal(json_opt_int(one, "fetched", -1), 0);
    json_decref(o);
}

static void a_state_folder_that_takes_nothing_is_told(void **state)
{
    struct reporting *r = *state;
    r->h->config.state = (char *)(uintptr_t) "/nonexistent/state";
    json_t *o = report(r);
    assert_non_null(json_object_get(o, "state_fault"));
    json_decref(o);
    r->h->config.state = r->h->state;
}

static void a_role_certificate_that_can_t_be_read_has_no_end(void **state)
{
    struct reporting *r = *state;
    free(r->h->config.bootstrap.certificate_pem);
    r->h->config.bootstrap.certificate_pem = strdup("no certificate");
    json_t *o = report(r);
    assert_int_equal(json_opt_int(o, "not_after", -1), 0);
    json_decref(o);
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(many_changes_make_one_report_a_second_after_the_first),
        HELD(after_the_first_one_comes_each_minute),
        HELD(a_report_that_the_site_does_not_take_is_given_up_for_the_next),
        HELD(without_a_way_to_the_site_none_is_sent_and_the_next_minute_tries_again),
        HELD(it_tells_counters_times_and_the_bundle_in_use),
        HELD(refusals_of_one_name_are_told_together_and_those_that_never_were_are_not),
        HELD(server_certificates_are_told_with_their_ends_and_why_newer_ones_could_not_be_used),
        HELD(a_refused_bundle_is_told_even_when_its_words_are_no_utf_8),
        HELD(sources_are_told_with_how_they_do),
        HELD(a_state_folder_that_takes_nothing_is_told),
        HELD(a_role_certificate_that_can_t_be_read_has_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
