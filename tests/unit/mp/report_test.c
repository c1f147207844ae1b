/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept of a report: known members of the right kind and size, and nothing else that a peer sends. */
#include "cmocka_first.h"

#include <stdlib.h>

#include "mp/status/report.h"

static void same(json_t *got, const char *wanted)
{
    json_t *expected = json_loads(wanted, 0, NULL);
    assert_non_null(expected);
    char *text = json_text(got);
    if (!json_equal(got, expected))
        fail_msg("got %s, wanted %s", text, wanted);
    free(text);
    json_decref(got);
    json_decref(expected);
}

static json_t *parsed(const char *text)
{
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    return o;
}

static void a_gateways_report_keeps_what_is_known(void **state)
{
    (void)state;
    json_t *o = parsed("{\"version\": \"1\", \"bundle\": 7, \"workers\": 2, \"refusals\": {\"revoked\": 3},"
                       "\"server_certificates\": [{\"subject\": \"CN=a\", \"not_after\": 5}]}");
    same(mp_report_of_gateway(o), "{\"version\": \"1\", \"bundle\": 7, \"workers\": 2, \"refusals\": {\"revoked\": 3},"
                                  "\"server_certificates\": [{\"subject\": \"CN=a\", \"not_after\": 5}]}");
    json_decref(o);
}

static void what_is_unknown_or_of_another_kind_is_left_out(void **state)
{
    (void)state;
    json_t *o = parsed("{\"version\": 1, \"bundle\": \"7\", \"workers\": -2, \"id\": \"gw2\", \"x\": [[[]]],"
                       "\"refusals\": {\"nonsense\": 3, \"revoked\": -1, \"expired\": \"x\"},"
                       "\"server_certificates\": [\"CN=a\", {\"key\": 1}]}");
    same(mp_report_of_gateway(o), "{\"refusals\": {}, \"server_certificates\": [{}, {}]}");
    same(mp_report_of_connector(o), "{\"gateways\": []}");
    json_decref(o);
}

static void why_a_connector_reaches_nobody_is_kept(void **state)
{
    (void)state;
    json_t *o = parsed("{\"gateways\": [{\"id\": \"gw1\", \"up\": 0, \"error\": \"refused\", \"x\": 1}],"
                       "\"upstreams\": [{\"id\": \"7.sms_mp\", \"reason\": \"tls\", \"detail\": \"by X\", \"at\": 5},"
                       "{\"id\": 7, \"reason\": [], \"at\": \"5\", \"remedy\": \"run this\"}]}");
    same(mp_report_of_connector(o),
         "{\"gateways\": [{\"id\": \"gw1\", \"up\": 0, \"error\": \"refused\"}],"
         "\"upstreams\": [{\"id\": \"7.sms_mp\", \"reason\": \"tls\", \"detail\": \"by X\", \"at\": 5}, {}]}");
    json_decref(o);
}

static void what_a_connector_found_of_its_certificate_is_kept_step_by_step(void **state)
{
    (void)state;
    json_t *o =
        parsed("{\"client_certificate\": {\"configured\": true, \"needed\": 1, \"state\": \"failed\", \"step\": "
               "\"crl\", \"steps\": [{\"step\": \"crl\", \"outcome\": \"failed\", \"x\": 1}, 7]}}");
    same(mp_report_of_connector(o),
         "{\"gateways\": [], \"client_certificate\": {\"configured\": true, \"state\": \"failed\", \"step\": \"crl\","
         "\"steps\": [{\"step\": \"crl\", \"outcome\": \"failed\"}, {}]}}");
    json_decref(o);
}

/* They are added to each other, and to times. */
static void numbers_that_nobody_counted_to_are_left_out(void **state)
{
    struct kind {
        json_t *(*reduce)(const json_t *report);
        const char *from, *kept;
    };
    static const struct kind kinds[] = {
        {mp_report_of_gateway,
         "{\"bundle\": 9223372036854775807, \"started\": 9007199254740992, \"not_after\": 9007199254740993,"
         "\"refusals\": {\"revoked\": 9223372036854775807, \"expired\": 5}}",
         "{\"started\": 9007199254740992, \"refusals\": {\"expired\": 5}, \"server_certificates\": []}"},
        {mp_report_of_connector, "{\"upstreams\": [{\"id\": \"a\", \"at\": 9223372036854775807}]}",
         "{\"gateways\": [], \"upstreams\": [{\"id\": \"a\"}]}"},
        {mp_report_of_verdict, "{\"until\": 9223372036854775807}", "{\"lists\": []}"},
        {mp_report_of_trail, "[{\"at_ms\": 9223372036854775807, \"status\": 200}]", "[{\"status\": 200}]"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        json_t *o = parsed(kinds[i].from);
        same(kinds[i].reduce(o), kinds[i].kept);
        json_decref(o);
    }
    json_t *clock = parsed("{\"time\": 9223372036854775807}"), *clean = json_object();
    assert_int_equal(mp_report_clock(clock, 1000, clean), 0);
    same(clean, "{}");
    json_decref(clock);
}

static void a_report_has_maxima(void **state)
{
    (void)state;
    char long_text[400];
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    json_t *o = json_pack("{s:s, s:[], s:[]}", "version", long_text, "server_certificates", "gateways");
    for (int i = 0; i < 1000; i++) {
        json_array_append_new(json_object_get(o, "server_certificates"), json_pack("{s:i}", "not_after", i));
        json_array_append_new(json_object_get(o, "gateways"), json_pack("{s:i}", "up", i));
    }
    json_t *gateway = mp_report_of_gateway(o), *connector = mp_report_of_connector(o);
    assert_null(json_object_get(gateway, "version"));
    assert_int_equal(json_array_size(json_object_get(gateway, "server_certificates")), 16);
    assert_int_equal(json_array_size(json_object_get(connector, "gateways")), 64);
    json_decref(gateway);
    json_decref(connector);
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateways_report_keeps_what_is_known),
        cmocka_unit_test(what_is_unknown_or_of_another_kind_is_left_out),
        cmocka_unit_test(why_a_connector_reaches_nobody_is_kept),
        cmocka_unit_test(what_a_connector_found_of_its_certificate_is_kept_step_by_step),
        cmocka_unit_test(numbers_that_nobody_counted_to_are_left_out),
        cmocka_unit_test(a_report_has_maxima),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
