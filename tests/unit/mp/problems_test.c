/* SPDX-License-Identifier: Apache-2.0 */
/* What needs attention: causes, and none of what follows from them. */
#include "cmocka_first.h"

#include "mp/status/problems.h"
#include "mp/status/refusals.h"
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
    json_array_foreach(list, i, p) {
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

static void what_devices_are_judged_by_is_told_before_it_ends(void **state)
{
    static const struct {
        const char *kind, *fault;
        int64_t not_after;
        const char *cause;
    } cases[] = {
        {"crl", "", NOW - 1, "list_ended"},
        {"crl", "", NOW + 86400, "list_ends_soon"},
        {"crl", "no anchor", YEAR, "list_unusable"},
        {"anchor", "", NOW - 1, "anchor_ended"},
        {"anchor", "", NOW + 86400, "anchor_ends_soon"},
        {"anchor", "it is no CA's", YEAR, "anchor_unusable"},
        {"intermediate", "", NOW + 86400, "intermediate_ends_soon"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *status = site(FINE, 2, FINE, YEAR);
        (void)json_object_set_new(status, "trust",
                                  json_pack("[{s:s, s:s, s:s, s:s, s:s, s:I}]", "id", "1", "kind", cases[i].kind,
                                            "subject", "CN=lab", "scope", "", "fault", cases[i].fault, "not_after",
                                            (json_int_t)cases[i].not_after));
        causes(status, cases[i].cause);
    }
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
                                         json_pack("{s:s, s:s, s:s}", "state", "failed", "detail", "it expired",
                                                   "remedy", "issue another")),
                     0);
    assert_int_equal(json_object_set_new(status, "devices", json_pack("{s:i}", "pending", 2)), 0);
    causes(status, "connector_certificate source_failing list_ended approval_pending");
}

static void keys_that_the_management_point_itself_does_not_get_are_told(void **state)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    (void)state;
    (void)json_object_set_new(status, "own_sources",
                              json_pack("[{s:s, s:i, s:s}, {s:s, s:i, s:s}]", "id", "entra", "failures", 1, "error",
                                        "no route", "id", "other", "failures", 0, "error", ""));
    causes(status, "source_failing");
}

/* A publisher that is in time replaces a list while a tenth of its life is left. */
static void a_fetched_list_that_nobody_replaced_in_time_is_told_before_it_ends(void **state)
{
    static const struct {
        int64_t since, until;
        const char *cause;
    } cases[] = {
        {NOW - 95 * 3600, NOW + 5 * 3600 + 1, ""}, /* of a hundred hours */
        {NOW - 96 * 3600, NOW + 4 * 3600, "list_ends_soon"},
        {NOW - 96 * 3600, NOW, "list_ended"},
        {0, NOW + 60, ""}, /* a gateway that does not say when it was made */
        {NOW + 60, NOW + 3600, ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *status = site(FINE, 2, FINE, YEAR);
        json_t *gateway = json_array_get(json_object_get(status, "gateways"), 0);
        (void)json_object_set_new(gateway, "sources",
                                  json_pack("[{s:s, s:i, s:I, s:I}]", "id", "fleet", "failures", 0, "since",
                                            (json_int_t)cases[i].since, "until", (json_int_t)cases[i].until));
        causes(status, cases[i].cause);
    }
}

static void a_key_with_two_hardware_ids_is_told_with_both(void **state)
{
    json_t *status = site(FINE, 2, FINE, YEAR), *list;
    (void)state;
    assert_int_equal(json_object_set_new(status, "cloned",
                                         json_pack("[{s:s, s:s, s:s, s:s}]", "guid", "g1", "name", "pc", "hardware_id",
                                                   "board-1", "other_hardware", "board-2")),
                     0);
    list = mp_problems(status, NOW);
    assert_string_equal(json_opt_str(json_array_get(list, 0), "of", ""), "g1");
    assert_non_null(strstr(json_opt_str(json_array_get(list, 0), "found", ""), "board-1 and board-2"));
    json_decref(list);
    causes(status, "cloned");
}

/* The i-th problem's member, until the next call. */
static const char *told(json_t *status, size_t index, const char *member)
{
    static char text[800];
    json_t *list = mp_problems(status, NOW);
    (void)snprintf(text, sizeof text, "%s", json_opt_str(json_array_get(list, index), member, "none"));
    json_decref(list);
    json_decref(status);
    return text;
}

static json_t *connector_of(json_t *status)
{
    return json_array_get(json_object_get(status, "connectors"), 0);
}

static void a_gateway_that_is_not_reached_is_told_with_what_the_connector_says(void **state)
{
    (void)state;
    json_t *status = site(FINE, 0, LONG_AGO, YEAR);
    json_t *tunnel = json_array_get(json_object_get(connector_of(status), "gateways"), 0);
    assert_int_equal(json_object_set_new(tunnel, "error", json_string("certificate has expired")), 0);
    assert_non_null(strstr(told(status, 0, "found"), "gw1 (gw.example:443); connector cp1: certificate has expired"));
}

static void what_helps_hangs_on_what_the_connector_says(void **state)
{
    static const struct {
        const char *said, *remedy;
    } cases[] = {
        {"certificate is not yet valid: it is good from A to B", "date -u"},
        {"certificate has expired: it is good from A to B", "cmg gateway add ID --renew --out FILE"},
        {"the certificate of gateway gw1 was withdrawn; it needs its new bootstrap file", "newest bootstrap file"},
        {"the peer ended TLS with the alert 'bad certificate' (42)", "cmg connector add ID --renew --out FILE"},
        {"what answers there does not speak rh2", "no gateway"},
        {"nothing that is known", "start cmg-gateway there"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *status = site(FINE, 0, LONG_AGO, YEAR);
        json_t *tunnel = json_array_get(json_object_get(connector_of(status), "gateways"), 0);
        assert_int_equal(json_object_set_new(tunnel, "error", json_string(cases[i].said)), 0);
        assert_non_null(strstr(told(status, 0, "remedy"), cases[i].remedy));
    }
}

static json_t *with_upstreams(json_t *upstreams)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    assert_int_equal(json_object_set_new(connector_of(status), "upstreams", upstreams), 0);
    return status;
}

static void a_server_inside_that_gives_no_answer_is_told_once_with_its_reason(void **state)
{
    (void)state;
#define UPSTREAM "{s:s, s:s, s:s, s:I}"
#define FAILED(id_, reason_, detail_, at_) "id", id_, "reason", reason_, "detail", detail_, "at", (json_int_t)(at_)
    json_t *list =
        json_pack("[" UPSTREAM UPSTREAM UPSTREAM UPSTREAM "]", FAILED("7.sms_mp", "tls", "issued by X", FINE),
                  FAILED("7.ccm_sts", "tls", "issued by X", FINE), FAILED("wiki", "refused", "no", FINE),
                  FAILED("old", "name", "gone", LONG_AGO));
    json_t *status = with_upstreams(list);
    assert_non_null(
        strstr(told(json_incref(status), 0, "found"), "cp1 gets no answer from endpoint 7.sms_mp: tls, issued by X"));
    assert_non_null(strstr(told(json_incref(status), 0, "remedy"), "--anchors FILE"));
    assert_non_null(strstr(told(json_incref(status), 1, "remedy"), "start the server"));
    causes(status, "endpoint_unreachable endpoint_unreachable");
}

static json_t *with_fault(const char *text, int64_t at)
{
    json_t *status = site(FINE, 0, LONG_AGO, YEAR);
    assert_int_equal(json_object_set_new(status, "fault", json_pack("{s:s, s:I}", "text", text, "at", (json_int_t)at)),
                     0);
    return status;
}

static void a_store_that_takes_nothing_comes_first(void **state)
{
    (void)state;
    assert_non_null(strstr(told(with_fault("the store: database or disk is full", FINE), 0, "remedy"), "make room"));
    causes(with_fault("the store: database or disk is full", FINE), "store_full gateway_unreachable");
    causes(with_fault("the store: disk I/O error", FINE), "mp_fault gateway_unreachable");
    causes(with_fault("the store: disk I/O error", LONG_AGO), "gateway_unreachable");
}

static void a_role_that_cannot_keep_its_state_is_named_while_it_is_heard_of(void **state)
{
    static const char *const roles[] = {"gateways", "connectors"};
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(roles); k++) {
        json_t *status = site(FINE, 2, FINE, YEAR);
        assert_int_equal(json_object_set_new(json_array_get(json_object_get(status, roles[k]), 0), "state_fault",
                                             json_string("/x: can't write to it: No space left; make room")),
                         0);
        assert_non_null(strstr(told(json_incref(status), 0, "found"), "No space left; make room"));
        causes(status, "state_not_kept");
        causes(site(FINE, 2, FINE, YEAR), "");
    }
}

static void a_connector_that_ended_for_want_of_its_certificate_is_told_by_that(void **state)
{
    (void)state;
    json_t *status = site(LONG_AGO, 0, LONG_AGO, YEAR);
    assert_int_equal(json_object_set_new(connector_of(status), "client_certificate",
                                         json_pack("{s:s, s:s, s:s}", "state", "missing", "detail",
                                                   "none is configured", "remedy", "issue one")),
                     0);
    causes(status, "connector_certificate");
}

static void a_clock_that_differs_is_an_alert_while_its_role_is_heard_of(void **state UNUSED)
{
    static const struct {
        int64_t ahead, seen;
        const char *wanted;
    } cases[] = {{30, FINE, ""},
                 {-30, FINE, ""},
                 {31, FINE, "clock_skew"},
                 {-31, FINE, "clock_skew"},
                 {INT64_MAX - NOW, FINE, "clock_skew"}};
    static const char *const roles[] = {"gateways", "connectors"};
    for (size_t k = 0; k < ARRAY_LEN(roles); k++) {
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
            json_t *status = site(cases[i].seen, 2, cases[i].seen, YEAR);
            json_object_set_new(json_array_get(json_object_get(status, roles[k]), 0), "ahead_s",
                                json_integer((json_int_t)cases[i].ahead));
            causes(status, cases[i].wanted);
        }
    }
    json_t *silent = site(LONG_AGO, 2, LONG_AGO, YEAR);
    json_object_set_new(json_array_get(json_object_get(silent, "connectors"), 0), "ahead_s", json_integer(99));
    causes(silent, "connector_silent");
}

static json_t *with_clocks(int64_t gateway, int64_t connector)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    json_object_set_new(json_array_get(json_object_get(status, "gateways"), 0), "ahead_s", json_integer(gateway));
    json_object_set_new(connector_of(status), "ahead_s", json_integer(connector));
    return status;
}

static void a_clock_is_told_with_whose_it_is_by_how_much_and_both_times(void **state UNUSED)
{
    json_t *status = with_clocks(0, -400 * 86400);
    assert_string_equal(told(json_incref(status), 0, "of"), "cp1");
    assert_string_equal(told(json_incref(status), 0, "found"),
                        "the clock of connector cp1 is 400 days (34560000 s) behind the site's: it was "
                        "2022-10-10T22:12:50Z there when it was 2023-11-14T22:12:50Z here");
    assert_non_null(strstr(told(status, 0, "remedy"), "timedatectl"));
}

static void clocks_that_differ_are_each_told_for_their_own(void **state UNUSED)
{
    json_t *status = with_clocks(3661, -90);
    assert_non_null(strstr(told(json_incref(status), 0, "found"), "gateway gw1 is 1 h 1 min (3661 s) ahead"));
    assert_non_null(strstr(told(json_incref(status), 1, "found"), "connector cp1 is 1 min 30 s (90 s) behind"));
    causes(status, "clock_skew clock_skew");
    causes(with_clocks(3600, 3700), "clock_skew clock_skew");
}

static void where_all_others_agree_it_is_the_clock_of_the_site_that_is_told(void **state UNUSED)
{
    json_t *status = with_clocks(3600, 3602);
    assert_string_equal(told(json_incref(status), 0, "of"), "site");
    assert_non_null(strstr(told(json_incref(status), 0, "found"),
                           "the management point is 1 h (3600 s) behind those of gateway gw1, connector cp1"));
    causes(status, "clock_skew");
    causes(with_clocks(0, 3600), "clock_skew");
}

static json_t *gateway_of(json_t *status)
{
    return json_array_get(json_object_get(status, "gateways"), 0);
}

static void a_name_without_a_server_certificate_is_told(void **state UNUSED)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    json_object_set_new(gateway_of(status), "names_missing",
                        json_pack("[{s:s, s:n}, {s:s, s:s}]", "host", "gw.example", "endpoint", "host", "wiki.example",
                                  "endpoint", "wiki"));
    assert_non_null(strstr(told(json_incref(status), 0, "found"), "its own name, gw.example"));
    assert_non_null(strstr(told(json_incref(status), 1, "found"), "wiki.example, the host of endpoint wiki"));
    causes(status, "server_name_missing server_name_missing");
}

static void files_that_could_not_be_read_anew_are_told(void **state UNUSED)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    json_object_set_new(gateway_of(status), "certificate_fault", json_string("server certificate x.pem: no such file"));
    assert_non_null(strstr(told(json_incref(status), 0, "found"), "x.pem: no such file"));
    causes(status, "certificate_unread");
}

static void a_certificate_that_no_ca_issued_is_told(void **state UNUSED)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    json_object_set_new(gateway_of(status), "acme_fault", json_string("gw.example: DNS problem"));
    assert_non_null(strstr(told(json_incref(status), 0, "found"), "gw.example: DNS problem"));
    causes(status, "certificate_not_issued");
}

static void a_role_certificate_in_use_that_ends_is_told_although_a_newer_one_was_made(void **state UNUSED)
{
    json_t *status = site(FINE, 2, FINE, NOW + 86400);
    assert_non_null(strstr(told(json_incref(status), 0, "remedy"), "cmg gateway add gw1 --renew --out FILE"));
    json_object_set_new(json_array_get(json_object_get(status, "certificates"), 0), "newer", json_integer(YEAR));
    assert_non_null(strstr(told(json_incref(status), 0, "found"), "not the newer one"));
    assert_non_null(strstr(told(status, 0, "remedy"), "newest bootstrap file"));
}

/* --- rooms --- */

static json_t *with_room(json_t *status, json_t *of, int64_t free_mib, int64_t size_mib)
{
    json_object_set_new(of, "disk_free", json_integer((json_int_t)free_mib << 20));
    json_object_set_new(of, "disk_size", json_integer((json_int_t)size_mib << 20));
    return status;
}

static void a_disk_is_told_before_it_is_full(void **state UNUSED)
{
    static const struct {
        int64_t free_mib, size_mib;
        const char *wanted;
    } cases[] = {{6, 64, "disk_nearly_full"},
                 {7, 64, ""},
                 {64, 64, ""},
                 {100, 10000, "disk_nearly_full"},
                 {300, 10000, ""},
                 {1023, 100000, "disk_nearly_full"},
                 {1025, 1000000, ""},
                 {0, 0, ""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *whole = site(FINE, 2, FINE, YEAR), *gateway = site(FINE, 2, FINE, YEAR);
        causes(with_room(whole, whole, cases[i].free_mib, cases[i].size_mib), cases[i].wanted);
        causes(with_room(gateway, gateway_of(gateway), cases[i].free_mib, cases[i].size_mib), cases[i].wanted);
    }
    json_t *full = site(FINE, 2, FINE, YEAR);
    json_object_set_new(connector_of(full), "state_fault", json_string("No space left"));
    causes(with_room(full, connector_of(full), 0, 64), "state_not_kept");
}

/* --- refusals --- */

/* A gateway's report that came `hour` hours and a bit after the first one, with its total of one reason. */
static json_t *after_report(json_t *before, int hour, int total, int started)
{
    json_t *clean = json_pack("{s:{s:i}, s:i}", "refusals", "expired", total, "started", started);
    mp_refusals_follow(before, clean, NOW / 3600 * 3600 + hour * 3600 + 60);
    json_decref(before);
    return clean;
}

/* Takes `report`. */
static json_t *with_refusals(json_t *report)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    json_object_set(gateway_of(status), "refused", json_object_get(report, "refused"));
    json_decref(report);
    return status;
}

static void refusals_that_rise_are_told_with_what_was_usual(void **state UNUSED)
{
    json_t *report = after_report(NULL, 0, 5000, 7); /* nobody knows when these came */
    causes(with_refusals(json_incref(report)), "");
    for (int hour = 1; hour <= 10; hour++)
        report = after_report(report, hour, 5000 + hour * 200, 7); /* 200 an hour, from the first on */
    causes(with_refusals(json_incref(report)), "");
    report = after_report(report, 11, 7000 + 900, 7);
    assert_string_equal(told(with_refusals(json_incref(report)), 0, "found"),
                        "gateway gw1 refused 900 requests within an hour, where 180 an hour were usual; by reason: "
                        "expired 900");
    assert_non_null(strstr(told(with_refusals(json_incref(report)), 0, "remedy"), "cmg explain expired"));
    report = after_report(report, 12, 7900, 7); /* the hour that has just begun ends no rise */
    causes(with_refusals(json_incref(report)), "refusals_rising");
    report = after_report(report, 13, 7900, 7);
    causes(with_refusals(report), "");
}

static void refusals_of_a_gateway_that_started_again_are_counted_from_zero(void **state UNUSED)
{
    json_t *report = after_report(after_report(NULL, 0, 5000, 7), 0, 5050, 7);
    causes(with_refusals(json_incref(report)), "");
    report = after_report(report, 0, 99, 8);
    assert_string_equal(told(with_refusals(report), 0, "of"), "gw1"); /* 50 + 99 */
}

static void few_refusals_are_never_a_rise(void **state UNUSED)
{
    json_t *report = after_report(after_report(NULL, 0, 0, 7), 0, MP_REFUSED_FEWEST - 1, 7);
    causes(with_refusals(report), "");
}

static void what_a_gateway_counts_wrongly_harms_nobody(void **state UNUSED)
{
    json_t *report = json_pack("{s:{s:I}, s:i}", "refusals", "expired", (json_int_t)INT64_MAX, "started", 7);
    json_t *before = after_report(NULL, 0, 0, 7);
    mp_refusals_follow(before, report, NOW);
    mp_refusals_follow(report, before, NOW - 900 * 86400); /* a clock that was set back */
    json_decref(before);
    report = after_report(report, 1000 * 24, 1, 7);
    causes(with_refusals(report), "");
}

/* --- tokens --- */

static json_t *with_tokens(int count, int64_t dies)
{
    json_t *status = site(FINE, 2, FINE, YEAR);
    json_object_set_new(status, "tokens_ending",
                        json_pack("{s:i, s:[{s:s, s:s, s:I, s:I}]}", "count", count, "first", "guid", "g1", "name",
                                  "pc1", "seen", (json_int_t)LONG_AGO, "dies", (json_int_t)dies));
    return status;
}

static void a_device_whose_token_dies_is_told_before_and_after(void **state UNUSED)
{
    assert_string_equal(told(with_tokens(1, NOW + 86400), 0, "of"), "g1");
    assert_non_null(
        strstr(told(with_tokens(1, NOW + 86400), 0, "found"), "device pc1 (g1) can't be renewed any more on"));
    assert_non_null(strstr(told(with_tokens(1, NOW), 0, "remedy"), "cmg token new"));
    assert_string_equal(told(with_tokens(9, NOW + 86400), 0, "of"), "devices");
    assert_non_null(strstr(told(with_tokens(9, NOW + 86400), 0, "found"), "the same holds for 8 more"));
    causes(with_tokens(1, NOW + 86400), "token_ends_soon");
    causes(with_tokens(9, NOW), "token_ended");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fetched_list_that_nobody_replaced_in_time_is_told_before_it_ends),
        cmocka_unit_test(a_key_with_two_hardware_ids_is_told_with_both),
        cmocka_unit_test(a_clock_that_differs_is_an_alert_while_its_role_is_heard_of),
        cmocka_unit_test(a_site_that_is_well_has_none),
        cmocka_unit_test(a_disk_is_told_before_it_is_full),
        cmocka_unit_test(refusals_that_rise_are_told_with_what_was_usual),
        cmocka_unit_test(refusals_of_a_gateway_that_started_again_are_counted_from_zero),
        cmocka_unit_test(few_refusals_are_never_a_rise),
        cmocka_unit_test(what_a_gateway_counts_wrongly_harms_nobody),
        cmocka_unit_test(a_device_whose_token_dies_is_told_before_and_after),
        cmocka_unit_test(a_cause_is_told_and_not_what_follows_from_it),
        cmocka_unit_test(what_devices_are_judged_by_is_told_before_it_ends),
        cmocka_unit_test(what_others_report_is_told_in_words),
        cmocka_unit_test(keys_that_the_management_point_itself_does_not_get_are_told),
        cmocka_unit_test(a_gateway_that_is_not_reached_is_told_with_what_the_connector_says),
        cmocka_unit_test(a_clock_is_told_with_whose_it_is_by_how_much_and_both_times),
        cmocka_unit_test(clocks_that_differ_are_each_told_for_their_own),
        cmocka_unit_test(where_all_others_agree_it_is_the_clock_of_the_site_that_is_told),
        cmocka_unit_test(a_name_without_a_server_certificate_is_told),
        cmocka_unit_test(files_that_could_not_be_read_anew_are_told),
        cmocka_unit_test(a_certificate_that_no_ca_issued_is_told),
        cmocka_unit_test(a_role_certificate_in_use_that_ends_is_told_although_a_newer_one_was_made),
        cmocka_unit_test(what_helps_hangs_on_what_the_connector_says),
        cmocka_unit_test(a_server_inside_that_gives_no_answer_is_told_once_with_its_reason),
        cmocka_unit_test(a_store_that_takes_nothing_comes_first),
        cmocka_unit_test(a_role_that_cannot_keep_its_state_is_named_while_it_is_heard_of),
        cmocka_unit_test(a_connector_that_ended_for_want_of_its_certificate_is_told_by_that)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
