/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of all workers, and how it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/metrics.h"

static struct gateway_metrics workers[2];
static const struct gateway_counters all = {.of = {&workers[0], &workers[1]}, .count = 2};

static int reset(void **state)
{
    (void)state;
    memset(workers, 0, sizeof workers);
    return 0;
}

/* The whole text, until the next call. */
static const char *written(void)
{
    static char text[64 * 1024];
    struct buf out;
    buf_init(&out, sizeof text - 1);
    assert_int_equal(gateway_metrics_write(&all, &out), OK);
    memcpy(text, buf_data(&out).ptr, buf_len(&out));
    text[buf_len(&out)] = '\0';
    buf_free(&out);
    return text;
}

static void counters_of_all_workers_are_one_sum(void **state)
{
    (void)state;
    metric_add(&workers[0], METRIC_REQUESTS, 2);
    metric_add(&workers[1], METRIC_REQUESTS, 3);
    metric_add(&workers[1], METRIC_CONNECTIONS, 4);
    metric_add(&workers[1], METRIC_CONNECTIONS, -1);
    assert_int_equal(gateway_metric_sum(&all, METRIC_REQUESTS), 5);
    assert_int_equal(gateway_metric_sum(&all, METRIC_CONNECTIONS), 3);
    assert_non_null(strstr(written(), "\ncmg_requests_total 5\n"));
    assert_non_null(strstr(written(), "\ncmg_connections 3\n")); /* a gauge has no suffix */
}

static void each_reason_and_cause_stands_there_at_zero_before_it_happens(void **state)
{
    (void)state;
    const char *text = written();
    size_t refusals = 0, away = 0;
    for (const char *at = text; (at = strstr(at, "\ncmg_refusals_total{")); at++)
        refusals++;
    for (const char *at = text; (at = strstr(at, "\ncmg_turned_away_total{")); at++)
        away++;
    assert_int_equal(refusals, REASON_COUNT - 1);
    assert_int_equal(away, AWAY_COUNT);
}

static void refusals_and_causes_are_summed_by_their_words(void **state)
{
    (void)state;
    atomic_store(&workers[0].refusals[REASON_BLOCKED], 1);
    atomic_store(&workers[1].refusals[REASON_BLOCKED], 1);
    metric_away(&workers[0], AWAY_ROOM);
    metric_away(&workers[1], AWAY_ROOM);
    assert_int_equal(gateway_refusals_sum(&all, REASON_BLOCKED), 2);
    assert_non_null(strstr(written(), "reason=\"blocked\"} 2\n"));
    assert_non_null(strstr(written(), "cmg_turned_away_total{reason=\"room\"} 2\n"));
}

static void what_does_not_fit_is_said_so(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 100);
    assert_int_equal(gateway_metrics_write(&all, &out), R_LIMIT);
    buf_free(&out);
}

static void the_age_of_the_site_s_word_is_a_gauge(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(gateway_metrics_write_contact(-1, &out), OK);
    assert_true(slice_ends(buf_data(&out), SLICE("\ncmg_site_contact_age_seconds -1\n")));
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(counters_of_all_workers_are_one_sum, reset),
        cmocka_unit_test_setup(each_reason_and_cause_stands_there_at_zero_before_it_happens, reset),
        cmocka_unit_test_setup(refusals_and_causes_are_summed_by_their_words, reset),
        cmocka_unit_test_setup(what_does_not_fit_is_said_so, reset),
        cmocka_unit_test_setup(the_age_of_the_site_s_word_is_a_gauge, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
