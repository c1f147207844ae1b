/* SPDX-License-Identifier: Apache-2.0 */
/* Which gateways are known and which one is foremost, which refusal another token may mend, and how a management point
 * inside is told to be out of reach: no request is made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "base/clock.h"
#include "client/location/gateways.h"
#include "client/location/health.h"
#include "client/location/inside.h"
#include "client/state/state.h"

static struct client_fqdns list;

static void add_told(const char *gateways)
{
    json_t *location = json_pack("{s:o}", "gateways", json_loads(gateways, 0, NULL));
    assert_non_null(location);
    client_gateways_add(&list, location);
    json_decref(location);
}

static void set_list(const char *text)
{
    struct error err;
    assert_int_equal(client_fqdns_parse(slice_of(text), &list, &err), OK);
}

static void expect_list(const char *wanted)
{
    char got[512] = "";
    size_t at = 0;
    for (size_t i = 0; i < list.count; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, "%s%s:%u", i ? ";" : "", list.items[i].host,
                               list.items[i].port);
    assert_string_equal(got, wanted);
}

static void gateways_that_the_site_tells_of_stand_behind_those_that_were_set(void **state)
{
    (void)state;
    set_list("a;b:8443");
    add_told("[{\"host\": \"c\"}, {\"host\": \"A\", \"port\": 443}, {\"host\": \"b\"}, {\"host\": \"B\", \"port\": "
             "8443}, {\"host\": \"c\", \"port\": 443}]");
    expect_list("a:443;b:8443;c:443;b:443"); /* the same name at another port is another one */
}

static void what_is_no_gateway_is_passed_over(void **state)
{
    (void)state;
    char location[400], host[300];
    memset(host, 'h', sizeof host - 1);
    host[sizeof host - 1] = '\0';
    set_list("a");
    add_told("[{\"host\": \"p\", \"port\": 0}, {\"host\": \"q\", \"port\": 65536}, {\"host\": \"r\", \"port\": -1}, "
             "{\"host\": \"\"}, {}, 7, {\"host\": 7}, {\"host\": \"one\", \"port\": 1}, {\"host\": \"last\", \"port\": "
             "65535}]");
    (void)snprintf(location, sizeof location, "[{\"host\": \"%s\"}, {\"host\": \"behind\"}]", host);
    add_told(location);
    expect_list("a:443;one:1;last:65535;behind:443");
    client_gateways_add(&list, NULL);
    expect_list("a:443;one:1;last:65535;behind:443");
}

static void a_list_of_gateways_is_full_at_its_maximum(void **state)
{
    (void)state;
    json_t *location = json_pack("{s:[]}", "gateways");
    for (int i = 0; i < 2 * CLIENT_FQDNS_MAX; i++) {
        char host[8];
        (void)snprintf(host, sizeof host, "g%d", i);
        (void)json_array_append_new(json_object_get(location, "gateways"), json_pack("{s:s}", "host", host));
    }
    set_list("mine");
    client_gateways_add(&list, location);
    json_decref(location);
    assert_int_equal(list.count, CLIENT_FQDNS_MAX);
    assert_string_equal(list.items[0].host, "mine");
    assert_string_equal(list.items[CLIENT_FQDNS_MAX - 1].host, "g14");
}

static void note(const char *dir, const char *host, const char *why, int64_t at)
{
    struct client_fqdns one;
    struct error err;
    json_t *known = client_state_health(dir, CLIENT_STATE_GATEWAYS);
    assert_int_equal(client_fqdns_parse(slice_of(host), &one, &err), OK);
    client_health_note(known, &one.items[0], 10, why, at);
    assert_int_equal(client_state_set_health(dir, CLIENT_STATE_GATEWAYS, known, &err), OK);
    json_decref(known);
}

static void foremost_is_the_one_that_answered_last_else_the_first(void **state)
{
    list.count = 0;
    assert_null(client_gateways_foremost(*state, &list));
    set_list("a;b;c");
    assert_ptr_equal(client_gateways_foremost(*state, &list), &list.items[0]);
    note(*state, "b", NULL, 1000);
    assert_string_equal(client_gateways_foremost(*state, &list)->host, "b");
    note(*state, "c", NULL, 2000);
    note(*state, "a", NULL, 1500);
    assert_string_equal(client_gateways_foremost(*state, &list)->host, "c");
    note(*state, "c", "timeout: no answer", 3000); /* it stays the one that answered last */
    assert_string_equal(client_gateways_foremost(*state, &list)->host, "c");
    note(*state, "b", NULL, 2000); /* of two, the first */
    assert_string_equal(client_gateways_foremost(*state, &list)->host, "b");
}

static void a_gateway_without_a_way_inside_is_passed_over_from_now_on(void **state)
{
    struct client device = {.dir = *state};
    struct client_session s = {.c = &device};
    set_list("a;b");
    s.way.gateway = &list.items[0];
    web_outcome_local(&s.outcome, "no_connector", "no connector is there", NULL);
    client_gateway_failed(&s);
    json_t *known = client_state_health(*state, CLIENT_STATE_GATEWAYS);
    client_health_sort(known, &list, clock_wall_s());
    expect_list("b:443;a:443");
    assert_string_equal(json_opt_str(json_object_get(known, "a:443"), "why", ""),
                        "no_connector: no connector is there");
    json_decref(known);
}

static void another_token_may_help_where_the_token_itself_was_refused(void **state)
{
    (void)state;
    static const struct {
        struct web_outcome o;
        bool refused;
    } rows[] = {{{.ending = WEB_REFUSED, .status = 401, .code = "CMGService_Invalid_Token"}, true},
                {{.ending = WEB_REFUSED, .status = 401, .code = "MP_Invalid_Token"}, true},
                {{.ending = WEB_REFUSED, .status = 403, .code = "CMGService_Invalid_Token"}, false},
                {{.ending = WEB_REFUSED, .status = 401, .code = "CMGService_Client_Cert_Missing"}, false},
                {{.ending = WEB_REFUSED, .status = 401, .code = ""}, false},
                {{.ending = WEB_UNREACHABLE, .status = 401, .code = "CMGService_Invalid_Token"}, false},
                {{.ending = WEB_DONE, .status = 401, .code = "CMGService_Invalid_Token"}, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(client_token_is_refused(&rows[i].o), rows[i].refused);
}

/* --- inside --- */

static void who_was_asked_inside_is_told_with_why_each_failed(void **state)
{
    (void)state;
    static struct client_inside in;
    char text[300], small[24];
    client_inside_why(&in, text, sizeof text);
    assert_string_equal(text, "");
    in.items[0] = (struct client_mp){.at = {.host = "a", .port = 8443}, .why = "timeout: no answer"};
    in.items[1] = (struct client_mp){.at = {.host = "::1", .port = 443}};
    in.count = 2;
    client_inside_why(&in, text, sizeof text);
    assert_string_equal(text, "a:8443: timeout: no answer; [::1]:443: it does not serve this device");
    client_inside_why(&in, small, sizeof small);
    assert_string_equal(small, "a:8443: timeout: no ans");
}

static void collect(struct client_session *s, const char *mps)
{
    json_t *location = json_pack("{s:o}", "mps", json_loads(mps, 0, NULL));
    assert_non_null(location);
    assert_true(client_inside_collect(s, location));
    json_decref(location);
}

static void management_points_that_were_set_come_before_those_that_the_site_tells_of(void **state)
{
    struct client device = {.dir = *state};
    struct client_session s = {.c = &device};
    struct error err;
    assert_int_equal(
        client_settings_set(&device.settings, SLICE("MPUrls"), SLICE("https://127.0.0.1:8443; ;https://b"), &err), OK);
    collect(&s, "[{\"id\": \"one\", \"url\": \"https://c\", \"mode\": \"ehttp\"},"
                " {\"id\": \"two\", \"url\": \"https://B:443\", \"mode\": \"https\", \"anchors_pem\": \"pem\"},"
                " {\"id\": \"near\", \"url\": \"https://127.0.0.1:8443\"},"
                " {\"id\": \"other\", \"url\": \"https://127.0.0.1:9443\"}," /* this machine: nobody named it */
                " {\"id\": \"no id!\", \"url\": \"https://d\"}, {\"id\": \"x\", \"url\": \"http://e\"}, {}, 7]");
    const struct client_mp *mps = s.way.inside.items;
    assert_int_equal(s.way.inside.count, 3);
    assert_string_equal(mps[0].at.host, "127.0.0.1");
    assert_string_equal(mps[0].at.role, "near");
    assert_string_equal(mps[1].at.role, "two");
    assert_string_equal(mps[1].anchors, "pem");
    assert_false(mps[1].by_root);
    assert_string_equal(mps[2].at.role, "one");
    assert_true(mps[2].by_root);
    assert_null(mps[2].anchors);
    client_inside_free(&s.way.inside);
    client_settings_free(&device.settings);
}

static void anchors_that_cannot_be_read_end_the_session_only_where_they_are_wanted(void **state)
{
    struct client device = {.dir = *state};
    struct client_session s = {.c = &device};
    struct error err;
    assert_int_equal(client_settings_set(&device.settings, SLICE("MPCA"), SLICE("/nonexistent/ca.pem"), &err), OK);
    collect(&s, "[]");
    json_t *location = json_loads("{\"mps\": [{\"id\": \"one\", \"url\": \"https://c\"}]}", 0, NULL);
    assert_false(client_inside_collect(&s, location));
    assert_string_equal(s.outcome.reason, "mp_ca");
    assert_string_equal(s.outcome.remedy, "check the file that MPCA names");
    json_decref(location);
    client_inside_free(&s.way.inside);
    client_settings_free(&device.settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_drop)
        cmocka_unit_test(gateways_that_the_site_tells_of_stand_behind_those_that_were_set),
        cmocka_unit_test(what_is_no_gateway_is_passed_over),
        cmocka_unit_test(a_list_of_gateways_is_full_at_its_maximum),
        TEST(foremost_is_the_one_that_answered_last_else_the_first),
        TEST(a_gateway_without_a_way_inside_is_passed_over_from_now_on),
        cmocka_unit_test(another_token_may_help_where_the_token_itself_was_refused),
        cmocka_unit_test(who_was_asked_inside_is_told_with_why_each_failed),
        TEST(management_points_that_were_set_come_before_those_that_the_site_tells_of),
        TEST(anchors_that_cannot_be_read_end_the_session_only_where_they_are_wanted),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
