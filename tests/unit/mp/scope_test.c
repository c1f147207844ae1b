/* SPDX-License-Identifier: Apache-2.0 */
/* Where a device comes from, what a bulk token is limited to, and how a device's record stands. No sockets, no store.
 */
#include "cmocka_first.h"

#include <stdio.h>

#include "mp/sender/device.h"
#include "mp/sender/scope.h"

static struct arena *arena;
static struct http_request request;
static struct mp_peer peer;
static struct mp_sender from;
static struct error err;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 * 1024);
    request = (struct http_request){.method = SLICE("POST")};
    peer = (struct mp_peer){.address = "192.0.2.7:50000", .group = "192.0.2.7"};
    from = (struct mp_sender){.arena = arena, .request = &request, .peer = &peer};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void comes_through_a_connector(const char *forwarded)
{
    (void)snprintf(from.identity.connector, sizeof from.identity.connector, "cp1");
    assert_int_equal(http_fields_add(&request.fields, arena, SLICE("forwarded"), slice_of(forwarded)), OK);
}

static const char *address(void)
{
    static char text[MP_SCOPE_ADDRESS];
    mp_scope_address(&from, text);
    return text;
}

static const char *origin(void)
{
    static char text[MP_SCOPE_ORIGIN];
    mp_scope_origin(&from, "t1", text);
    return text;
}

static void who_comes_directly_is_where_its_connection_is(void **state)
{
    (void)state;
    assert_string_equal(address(), "192.0.2.7");
    (void)snprintf(peer.address, sizeof peer.address, "[2001:db8::1]:50000");
    assert_string_equal(address(), "2001:db8::1");
}

static void a_stranger_is_not_believed_where_it_says_it_is(void **state)
{
    (void)state;
    assert_int_equal(http_fields_add(&request.fields, arena, SLICE("forwarded"), SLICE("for=10.0.0.1")), OK);
    assert_string_equal(address(), "192.0.2.7");
}

static void a_connector_tells_where_the_device_is(void **state)
{
    (void)state;
    comes_through_a_connector("for=203.0.113.9;proto=https");
    assert_string_equal(address(), "203.0.113.9");
    assert_string_equal(origin(), "203.0.113.9");
}

static void a_connector_that_tells_no_address_leaves_its_own_name_and_the_tokens(void **state)
{
    (void)state;
    comes_through_a_connector("by=nobody");
    assert_string_equal(address(), "");
    assert_string_equal(origin(), "connector cp1, token t1");
}

static void a_device_within_the_limits_may_register(void **state)
{
    (void)state;
    struct store_token t = {.networks = "10.0.0.0/8 192.0.2.0/24", .names = "LAB-* SRV-*"};
    assert_int_equal(mp_scope_holds(&from, &t, "srv-1", &err), OK);
}

static void a_token_without_limits_is_for_all(void **state)
{
    (void)state;
    struct store_token t = {.networks = "", .names = ""};
    assert_int_equal(mp_scope_holds(&from, &t, "anything", &err), OK);
}

static void a_device_of_another_network_is_refused_with_its_address(void **state)
{
    (void)state;
    struct store_token t = {.networks = "10.0.0.0/8", .names = ""};
    assert_int_equal(mp_scope_holds(&from, &t, "d", &err), R_DENIED);
    assert_non_null(strstr(err.text, "192.0.2.7"));
}

static void where_no_address_is_told_a_limit_of_networks_is_not_met(void **state)
{
    (void)state;
    struct store_token t = {.networks = "0.0.0.0/0", .names = ""};
    comes_through_a_connector("by=nobody");
    assert_int_equal(mp_scope_holds(&from, &t, "d", &err), R_DENIED);
}

static void a_device_of_another_name_is_refused_with_its_name(void **state)
{
    (void)state;
    struct store_token t = {.networks = "", .names = "LAB-*"};
    assert_int_equal(mp_scope_holds(&from, &t, "OFFICE-1", &err), R_DENIED);
    assert_non_null(strstr(err.text, "OFFICE-1"));
}

static void an_approved_device_stands(void **state)
{
    (void)state;
    struct mp_denial no;
    assert_true(mp_device_stands(&(struct store_device){.guid = "g", .state = STORE_APPROVED, .known_by = ""}, &no));
}

static void a_blocked_device_is_told_so_whatever_its_state(void **state)
{
    (void)state;
    struct mp_denial no;
    static const enum store_device_state states[] = {STORE_APPROVED, STORE_PENDING};
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        const struct store_device d = {.guid = "g", .state = states[i], .known_by = "", .blocked = true};
        assert_false(mp_device_stands(&d, &no));
        assert_int_equal(no.by, MP_DENIED_BY_VERDICT);
        assert_int_equal(no.reason, REASON_BLOCKED);
    }
}

static void who_waits_is_told_how_it_is_approved_and_not_whom_it_is_taken_for(void **state)
{
    (void)state;
    struct mp_denial no;
    const struct store_device d = {.guid = "g-1", .state = STORE_PENDING, .known = "g-other", .known_by = "name"};
    assert_false(mp_device_stands(&d, &no));
    assert_int_equal(no.by, MP_DENIED_BY_REFUSAL);
    assert_int_equal(no.refusal, MP_REFUSAL_APPROVAL_PENDING);
    assert_non_null(strstr(no.why.text, "cmg device approve g-1"));
    assert_null(strstr(no.why.text, "g-other"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_comes_directly_is_where_its_connection_is),
        TEST(a_stranger_is_not_believed_where_it_says_it_is),
        TEST(a_connector_tells_where_the_device_is),
        TEST(a_connector_that_tells_no_address_leaves_its_own_name_and_the_tokens),
        TEST(a_device_within_the_limits_may_register),
        TEST(a_token_without_limits_is_for_all),
        TEST(a_device_of_another_network_is_refused_with_its_address),
        TEST(where_no_address_is_told_a_limit_of_networks_is_not_met),
        TEST(a_device_of_another_name_is_refused_with_its_name),
        TEST(an_approved_device_stands),
        TEST(a_blocked_device_is_told_so_whatever_its_state),
        TEST(who_waits_is_told_how_it_is_approved_and_not_whom_it_is_taken_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
