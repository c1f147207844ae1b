/* SPDX-License-Identifier: Apache-2.0 */
/* The table of paths. What is done before a handler is called: router.c. */
#include "mp/answer/handlers.h"
#include "mp/answer/router.h"

enum {
    KIB = 1024,
    REGISTRATION_MAX = 64 * KIB,
    STS_MAX = 64 * KIB,
    REPORT_MAX = 256 * KIB,
    RENEW_MAX = 32 * KIB,
    ANSWER_MAX = 32 * KIB,
    JOIN_MAX = 16 * KIB,
    STATE_MAX = 512 * KIB,
    PART_MAX = 256 * KIB
};

static const struct mp_route routes[] = {
    {"/CCM_Client/registration", "POST", REGISTRATION_MAX, mp_handle_registration, MP_FOR_ANYBODY_INSIDE, false},
    {"/CCM_STS", "POST", STS_MAX, mp_handle_sts, MP_FOR_DEVICES, false},
    {"/SMS_MP/.sms_aut", "GET, HEAD", 0, mp_handle_location, MP_FOR_ANYBODY_INSIDE, false},
    {"/SMS_MP/.sms_pol", "GET, HEAD", 0, mp_handle_policy, MP_FOR_DEVICES, false},
    {"/CCM_User/policy", "GET, HEAD", 0, mp_handle_user_policy, MP_FOR_DEVICES, false},
    {"/CCM_Content", "GET, HEAD", 0, mp_handle_content, MP_FOR_DEVICES, true},
    {"/CCM_System/state", "POST", STATE_MAX, mp_handle_state, MP_FOR_DEVICES, false},
    {"/CCM_System", "POST, CCM_POST", MP_AT_HEAD, mp_handle_not_supported, MP_FOR_DEVICES, true},
    {"/CCM_Incoming/inventory", "PUT", PART_MAX, mp_handle_inventory, MP_FOR_DEVICES, true},
    {"/CCM_Incoming", "POST, PUT, BITS_POST", MP_AT_HEAD, mp_handle_not_supported, MP_FOR_DEVICES, true},
    {"/CCM_Notification", "GET", 0, mp_handle_notification, MP_FOR_DEVICES, false},
    {"/.cmg/bundle", "GET", 0, mp_handle_site_bundle, MP_FOR_CONNECTORS, false},
    {"/.cmg/crl", "GET", 0, mp_handle_site_crl, MP_FOR_CONNECTORS, true},
    {"/.cmg/connector", "GET", 0, mp_handle_site_connector, MP_FOR_CONNECTORS, false},
    {"/.cmg/report", "POST", REPORT_MAX, mp_handle_site_report, MP_FOR_CONNECTORS, true},
    {"/.cmg/questions", "GET", 0, mp_handle_site_questions, MP_FOR_CONNECTORS, true},
    {"/.cmg/answer", "POST", ANSWER_MAX, mp_handle_site_answer, MP_FOR_CONNECTORS, true},
    {"/.cmg/renew", "POST", RENEW_MAX, mp_handle_site_renew, MP_FOR_CONNECTORS, true},
    {"/.cmg/join", "POST", JOIN_MAX, mp_handle_site_join, MP_FOR_ANYBODY_INSIDE, false}, /* who joins is nobody yet */
    {"/.cmg/join", "POST", JOIN_MAX, mp_handle_site_join, MP_FOR_CONNECTORS, true},
};

static bool covers(const struct mp_route *route, struct slice path)
{
    struct slice own = slice_of(route->path);
    if (slice_eq_nocase(path, own))
        return true;
    return route->below && path.len > own.len && path.ptr[own.len] == '/' && slice_starts_nocase(path, own);
}

const struct mp_route *mp_route_find(struct slice path)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (covers(&routes[i], path))
            return &routes[i];
    }
    return NULL;
}

bool mp_method_in(const char *methods, struct slice method)
{
    struct slice rest = slice_of(methods);
    while (rest.ptr) {
        if (slice_eq(slice_trim(slice_cut(&rest, ',')), method))
            return true;
    }
    return false;
}
