/* SPDX-License-Identifier: Apache-2.0 */
/* The analysis as people and programs read it: each cause once with what to do, consequences in one line, and what was
 * proved and what was not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/print.h"

struct fixture {
    struct analyze_credential credential;
    struct analyze_config config;
    struct analyze_report report;
    struct analyze_proof proof;
    struct analyze_print print;
    struct analyze_watch watch;
    FILE *out;
    char *text;
    size_t size;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->credential = (struct analyze_credential){.kind = ANALYZE_PKI, .subject = "CN=dev"};
    f->config = (struct analyze_config){.gateway = {.host = "gw.example", .port = 8443}, .credential = &f->credential};
    f->out = open_memstream(&f->text, &f->size);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    analyze_report_free(&f->report);
    (void)fclose(f->out);
    free(f->text);
    free(f);
    return 0;
}

static void begin(struct fixture *f)
{
    analyze_print_begin(&f->print, f->out, &f->config);
    f->watch = analyze_print_watch(&f->print);
}

static const char *end(struct fixture *f)
{
    analyze_print_end(&f->print, &f->config, &f->report, &f->proof);
    (void)fflush(f->out);
    return f->text;
}

static void fine(void *arg, struct analyze_result *r)
{
    (void)arg;
    analyze_found(r, "all is well");
}

static void broken(void *arg, struct analyze_result *r)
{
    (void)arg;
    analyze_fail(r, ANALYZE_CAUSE_REFUSED, "%s", "gw.example:8443");
    (void)snprintf(r->request_id, sizeof r->request_id, "r-77");
}

static void run(struct fixture *f, const char *id, const char *needs, analyze_fn *fn)
{
    char title[32];
    (void)snprintf(title, sizeof title, "Step %s", id);
    const struct analyze_step s = {id, title, needs, fn};
    (void)analyze_step_run(&f->report, &s, NULL, &f->watch);
}

static void has(const char *text, const char *words)
{
    if (!text || !strstr(text, words))
        fail_msg("no \"%s\" in:\n%s", words, text ? text : "nothing");
}

static size_t count(const char *text, const char *words)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, words)); at++)
        n++;
    return n;
}

static void it_begins_with_whom_it_asks_and_as_whom(void **state)
{
    struct fixture *f = *state;
    begin(f);
    has(end(f), "Connection analysis of gw.example:8443, credential: pki, CN=dev\n");
}

static void an_address_of_ipv6_stands_in_brackets(void **state)
{
    struct fixture *f = *state;
    (void)snprintf(f->config.gateway.host, sizeof f->config.gateway.host, "2001:db8::1");
    begin(f);
    has(end(f), "[2001:db8::1]:8443");
}

static void a_step_that_is_ok_says_what_it_found_beside_itself(void **state)
{
    struct fixture *f = *state;
    begin(f);
    run(f, "a", NULL, fine);
    has(end(f), "ms  all is well\n");
    has(f->text, "Nothing failed.");
}

static void a_step_that_failed_says_cause_remedy_and_request(void **state)
{
    struct fixture *f = *state;
    begin(f);
    run(f, "a", NULL, broken);
    has(end(f), "cause: connection_refused");
    has(f->text, "remedy: check that cmg-gateway runs");
    has(f->text, "request: r-77");
    has(f->text, "First cause connection_refused, at 'Step a'");
    assert_null(strstr(f->text, "Nothing failed."));
}

static void consequences_of_one_cause_take_one_line(void **state)
{
    struct fixture *f = *state;
    begin(f);
    run(f, "a", NULL, broken);
    run(f, "b", "a", fine);
    run(f, "c", "b", fine);
    has(end(f), "skipped 2 more steps: they need 'Step a'");
    assert_int_equal(count(f->text, "skipped"), 1);
    assert_null(strstr(f->text, "Step b"));
}

static void consequences_of_two_causes_take_two(void **state)
{
    struct fixture *f = *state;
    begin(f);
    run(f, "a", NULL, broken);
    run(f, "b", "a", fine);
    run(f, "c", NULL, broken);
    run(f, "d", "c", fine);
    has(end(f), "they need 'Step a'");
    has(f->text, "they need 'Step c'");
}

static void what_was_proved_and_what_not_is_told_apart(void **state)
{
    struct fixture *f = *state;
    f->proof.of[ANALYZE_PKI] = true;
    begin(f);
    has(end(f), "Proved     pki\n");
    const char *not_proved = strstr(f->text, "Not proved");
    assert_non_null(not_proved);
    has(not_proved, "bulk token");
    assert_null(strstr(not_proved, "pki,"));
}

static void a_device_s_own_analysis_does_not_send_to_the_device(void **state)
{
    struct fixture *f = *state;
    begin(f);
    has(end(f), "run cmg-client analyze on it");
    size_t before = f->size;
    f->config.own_device = true;
    assert_null(strstr(end(f) + before, "run cmg-client analyze"));
}

static void a_certificate_without_its_key_proves_nothing_of_the_device(void **state)
{
    struct fixture *f = *state;
    f->config.as_certificate = "CN=other";
    begin(f);
    has(end(f), "as certificate CN=other");
    has(f->text, "The certificate alone was judged");
    assert_null(strstr(f->text, "Proved"));
}

/* --- for programs --- */

static void programs_get_the_same_with_null_for_what_is_not(void **state)
{
    struct fixture *f = *state;
    f->proof.of[ANALYZE_PKI] = true;
    begin(f);
    run(f, "a", NULL, fine);
    run(f, "b", NULL, broken);
    run(f, "c", "b", fine);
    json_t *o = analyze_json(&f->config, &f->report, &f->proof);
    json_t *steps = json_object_get(o, "steps"), *credential = json_object_get(o, "credential");
    assert_true(json_is_false(json_object_get(o, "ok")));
    assert_string_equal(json_string_value(json_object_get(o, "gateway")), "gw.example:8443");
    assert_string_equal(json_string_value(json_array_get(json_object_get(credential, "proved"), 0)), "pki");
    assert_int_equal(json_array_size(steps), 3);
    json_t *a = json_array_get(steps, 0), *b = json_array_get(steps, 1), *c = json_array_get(steps, 2);
    assert_true(json_is_null(json_object_get(a, "cause")));
    assert_string_equal(json_string_value(json_object_get(b, "cause")), "connection_refused");
    assert_string_equal(json_string_value(json_object_get(b, "request_id")), "r-77");
    assert_string_equal(json_string_value(json_object_get(c, "outcome")), "skipped");
    assert_string_equal(json_string_value(json_object_get(c, "needs")), "b");
    json_decref(o);
}

static void an_analysis_without_a_gateway_names_none(void **state)
{
    struct fixture *f = *state;
    f->config.gateway.host[0] = '\0';
    json_t *o = analyze_json(&f->config, &f->report, &f->proof);
    assert_true(json_is_true(json_object_get(o, "ok")));
    assert_true(json_is_null(json_object_get(o, "gateway")));
    json_decref(o);
    begin(f);
    has(end(f), "Connection analysis of no gateway");
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        HELD(it_begins_with_whom_it_asks_and_as_whom),
        HELD(an_address_of_ipv6_stands_in_brackets),
        HELD(a_step_that_is_ok_says_what_it_found_beside_itself),
        HELD(a_step_that_failed_says_cause_remedy_and_request),
        HELD(consequences_of_one_cause_take_one_line),
        HELD(consequences_of_two_causes_take_two),
        HELD(what_was_proved_and_what_not_is_told_apart),
        HELD(a_device_s_own_analysis_does_not_send_to_the_device),
        HELD(a_certificate_without_its_key_proves_nothing_of_the_device),
        HELD(programs_get_the_same_with_null_for_what_is_not),
        HELD(an_analysis_without_a_gateway_names_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
