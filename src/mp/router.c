/* SPDX-License-Identifier: Apache-2.0 */
/* The table of paths, and who is let through to them. */
#include "mp/router.h"

#include "mp/handlers.h"
#include "mp/listener.h"
#include "mp/site.h"

enum {
    KIB = 1024,
    REGISTRATION_MAX = 64 * KIB,
    STS_MAX = 64 * KIB,
    REPORT_MAX = 256 * KIB,
    RENEW_MAX = 32 * KIB,
    ANSWER_MAX = 32 * KIB,
    BODY_MAX = 1024 * KIB
};

static const struct mp_route routes[] = {
    {"/CCM_Client/registration", "POST", REGISTRATION_MAX, mp_handle_registration, MP_FOR_ANYBODY_INSIDE, false},
    {"/CCM_STS", "POST", STS_MAX, mp_handle_sts, MP_FOR_DEVICES, false},
    {"/SMS_MP/.sms_aut", "GET, HEAD", 0, mp_handle_location, MP_FOR_ANYBODY_INSIDE, false},
    {"/SMS_MP/.sms_pol", "GET, HEAD", 0, mp_handle_policy, MP_FOR_DEVICES, false},
    {"/CCM_User/policy", "GET, HEAD", 0, mp_handle_user_policy, MP_FOR_DEVICES, false},
    {"/CCM_System", "POST, CCM_POST", BODY_MAX, mp_handle_not_supported, MP_FOR_DEVICES, true},
    {"/CCM_Incoming", "POST, PUT, BITS_POST", BODY_MAX, mp_handle_not_supported, MP_FOR_DEVICES, true},
    {"/.cmg/bundle", "GET", 0, mp_handle_site_bundle, MP_FOR_CONNECTORS, false},
    {"/.cmg/crl", "GET", 0, mp_handle_site_crl, MP_FOR_CONNECTORS, true},
    {"/.cmg/connector", "GET", 0, mp_handle_site_connector, MP_FOR_CONNECTORS, false},
    {"/.cmg/report", "POST", REPORT_MAX, mp_handle_site_report, MP_FOR_CONNECTORS, true},
    {"/.cmg/questions", "GET", 0, mp_handle_site_questions, MP_FOR_CONNECTORS, true},
    {"/.cmg/answer", "POST", ANSWER_MAX, mp_handle_site_answer, MP_FOR_CONNECTORS, true},
    {"/.cmg/renew", "POST", RENEW_MAX, mp_handle_site_renew, MP_FOR_CONNECTORS, true},
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

void mp_handle_not_supported(struct mp_request *r)
{
    mp_refuse(r, MP_REFUSAL_NOT_SUPPORTED, NULL);
}

/* Answers when the asker may not pass. */
static bool let_through(struct mp_request *r, const struct mp_route *route)
{
    const struct mp_identity *i = &r->identity;
    if (route->whom == MP_FOR_CONNECTORS) {
        if (i->role_certificate)
            return true;
        mp_refuse(r, MP_REFUSAL_NOT_A_CONNECTOR, NULL);
        return false;
    }
    if (i->auth != MP_NOBODY || (route->whom == MP_FOR_ANYBODY_INSIDE && !i->asserted))
        return true;
    if (i->refused != REASON_OK)
        mp_refuse_verdict(r, i->refused, i->detail);
    else
        mp_refuse(r, MP_REFUSAL_NO_IDENTITY, NULL);
    return false;
}

void mp_route(struct mp_connection *connection, struct http_exchange *x)
{
    struct mp_request *r = mp_request_new(connection->site, connection, x);
    const struct mp_route *route = mp_route_find(r->path);
    struct error err;
    enum result result = mp_identify(r, &err);
    if (result == R_INVALID)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else if (result != OK)
        mp_refuse_fault(r, &err);
    else if (!route)
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, NULL);
    else if (!mp_method_in(route->methods, x->request.method))
        mp_refuse_method(r, route->methods);
    else if (let_through(r, route))
        mp_request_collect(r, route->handle, route->body_max);
}
