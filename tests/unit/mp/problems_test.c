/* SPDX-License-Identifier: Apache-2.0 */
/* What needs attention: causes, and none of what follows from them. */
#include "cmocka_first.h"

#include "mp/problems.h"
#include "json/json.h"

enum { NOW = 1700000000, FINE = NOW - 30, LONG_AGO = NOW - 1000, YEAR = NOW + 365 * 86400 };

/* A site of one of each; the caller changes it. */
static json_t *site(int64_t connector_seen, int up, int64_t gateway_seen, int64_t not_after)
{
    json_t *o = json_pack(
        "{s:[{s:s}], s:[{s:s, s:s, s:i, s:I, s:[]}], s:[{s:s, s:I, s:[{s:s, s:i}], s:{s:s}}], s:[{s:s, s:I}], "
        "s:{s:i}}",
        "management_points", "id", "1", "gateways", "id", "gw1", "host", "gw.example", "port", 443, "seen",
        (json_int_t)gateway_seen, "sources", "connectors", "id", "cp1", "seen", (json_int_t)connector_seen, "gateways",
        "id", "gw1", "up", up, "client_certificate", "state", "ok", "certificates", "what", "gateway gw1", "not_after",
        (json_int_t)not_after, "devices", "pending", 0);
    assert_non_null(o);
    return o;
}

/* Takes `status`. */
static void causes(json_t *status, const char *wanted)
{
    char got[256] = "";
    json_t *list = mp_problems(status, NOW), *p;
    size_t i;
    json_array_foreach(list, i, p)
    {
        (void)strncat(got, i ? " " : "", sizeof got - strlen(got) - 1);
        (void)strncat(got, json_opt_str(p, "cause", "?"), sizeof got - strlen(got) - 1);
        assert_true(*json_opt_str(p, "found", "") && *json_opt_str(p, "remedy", "") && *json_opt_str(p, "of", ""));
    }
    assert_string_equal(got, wanted);
    json_decref(list);
    json_decref(status);
}

static void a_site_that_is_well_has_none(void **state)
{
    (void)state;
    causes(site(FINE, 2, FINE, YEAR), "");
}

static void a_cause_is_told_and_not_what_follows_from_it(void **state)
{
    (void)state;
    causes(site(LONG_AGO, 2, LONG_AGO, YEAR), "connector_silent"); /* the gateway is heard of through it alone */
    causes(site(0, 0, 0, YEAR), "connector_silent");
    causes(site(FINE, 0, LONG_AGO, YEAR), "gateway_unreachable");
    causes(site(FINE, 2, FINE, NOW - 1), "certificate_ended");
    causes(site(FINE, 2, FINE, NOW + 86400), "certificate_ends_soon");
    causes(json_pack("{}"), "no_management_point no_connector no_gateway");
}

static void what_others_report_is_told_in_words(void **state)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    json_t *gateway = json_array_get(json_object_get(status, "gateways"), 0);
    json_t *connector = json_array_get(json_object_get(status, "connectors"), 0);
    (void)state;
    assert_int_equal(
        json_object_set_new(gateway, "sources",
                            json_pack("[{s:s, s:i, s:s}, {s:s, s:i, s:I}]", "id", "crl", "failures", 3, "error",
                                      "refused", "id", "old", "failures", 0, "until", (json_int_t)LONG_AGO)),
        0);
    assert_int_equal(json_object_set_new(connector, "client_certificate",
                                         json_pack("{s:s, s:s, s:s}", "state", "failed", "detail", "it ended", "remedy",
                                                   "issue another")),
                     0);
    assert_int_equal(json_object_set_new(status, "devices", json_pack("{s:i}", "pending", 2)), 0);
    causes(status, "connector_certificate source_failing list_ended approval_pending");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_site_that_is_well_has_none),
                                       cmocka_unit_test(a_cause_is_told_and_not_what_follows_from_it),
                                       cmocka_unit_test(what_others_report_is_told_in_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
