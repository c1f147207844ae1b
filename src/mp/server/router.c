/* SPDX-License-Identifier: Apache-2.0 */
/* The table of paths, and who is let through to them. */
#include "mp/server/router.h"

#include <stdio.h>

#include "mp/sender/device.h"
#include "mp/server/handlers.h"
#include "mp/server/listener.h"
#include "mp/site.h"

enum {
    KIB = 1024,
    REGISTRATION_MAX = 64 * KIB,
    STS_MAX = 64 * KIB,
    REPORT_MAX = 256 * KIB,
    RENEW_MAX = 32 * KIB,
    ANSWER_MAX = 32 * KIB
};

static const struct mp_route routes[] = {
    {"/CCM_Client/registration", "POST", REGISTRATION_MAX, mp_handle_registration, MP_FOR_ANYBODY_INSIDE, false},
    {"/CCM_STS", "POST", STS_MAX, mp_handle_sts, MP_FOR_DEVICES, false},
    {"/SMS_MP/.sms_aut", "GET, HEAD", 0, mp_handle_location, MP_FOR_ANYBODY_INSIDE, false},
    {"/SMS_MP/.sms_pol", "GET, HEAD", 0, mp_handle_policy, MP_FOR_DEVICES, false},
    {"/CCM_User/policy", "GET, HEAD", 0, mp_handle_user_policy, MP_FOR_DEVICES, false},
    {"/CCM_System", "POST, CCM_POST", MP_AT_HEAD, mp_handle_not_supported, MP_FOR_DEVICES, true},
    {"/CCM_Incoming", "POST, PUT, BITS_POST", MP_AT_HEAD, mp_handle_not_supported, MP_FOR_DEVICES, true},
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
        mp_refuse_verdict(r, i->refused, &i->why);
    else
        mp_refuse(r, MP_REFUSAL_NO_IDENTITY, NULL);
    return false;
}

/* --- whose body --- */

static void belongs_to(struct mp_request *r, const char *kind, const char *id)
{
    (void)snprintf(r->body_share.whose, sizeof r->body_share.whose, "%s:%s", kind, id);
}

static bool entra_counts(struct mp_request *r)
{
    struct entra_token entra;
    if (!mp_entra_device(r, &entra))
        return false;
    belongs_to(r, "entra", entra.device);
    return true;
}

/* A token that comes directly is judged before the body is taken; the handler judges all of it, with the body. false:
 * answered. */
static bool token_counts(struct mp_request *r, bool registers)
{
    const struct mp_identity *i = &r->identity;
    struct token token;
    enum verdict_reason reason;
    struct error err;
    char x5t[TOKEN_X5T_SIZE];
    struct slice shown = SLICE_NONE;
    if (i->certificate && !registers) {
        mp_certificate_x5t(i->certificate, x5t);
        shown = slice_of(x5t);
    }
    if (mp_token_judge(r, i->bearer, registers ? PURPOSE_REGISTRATION : PURPOSE_STS, shown, &token, &reason, &err) !=
        OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    if (reason != REASON_OK) {
        mp_refuse_verdict(r, reason, &err);
        return false;
    }
    belongs_to(r, "token", token.subject[0] ? token.subject : token.id);
    return true;
}

static void counts_as_device(struct mp_request *r)
{
    char id[PKI_HASH_HEX + 32] = "";
    if (r->identity.asserted)
        (void)!slice_to_cstr(mp_request_field(r, "cmg-client-id"), id, sizeof id); /* "": too long for one */
    else
        mp_certificate_hex(r->identity.certificate, id);
    belongs_to(r, "device", id);
}

/* Who vouches for the sender, if anybody, decides what its body is counted against. false: answered. */
static bool settle_share(struct mp_request *r, const struct mp_route *route)
{
    const struct mp_identity *i = &r->identity;
    if (route->whom == MP_FOR_CONNECTORS)
        belongs_to(r, "connector", i->connector);
    else if (i->auth == MP_NOBODY) {
        belongs_to(r, "address", r->connection->group);
        r->body_share.connection = &r->connection->bodies;
    } else if (i->asserted || i->auth == MP_PKI)
        counts_as_device(r);
    else
        return i->auth == MP_ENTRA ? entra_counts(r) : token_counts(r, route->whom == MP_FOR_ANYBODY_INSIDE);
    return true;
}

static void take(struct mp_request *r, const struct mp_route *route)
{
    if (route->body_max == MP_AT_HEAD)
        route->handle(r);
    else if (!route->body_max || settle_share(r, route))
        mp_request_collect(r, route->handle, route->body_max);
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
        take(r, route);
}
