/* SPDX-License-Identifier: Apache-2.0 */
/* Which management point and method a session chooses, and which one after that failed: no request is made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../base/scratch.h"
#include "base/clock.h"
#include "client/location/choose.h"
#include "client/location/health.h"
#include "client/state/state.h"

static char *dir;
static struct client device;
static struct client_session session;

static json_t *read_json(const char *text)
{
    json_t *o;
    struct error err;
    assert_int_equal(json_parse(slice_of(text), 1 << 20, &o, &err), OK);
    return o;
}

#define TWO_ALIKE                                                                                                      \
    "{\"roles\":[{\"id\":\"a\",\"mode\":\"ehttp\",\"clients\":[\"token\",\"entra\"]},"                                 \
    "{\"id\":\"b\",\"mode\":\"ehttp\",\"clients\":[\"token\",\"entra\"]}]}"
#define HTTPS_AND_EHTTP                                                                                                \
    "{\"roles\":[{\"id\":\"e\",\"mode\":\"ehttp\",\"clients\":[\"entra\",\"token\"]},"                                 \
    "{\"id\":\"h\",\"mode\":\"https\",\"clients\":[\"pki\",\"token\"]}]}"

static void begin(const char *location)
{
    json_decref(session.location);
    device.dir = dir;
    session = (struct client_session){.c = &device, .version = 2603, .location = read_json(location)};
    (void)snprintf(session.held.pki_fault.text, sizeof session.held.pki_fault.text, "no certificate is set");
    (void)snprintf(session.held.entra.fault, sizeof session.held.entra.fault, "not joined");
}

static void hold_device_token(void)
{
    client_secret_set(&device.identity.of[CHOICE_TOKEN].device_token, "t");
}

static int set_up(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    dir = *state;
    return 0;
}

static int tear_down(void **state)
{
    json_decref(session.location);
    session.location = NULL;
    client_identity_free(&device.identity);
    device = (struct client){.lock = -1};
    return scratch_drop(state);
}

/* That of a role which failed so many seconds ago. */
static void note_failure(const char *role, int64_t ago)
{
    struct error err;
    json_t *known = client_state_health(dir, CLIENT_STATE_MANAGEMENT_POINTS);
    client_health_note_failed(known, role, "timeout: no answer", clock_wall_s() - ago);
    assert_int_equal(client_state_set_health(dir, CLIENT_STATE_MANAGEMENT_POINTS, known, &err), OK);
    json_decref(known);
}

static const char *chosen(void)
{
    assert_true(client_choose(&session, session.held.has_pki ? NULL : session.held.pki_fault.text));
    return session.choice.found ? session.choice.role.id : "";
}

static void a_certificate_goes_where_certificates_are_taken(void **state)
{
    (void)state;
    begin(HTTPS_AND_EHTTP);
    session.held.has_pki = true;
    assert_string_equal(chosen(), "h");
    assert_int_equal(session.choice.method, CHOICE_PKI);
}

static void without_the_certificate_the_token_counts_and_the_reason_is_told(void **state)
{
    (void)state;
    begin(HTTPS_AND_EHTTP);
    session.held.has_pki = true;
    hold_device_token();
    assert_true(client_choose(&session, "it was refused: mode_forbids_pki"));
    assert_true(session.choice.found);
    assert_int_equal(session.choice.method, CHOICE_TOKEN);
    assert_non_null(strstr(session.choice.why_not[CHOICE_PKI], "mode_forbids_pki"));
}

static void a_device_that_holds_nothing_finds_nothing(void **state)
{
    (void)state;
    begin(TWO_ALIKE);
    assert_string_equal(chosen(), "");
    assert_non_null(strstr(session.choice.why_not[CHOICE_ENTRA], "not joined"));
}

static void inside_a_device_that_holds_nothing_may_ask_for_approval(void **state)
{
    (void)state;
    begin(TWO_ALIKE);
    session.way.inside.items[0] = (struct client_mp){.at = {.role = "b"}};
    session.way.inside.count = 1;
    session.way.mp = session.way.inside.items;
    assert_string_equal(chosen(), "b");
    assert_int_equal(session.choice.method, CHOICE_TOKEN);
}

static void inside_only_what_can_be_reached_directly_is_chosen(void **state)
{
    (void)state;
    begin(TWO_ALIKE);
    hold_device_token();
    session.way.inside.items[0] = (struct client_mp){.at = {.role = "a"}, .why = "timeout"};
    session.way.inside.items[1] = (struct client_mp){.at = {.role = "b"}};
    session.way.inside.count = 2;
    session.way.mp = session.way.inside.items;
    assert_string_equal(chosen(), "b");
}

static void one_that_failed_lately_is_passed_over_for_another_of_the_same_method(void **state)
{
    (void)state;
    begin(TWO_ALIKE);
    hold_device_token();
    const char *first = chosen();
    char before[WEB_ROLE_MAX + 1];
    cstr_copy(before, sizeof before, first);
    note_failure(before, 5);
    assert_string_not_equal(chosen(), before);
    assert_int_equal(session.choice.method, CHOICE_TOKEN);
}

static void one_whose_failure_is_long_past_comes_back(void **state)
{
    (void)state;
    begin(TWO_ALIKE);
    hold_device_token();
    char before[WEB_ROLE_MAX + 1];
    cstr_copy(before, sizeof before, chosen());
    note_failure(before, CLIENT_HEALTH_FAILED_S + 60);
    assert_string_equal(chosen(), before);
}

static void when_all_failed_the_oldest_failure_is_asked(void **state)
{
    (void)state;
    begin(TWO_ALIKE);
    hold_device_token();
    note_failure("a", 5);
    note_failure("b", 300);
    assert_string_equal(chosen(), "b");
}

static void one_that_failed_in_this_run_comes_last_of_all(void **state)
{
    (void)state;
    begin(TWO_ALIKE);
    hold_device_token();
    note_failure("a", 5);
    cstr_copy(session.failed.roles[session.failed.count++], sizeof session.failed.roles[0], "b");
    assert_string_equal(chosen(), "a");
    assert_true(client_role_failed(&session.failed, "b"));
    assert_false(client_role_failed(&session.failed, "a"));
}

static void a_down_server_never_makes_a_device_prove_less(void **state)
{
    (void)state;
    begin(HTTPS_AND_EHTTP);
    session.held.has_pki = true;
    hold_device_token();
    note_failure("h", 5);
    assert_string_equal(chosen(), "h");
    assert_int_equal(session.choice.method, CHOICE_PKI);
}

static void a_role_fixed_by_hand_stays_although_it_failed(void **state)
{
    struct error err;
    (void)state;
    begin(TWO_ALIKE);
    hold_device_token();
    assert_int_equal(client_settings_set(&device.settings, SLICE("RoleId"), SLICE("a"), &err), OK);
    note_failure("a", 5);
    assert_string_equal(chosen(), "a");
    client_settings_free(&device.settings);
}

static void a_role_that_the_site_does_not_have_ends_the_session(void **state)
{
    struct error err;
    (void)state;
    begin(TWO_ALIKE);
    hold_device_token();
    assert_int_equal(client_settings_set(&device.settings, SLICE("RoleId"), SLICE("z"), &err), OK);
    assert_false(client_choose(&session, session.held.pki_fault.text));
    assert_string_equal(session.outcome.reason, "no_management_point");
    client_settings_free(&device.settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_certificate_goes_where_certificates_are_taken),
        TEST(without_the_certificate_the_token_counts_and_the_reason_is_told),
        TEST(a_device_that_holds_nothing_finds_nothing),
        TEST(inside_a_device_that_holds_nothing_may_ask_for_approval),
        TEST(inside_only_what_can_be_reached_directly_is_chosen),
        TEST(one_that_failed_lately_is_passed_over_for_another_of_the_same_method),
        TEST(one_whose_failure_is_long_past_comes_back),
        TEST(when_all_failed_the_oldest_failure_is_asked),
        TEST(one_that_failed_in_this_run_comes_last_of_all),
        TEST(a_down_server_never_makes_a_device_prove_less),
        TEST(a_role_fixed_by_hand_stays_although_it_failed),
        TEST(a_role_that_the_site_does_not_have_ends_the_session),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
