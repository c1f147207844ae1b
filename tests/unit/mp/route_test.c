/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of paths, and of refusals. */
#include "cmocka_first.h"

#include "mp/admin/admin.h"
#include "mp/admin/socket/routes.h"
#include "mp/answer/router.h"
#include "mp/sender/refusal.h"

static const char *path_of(const char *path)
{
    const struct mp_route *route = mp_route_find(slice_of(path));
    return route ? route->path : "";
}

static void paths_match_ignoring_case(void **state)
{
    (void)state;
    assert_string_equal(path_of("/ccm_sts"), "/CCM_STS");
    assert_string_equal(path_of("/CCM_Client/Registration"), "/CCM_Client/registration");
    assert_string_equal(path_of("/SMS_MP/.SMS_AUT"), "/SMS_MP/.sms_aut");
}

static void only_whole_segments_match(void **state)
{
    (void)state;
    static const char *const nowhere[] = {
        "",        "/",          "/CCM_STSX", "/CCM_STS/",     "/CCM_STS/x", "//CCM_STS",  "/CCM_SystemX",
        "CCM_STS", "/%43CM_STS", "/.cmg",     "/.cmg/bundle/", "/SMS_MP",    "/x/CCM_STS", "/CCM_Client"};
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++)
        assert_string_equal(path_of(nowhere[i]), "");
    assert_string_equal(path_of("/CCM_System/request"), "/CCM_System");
}

static void the_site_service_is_for_connectors_alone(void **state)
{
    (void)state;
    static const char *const paths[] = {"/.cmg/bundle", "/.cmg/connector", "/.cmg/report",        "/.cmg/report/gw1",
                                        "/.cmg/renew",  "/.cmg/renew/gw1", "/.cmg/questions/gw1", "/.cmg/answer/gw1"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_int_equal(mp_route_find(slice_of(paths[i]))->whom, MP_FOR_CONNECTORS);
}

static void only_registration_is_open_to_anybody_inside(void **state)
{
    (void)state;
    assert_int_equal(mp_route_find(SLICE("/CCM_Client/registration"))->whom, MP_FOR_ANYBODY_INSIDE);
    assert_int_equal(mp_route_find(SLICE("/CCM_STS"))->whom, MP_FOR_DEVICES);
    assert_int_equal(mp_route_find(SLICE("/SMS_MP/.sms_pol"))->whom, MP_FOR_DEVICES);
}

static void methods_match_exactly(void **state)
{
    (void)state;
    assert_true(mp_method_in("POST, CCM_POST", SLICE("CCM_POST")));
    assert_true(mp_method_in("POST, CCM_POST", SLICE("POST")));
    assert_false(mp_method_in("POST, CCM_POST", SLICE("post")));
    assert_false(mp_method_in("POST, CCM_POST", SLICE("")));
    assert_false(mp_method_in("POST, CCM_POST", SLICE("POST,")));
}

static void admin_patterns_give_their_parameter_decoded(void **state)
{
    (void)state;
    struct arena *a = arena_new(64 * 1024);
    char params[MP_PARAMS_MAX][MP_PARAM_SIZE];
    const char *allow;
    const struct mp_admin_route *route =
        mp_admin_route_find(a, SLICE("POST"), SLICE("/v1/devices/my%20pc/block"), params, &allow);
    assert_non_null(route);
    assert_string_equal(params[0], "my pc");
    assert_true(route->handle == mp_admin_device_block);
    assert_null(mp_admin_route_find(a, SLICE("PUT"), SLICE("/v1/devices/x"), params, &allow));
    assert_string_equal(allow, "GET, DELETE");
    static const char *const nowhere[] = {"/v1/devices/%ff",   "/v1/devices/",    "/v1/devices/a/b/block",
                                          "/v1/devices/a%00b", "/v1/devices/%zz", "/v1",
                                          "/v2/devices",       "/v1/Status"};
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        assert_null(mp_admin_route_find(a, SLICE("GET"), slice_of(nowhere[i]), params, &allow));
        assert_string_equal(allow, "");
    }
    arena_free(a);
}

static void a_parameter_that_is_too_long_is_nothing(void **state)
{
    (void)state;
    struct arena *a = arena_new(64 * 1024);
    char params[MP_PARAMS_MAX][MP_PARAM_SIZE], path[512] = "/v1/devices/";
    const char *allow;
    memset(path + strlen(path), 'a', MP_PARAM_SIZE);
    assert_null(mp_admin_route_find(a, SLICE("GET"), slice_of(path), params, &allow));
    arena_free(a);
}

static void shared_reasons_keep_their_word_under_a_code_of_ours(void **state)
{
    (void)state;
    struct mp_refusal_info blocked = mp_refusal_of_verdict(REASON_BLOCKED);
    assert_int_equal(blocked.status, 403);
    assert_string_equal(blocked.code, "MP_Not_Allowed");
    assert_string_equal(blocked.reason, "blocked");
    struct mp_refusal_info token = mp_refusal_of_verdict(REASON_TOKEN_NOT_BOUND);
    assert_int_equal(token.status, 401);
    assert_string_equal(token.code, "MP_Invalid_Token");
    assert_string_equal(mp_refusal_of_verdict(REASON_CERT_REVOKED).code, "MP_Invalid_Client_Certificate");
    for (enum mp_refusal i = MP_REFUSAL_BAD_REQUEST; i <= MP_REFUSAL_BUSY; i++)
        assert_true(strncmp(mp_refusal_info(i)->code, "MP_", 3) == 0);
}

/* Pieces of 100 us: a device's second, and a fleet's five. */
static void who_had_its_share_of_the_time_waits_and_others_do_not(void **state)
{
    enum { DEVICE, FLEET, NOW = 1000, SECOND = 10000 };
    struct crowd *askers = mp_router_askers();
    (void)state;
    crowd_charge(askers, SLICE("device:a"), DEVICE, 2 * SECOND, NOW);
    assert_false(crowd_take(askers, SLICE("device:a"), DEVICE, NOW));
    assert_true(crowd_take(askers, SLICE("device:b"), DEVICE, NOW));
    assert_true(crowd_take(askers, SLICE("device:a"), DEVICE, NOW + 100)); /* what it had over is not held against it */
    crowd_charge(askers, SLICE("fleet:192.0.2.1"), FLEET, 2 * SECOND, NOW);
    assert_true(crowd_take(askers, SLICE("fleet:192.0.2.1"), FLEET, NOW));
    crowd_charge(askers, SLICE("fleet:192.0.2.1"), FLEET, 4 * SECOND, NOW);
    assert_false(crowd_take(askers, SLICE("fleet:192.0.2.1"), FLEET, NOW));
    crowd_free(askers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_had_its_share_of_the_time_waits_and_others_do_not),
        cmocka_unit_test(paths_match_ignoring_case),
        cmocka_unit_test(only_whole_segments_match),
        cmocka_unit_test(the_site_service_is_for_connectors_alone),
        cmocka_unit_test(only_registration_is_open_to_anybody_inside),
        cmocka_unit_test(methods_match_exactly),
        cmocka_unit_test(admin_patterns_give_their_parameter_decoded),
        cmocka_unit_test(a_parameter_that_is_too_long_is_nothing),
        cmocka_unit_test(shared_reasons_keep_their_word_under_a_code_of_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
