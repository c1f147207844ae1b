/* SPDX-License-Identifier: Apache-2.0 */
/* Whose time of the loop a request takes: there is nobody whose time is not counted. */
#include "kit.h"

#include "mp/answer/router.h"

static struct kit_ask ask;
static struct mp_asker one, bringer;

static int teardown(void **state)
{
    kit_forget(&ask);
    return kit_close(state);
}

static struct mp_identity *begin(const char *method, const char *target)
{
    kit_ask(&ask, method, target, "");
    (void)snprintf(peer.group, sizeof peer.group, "192.0.2.0");
    return &ask.r->sender.identity;
}

static void assert_taken(struct mp_asker a, enum mp_time_share share, const char *whose)
{
    assert_int_equal(a.share, share);
    assert_string_equal(a.whose, whose);
}

static void who_registers_inside_by_nothing_takes_the_time_of_its_address(void **state UNUSED)
{
    (void)begin("POST", "/CCM_Client/registration");
    mp_router_asker(ask.r, &one, &bringer);
    assert_taken(one, MP_TIME_OF_FLEET, "fleet:192.0.2.0");
    assert_taken(bringer, MP_TIME_BROUGHT, "");
}

static void what_a_connector_asks_takes_its_own_whichever_gateway_is_behind_it(void **state UNUSED)
{
    static const char *const paths[] = {"/.cmg/report", "/.cmg/report/gw1", "/.cmg/renew/gw2", "/.cmg/bundle"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (i)
            kit_forget(&ask);
        struct mp_identity *who = begin("POST", paths[i]);
        (void)snprintf(who->connector, sizeof who->connector, "cp1");
        who->role_certificate = who->asserted = true;
        mp_router_asker(ask.r, &one, &bringer);
        assert_taken(one, MP_TIME_OF_CONNECTOR, "connector:cp1");
        assert_taken(bringer, MP_TIME_BROUGHT, "");
    }
}

/* A gateway that was broken into names as many as it likes. */
static void what_devices_behind_a_connector_ask_takes_the_connectors_too(void **state UNUSED)
{
    static const char *const paths[] = {"/SMS_MP/.sms_pol?MACHINE", "/CCM_Client/registration", "/CCM_STS"};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (i)
            kit_forget(&ask);
        struct mp_identity *who = begin("POST", paths[i]);
        (void)snprintf(who->connector, sizeof who->connector, "cp1");
        (void)snprintf(ask.r->out.whose, sizeof ask.r->out.whose, "device:made-up-%zu", i);
        who->asserted = true;
        who->auth = MP_PKI;
        mp_router_asker(ask.r, &one, &bringer);
        assert_taken(one, MP_TIME_OF_DEVICE, ask.r->out.whose);
        assert_taken(bringer, MP_TIME_BROUGHT, "connector:cp1");
    }
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, kit_open, teardown)
    const struct CMUnitTest tests[] = {
        HELD(who_registers_inside_by_nothing_takes_the_time_of_its_address),
        HELD(what_a_connector_asks_takes_its_own_whichever_gateway_is_behind_it),
        HELD(what_devices_behind_a_connector_ask_takes_the_connectors_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
