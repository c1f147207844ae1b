/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let through to a path, and whose memory its body takes. Which paths there are: routes.c. */
#include "mp/answer/router.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/host/trail.h"
#include "mp/sender/device.h"
#include "mp/sender/scope.h"
#include "mp/server/access.h"
#include "mp/server/listener.h"
#include "mp/site.h"

/* Answers when the asker may not pass. */
static bool let_through(struct mp_request *r, const struct mp_route *route)
{
    const struct mp_identity *i = &r->sender.identity;
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
    struct mp_denial no;
    if (!mp_request_pass(r, mp_entra_device(&r->sender, &entra, &no), &no))
        return false;
    belongs_to(r, "entra", entra.device);
    return true;
}

/* A token that comes directly is judged before the body is taken; the handler judges all of it, with the body. false:
 * answered. */
static bool token_counts(struct mp_request *r, bool registers)
{
    const struct mp_identity *i = &r->sender.identity;
    struct token token;
    enum verdict_reason reason;
    struct error err;
    char x5t[TOKEN_X5T_SIZE];
    struct slice shown = SLICE_NONE;
    if (i->certificate && !registers) {
        token_x5t(i->certificate, x5t);
        shown = slice_of(x5t);
    }
    if (mp_token_judge(r->site, i->bearer, registers ? PURPOSE_REGISTRATION : PURPOSE_STS, shown, &token, &reason,
                       &err) != OK) {
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

enum { DEVICE_ID_SIZE = PKI_HASH_HEX + 32 };

/* Of a certificate, or as the gateway says. */
static void id_of_device(const struct mp_request *r, char ret[DEVICE_ID_SIZE])
{
    ret[0] = '\0';
    if (r->sender.identity.asserted)
        (void)!slice_to_cstr(mp_request_field(r, "cmg-client-id"), ret, DEVICE_ID_SIZE); /* "": too long for one */
    else
        (void)snprintf(ret, DEVICE_ID_SIZE, "%s", mp_peer_sha256(r->sender.peer));
}

static void counts_as_device(struct mp_request *r)
{
    char id[DEVICE_ID_SIZE];
    id_of_device(r, id);
    belongs_to(r, "device", id);
}

/* Many devices have one id by a bulk token: those of its address. */
static void counts_as_fleet(struct mp_request *r)
{
    char id[DEVICE_ID_SIZE], origin[MP_SCOPE_ORIGIN], whose[DEVICE_ID_SIZE + MP_SCOPE_ORIGIN];
    id_of_device(r, id);
    mp_scope_origin(&r->sender, "any", origin);
    (void)snprintf(whose, sizeof whose, "%.48s %s", id, origin);
    belongs_to(r, "fleet", whose);
}

/* Who else holds what is not taken of answers; else it is the address. */
static void settle_answer(struct mp_request *r)
{
    const struct mp_identity *i = &r->sender.identity;
    char id[DEVICE_ID_SIZE];
    if (i->role_certificate) {
        (void)snprintf(r->out.whose, sizeof r->out.whose, "connector:%s", i->connector);
    } else if (i->asserted || i->certificate) {
        id_of_device(r, id);
        (void)snprintf(r->out.whose, sizeof r->out.whose, "device:%.64s", id);
    }
}

/* Who vouches for the sender, if anybody, decides what its body is counted against. false: answered. */
static bool settle_share(struct mp_request *r, const struct mp_route *route)
{
    const struct mp_identity *i = &r->sender.identity;
    if (route->whom == MP_FOR_CONNECTORS)
        belongs_to(r, "connector", i->connector);
    else if (i->auth == MP_NOBODY) {
        belongs_to(r, "address", r->sender.peer->group);
        r->body_share.connection = &r->connection->bodies;
    } else if (i->asserted && i->auth == MP_TOKEN && route->whom == MP_FOR_ANYBODY_INSIDE)
        counts_as_fleet(r);
    else if (i->asserted || i->auth == MP_PKI)
        counts_as_device(r);
    else
        return i->auth == MP_ENTRA ? entra_counts(r) : token_counts(r, route->whom == MP_FOR_ANYBODY_INSIDE);
    return true;
}

/* --- whose time --- */

/* Of the loop, which is everybody's, in pieces of 100 µs: one device's is a second at once, and a fiftieth of the time
 * in the long run; of all who register from one address by bulk tokens, Entra or nothing, a fleet maybe, five and a
 * fourth; the same of a connector's own questions, with those of the gateways behind it. Whom a gateway names it may
 * have made up, so that what a connector brings leaves a fourth to all others. */
enum { TIME_UNIT_US = 100 };

struct crowd *mp_router_askers(void)
{
    static const struct crowd_rate rates[MP_TIME_SHARES] = {[MP_TIME_OF_DEVICE] = {10000, 200},
                                                            [MP_TIME_OF_FLEET] = {50000, 2500},
                                                            [MP_TIME_OF_CONNECTOR] = {50000, 2500},
                                                            [MP_TIME_BROUGHT] = {200000, 7500}};
    return crowd_new(rates, MP_TIME_SHARES);
}

static struct mp_asker brought_by(const struct mp_identity *i, enum mp_time_share share)
{
    struct mp_asker ret = {.share = share};
    if (i->connector[0])
        (void)snprintf(ret.whose, sizeof ret.whose, "connector:%.70s", i->connector);
    return ret;
}

void mp_router_asker(const struct mp_request *r, struct mp_asker *ret, struct mp_asker *ret_brought_by)
{
    const struct mp_route *route = mp_route_find(r->path);
    const struct mp_identity *i = &r->sender.identity;
    char origin[MP_SCOPE_ORIGIN];
    *ret_brought_by = (struct mp_asker){.share = MP_TIME_BROUGHT};
    if (route->whom == MP_FOR_CONNECTORS) {
        *ret = brought_by(i, MP_TIME_OF_CONNECTOR);
        return;
    }
    *ret_brought_by = brought_by(i, MP_TIME_BROUGHT);
    *ret = (struct mp_asker){.share = MP_TIME_OF_DEVICE};
    if (route->whom == MP_FOR_DEVICES || i->auth == MP_PKI) {
        memcpy(ret->whose, r->out.whose, sizeof ret->whose);
        return;
    }
    ret->share = MP_TIME_OF_FLEET;
    mp_scope_origin(&r->sender, "any", origin);
    (void)snprintf(ret->whose, sizeof ret->whose, "fleet:%.72s", origin);
}

static bool has_time(struct crowd *askers, const struct mp_asker *a, uint64_t now_us)
{
    return !a->whose[0] || crowd_take(askers, slice_of(a->whose), a->share, now_us / 1000);
}

static void took_time(struct crowd *askers, const struct mp_asker *a, uint64_t us, uint64_t now_us)
{
    if (a->whose[0])
        crowd_charge(askers, slice_of(a->whose), a->share, us / TIME_UNIT_US, now_us / 1000);
}

static void handle_in_its_time(struct mp_request *r)
{
    struct crowd *askers = r->site->askers; /* behind its answer `r` is gone */
    struct mp_asker one, bringer;
    uint64_t began = clock_mono_us();
    mp_router_asker(r, &one, &bringer);
    if (!has_time(askers, &one, began) || !has_time(askers, &bringer, began)) {
        mp_refuse(r, MP_REFUSAL_TIME_OF_ONE, NULL);
        return;
    }
    mp_route_find(r->path)->handle(r);
    uint64_t ended = clock_mono_us();
    took_time(askers, &one, ended - began, ended);
    took_time(askers, &bringer, ended - began, ended);
}

/* What a withdrawn connector carries counts no more, be it the last byte of what began before. */
static void came_whole(struct mp_request *r)
{
    struct error err;
    enum result result = mp_identity_holds(&r->sender, &err);
    if (result == OK)
        handle_in_its_time(r);
    else if (result != R_DENIED)
        mp_refuse_fault(r, &err);
    else if (r->sender.identity.role_certificate)
        mp_refuse(r, MP_REFUSAL_NOT_A_CONNECTOR, err.text);
    else
        mp_refuse_verdict(r, REASON_UPSTREAM_CLIENT_CERTIFICATE, &err);
}

static void take(struct mp_request *r, const struct mp_route *route)
{
    if (route->body_max == MP_AT_HEAD)
        route->handle(r);
    else if (!route->body_max || settle_share(r, route))
        mp_request_collect(r, came_whole, route->body_max);
}

/* What connectors ask on their own account is kept when it fails alone: it would displace what devices ask. */
static void note_step(const struct mp_request *r, int status)
{
    const struct mp_peer *peer = r->sender.peer;
    bool failed = status >= 400 || status == 0, stranger = r->connection->stranger.holder != NULL;
    if (!failed && slice_starts(r->path, SLICE("/.cmg/")))
        return;
    if (stranger && !log_gather(LOG_DEBUG, "mp", "request", peer->group, "of nobody known", clock_mono_ms()))
        return;
    struct slice client = arena_dup(r->arena, log_cut(mp_request_field(r, "cmg-client-id")));
    trail_note(stranger ? TRAIL_STRANGERS
               : failed ? TRAIL_FAILED
                        : TRAIL_WELL,
               r->id,
               &(struct trail_step){.what = r->refused    ? "refused"
                                            : status == 0 ? "the asker went away"
                                                          : "answered",
                                    .reason = r->refused,
                                    .client = r->sender.identity.asserted ? client.ptr : NULL,
                                    .endpoint = peer->point->id,
                                    .detail = r->refused_detail,
                                    .status = status});
}

/* An answer that is no refusal, to somebody who proved who it is: it is no stranger. Who can be anybody's with a token
 * that is bound to no key is counted by its address. */
static void note_known(struct mp_request *r)
{
    const struct mp_identity *i = &r->sender.identity;
    if (i->connector[0])
        return; /* it is known by its certificate */
    mp_listener_known(r->connection, i->auth == MP_PKI ? mp_peer_sha256(r->sender.peer) : r->sender.peer->group);
}

static void on_status(struct mp_request *r, int status)
{
    r->site->counted.requests += status > 0;
    r->site->counted.refused += status >= 400;
    if (status >= 400)
        mp_listener_refused(r->connection);
    else if (status && r->sender.identity.auth != MP_NOBODY)
        note_known(r);
    mp_access_log(r, status);
    note_step(r, status);
}

/* A gateway's word, which its connector passes on. */
static void keep_request_id(struct mp_request *r)
{
    struct slice id = mp_request_field(r, "cmg-request-id");
    if (r->sender.identity.asserted && guid_valid(id))
        (void)!slice_to_cstr(id, r->id, sizeof r->id);
}

void mp_route(struct mp_connection *connection, struct http_exchange *x)
{
    struct mp_request *r = mp_request_new(connection->peer.site, connection, x);
    const struct mp_route *route = mp_route_find(r->path);
    struct error err;
    r->hooks.on_status = on_status;
    enum result result = mp_identify(&r->sender, &err);
    if (r->sender.identity.connector[0]) /* whatever becomes of what it brings */
        mp_listener_known(connection, NULL);
    keep_request_id(r);
    if (result == R_INVALID)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else if (result != OK)
        mp_refuse_fault(r, &err);
    else if (!route)
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, NULL);
    else if (!mp_method_in(route->methods, x->request.method))
        mp_refuse_method(r, route->methods);
    else if (let_through(r, route)) {
        settle_answer(r);
        take(r, route);
    }
}
