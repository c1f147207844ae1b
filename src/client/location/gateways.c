/* SPDX-License-Identifier: Apache-2.0 */
/* Asking gateways for the site's location data: which ones, in which order, and with which credential. */
#include "client/location/gateways.h"

#include <stdio.h>

#include "base/clock.h"
#include "client/location/document.h"
#include "client/location/health.h"
#include "client/session/refused.h"
#include "client/session/send.h"
#include "client/state/state.h"

enum { CLOCK_ALERT_S = 30 };

/* --- gateways: those set, then those that the site told of --- */

static bool has_gateway(const struct client_fqdns *l, const char *host, unsigned port)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->items[i].port == port && slice_eq_nocase(slice_of(l->items[i].host), slice_of(host)))
            return true;
    }
    return false;
}

void client_gateways_add(struct client_fqdns *list, const json_t *location)
{
    size_t i;
    json_t *o;
    json_array_foreach(json_object_get(location, "gateways"), i, o) {
        const char *host = json_opt_str(o, "host", "");
        int64_t port = json_opt_int(o, "port", 443);
        if (list->count == CLIENT_FQDNS_MAX || !*host || port < 1 || port > 65535 ||
            has_gateway(list, host, (unsigned)port))
            continue;
        struct client_fqdn *f = &list->items[list->count];
        *f = (struct client_fqdn){.port = (unsigned)port};
        if (slice_to_cstr(slice_of(host), f->host, sizeof f->host))
            list->count++;
    }
}

const struct client_fqdn *client_gateways_foremost(const char *dir, const struct client_fqdns *list)
{
    json_t *known = client_state_health(dir, CLIENT_STATE_GATEWAYS);
    const struct client_fqdn *best = list->count ? &list->items[0] : NULL;
    for (size_t i = 1; i < list->count; i++) {
        if (client_health_good(known, &list->items[i]) > client_health_good(known, best))
            best = &list->items[i];
    }
    json_decref(known);
    return best;
}

/* --- service metadata --- */

static const char *good_until(const char *token, int64_t expires, int64_t now)
{
    return token && expires > now ? token : NULL;
}

enum opening { OPENED_BY_NOTHING, OPENED, OPENING_FAILED };

/* The ways that open ServiceMetadata beside a certificate, in the order of preference: the tokens of the site that it
 * holds already (entra and token share the device's own key), its Entra token, its bulk token. */
enum { HELD_BY_METHOD = 2, WAY_ENTRA = 2 * HELD_BY_METHOD, WAY_BULK, WAYS };

static enum opening bearer_of(struct client_session *s, size_t way, const char **ret)
{
    const struct client_identity *id = &s->c->identity;
    const struct client_registration *r = &id->of[way / HELD_BY_METHOD ? CHOICE_TOKEN : CHOICE_ENTRA];
    int64_t now = clock_wall_s() + s->times.offset;
    *ret = NULL;
    if (way == WAY_ENTRA)
        return !s->held.entra.usable ? OPENED_BY_NOTHING : client_session_entra_token(s, ret) ? OPENED : OPENING_FAILED;
    if (way == WAY_BULK)
        *ret = id->bulk_token;
    else if (way % HELD_BY_METHOD == 0)
        *ret = good_until(r->access_token, r->access_expires, now);
    else
        *ret = good_until(r->device_token, r->device_expires, now);
    return *ret ? OPENED : OPENED_BY_NOTHING;
}

/* The first way from *way on; *way is it then. */
static enum opening bearer_from(struct client_session *s, struct client_call *call, size_t *way)
{
    call->method = CHOICE_TOKEN;
    for (; *way < WAYS; ++*way) {
        enum opening opening = bearer_of(s, *way, &call->bearer);
        if (opening != OPENED_BY_NOTHING)
            return opening;
    }
    return OPENED_BY_NOTHING;
}

static enum opening metadata_credential(struct client_session *s, struct client_call *call, size_t *way)
{
    call->method = CHOICE_PKI;
    return s->held.has_pki ? OPENED : bearer_from(s, call, way);
}

static void check_clock(const struct client_session *s, const json_t *answer)
{
    int64_t there = json_opt_int(answer, "time", 0), skew = there > 0 ? there - clock_wall_s() : 0;
    if (skew > CLOCK_ALERT_S || skew < -CLOCK_ALERT_S) /* one that tells no time says nothing of ours */
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN,
                    "This device's clock differs from the gateway's by %lld s", (long long)skew);
}

static bool take_metadata(struct client_session *s, const struct web_answer *a)
{
    json_t *root = NULL;
    const char *text = NULL;
    struct error err;
    enum result r = json_parse(buf_data(&a->body), WEB_ANSWER_MAX, &root, &err);
    if (r == OK)
        r = json_need_str(root, "signed", &text, &err);
    bool ok;
    if (r != OK) {
        (void)error_prefix(&err, "ServiceMetadata");
        ok = client_session_fail(s, "not_a_gateway", &err, "check what answers at the address in CMGFQDNs");
    } else {
        check_clock(s, root);
        ok = client_location_take(s, text);
    }
    json_decref(root);
    return ok;
}

static bool ask_gateway(struct client_session *s, struct client_call *call, long *ret_ms)
{
    struct web_answer answer;
    bool ok = client_session_send(s, call, &answer) && take_metadata(s, &answer);
    *ret_ms = answer.millis;
    web_answer_free(&answer);
    return ok;
}

/* It tells what the site did not sign, or signed long ago: it was broken into, or is none. */
static bool is_false(const struct web_outcome *o)
{
    return o->ending == WEB_LOCAL &&
           (strcmp(o->reason, "location_untrusted") == 0 || strcmp(o->reason, "not_a_gateway") == 0);
}

/* Another gateway may do better than one that can't be reached, or has no connection or no fresh bundle. */
static bool try_next_gateway(const struct web_outcome *o)
{
    return o->ending == WEB_UNREACHABLE || (o->ending == WEB_REFUSED && o->status >= 500) || is_false(o);
}

static bool ask_one(struct client_session *s, struct client_call *call, json_t *health)
{
    char authority[CLIENT_AUTHORITY_SIZE], why[256];
    long ms = 0;
    client_fqdn_authority(s->way.gateway, authority);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO,
                "Asking cloud management gateway"
                ": %s",
                authority);
    bool ok = ask_gateway(s, call, &ms), failed = !ok && try_next_gateway(&s->outcome);
    (void)snprintf(why, sizeof why, "%.64s: %.180s", s->outcome.reason, s->outcome.detail);
    if (!web_http_stopped())
        client_health_note(health, s->way.gateway, ms, failed ? why : NULL, clock_wall_s());
    if (ok)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_INFO,
                    "Current gateway"
                    ": %s",
                    authority);
    return ok;
}

/* What is told when all failed: the fault of the one that worked last, else of the first that was asked, and beside it
 * the words of the others, one of which may be there no more. */
struct failures {
    size_t count;
    struct web_outcome worst;
    const struct client_fqdn *whose;
    int64_t good;
    char others[300];
};

static void add_other(struct failures *f, const struct client_fqdn *whose, const struct web_outcome *o)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    size_t used = strlen(f->others);
    client_fqdn_authority(whose, authority);
    (void)snprintf(f->others + used, sizeof f->others - used, "; %.100s: %s", authority, o->reason);
}

static void note_failure(struct failures *f, const struct client_session *s, const json_t *health)
{
    int64_t good = client_health_good(health, s->way.gateway);
    if (f->count++ && good <= f->good) {
        add_other(f, s->way.gateway, &s->outcome);
        return;
    }
    if (f->whose)
        add_other(f, f->whose, &f->worst);
    f->worst = s->outcome;
    f->whose = s->way.gateway;
    f->good = good;
}

static void tell_failures(struct client_session *s, const struct failures *f)
{
    s->outcome = f->worst;
    s->way.gateway = f->whose;
    size_t used = strlen(s->outcome.detail), size = sizeof s->outcome.detail, more = strlen(f->others);
    if (used + more >= size)
        used = size - 1 - more;
    (void)snprintf(s->outcome.detail + used, size - used, "%s", f->others);
}

/* The best first, by what earlier requests were like. */
static bool ask_gateways(struct client_session *s, struct client_call *call)
{
    json_t *health = client_state_health(s->c->dir, CLIENT_STATE_GATEWAYS);
    struct failures failures = {.count = 0};
    struct error err;
    bool ok = false;
    client_health_sort(health, &s->way.gateways, clock_wall_s());
    for (size_t i = 0; i < s->way.gateways.count; i++) {
        s->way.gateway = &s->way.gateways.items[i];
        ok = ask_one(s, call, health);
        if (ok || !try_next_gateway(&s->outcome) || web_http_stopped())
            break;
        note_failure(&failures, s, health);
    }
    if (failures.count && failures.count == s->way.gateways.count)
        tell_failures(s, &failures);
    if (client_state_set_health(s->c->dir, CLIENT_STATE_GATEWAYS, health, &err) != OK)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "%s", err.text);
    json_decref(health);
    return ok;
}

void client_gateway_failed(const struct client_session *s)
{
    json_t *health = client_state_health(s->c->dir, CLIENT_STATE_GATEWAYS);
    struct error err;
    char why[256];
    (void)snprintf(why, sizeof why, "%.64s: %.180s", s->outcome.reason, s->outcome.detail);
    client_health_note(health, s->way.gateway, 0, why, clock_wall_s());
    if (client_state_set_health(s->c->dir, CLIENT_STATE_GATEWAYS, health, &err) != OK)
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "%s", err.text);
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "The gateway has no way inside, another one is asked: %s",
                why);
    json_decref(health);
}

/* A token that is not good here, as of a signing key that was retired; another one that the device holds may be. */
bool client_token_is_refused(const struct web_outcome *o)
{
    return o->ending == WEB_REFUSED && o->status == 401 && strstr(o->code, "_Invalid_Token");
}

/* With what else it holds, in its order. After "revoked" the site does not want the device: a bulk token that it was
 * given since is its way back. No token is dropped for it: what refuses may be a gateway that was broken into. */
static bool ask_with_other_tokens(struct client_session *s, struct client_call *call, size_t way)
{
    struct web_outcome first = s->outcome;
    while (call->method == CHOICE_TOKEN && way < WAY_BULK && client_token_is_refused(&s->outcome)) {
        way = web_outcome_final(&s->outcome) ? WAY_BULK : way + 1;
        if (bearer_from(s, call, &way) != OPENED)
            break;
        client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN, "The token was refused (%s); asking with %s",
                    first.reason, way == WAY_BULK ? "the bulk registration token" : "another one");
        s->outcome = (struct web_outcome){.ending = WEB_DONE};
        if (ask_gateways(s, call)) {
            s->tokens_refused = way == WAY_BULK;
            return true;
        }
    }
    s->outcome = first;
    return false;
}

/* A certificate that this gateway can't judge well, as of a PKI that the site does not use, says nothing of the other
 * methods yet: which one counts is chosen once the management points are known. A final refusal stays. */
static bool ask_without_certificate(struct client_session *s, struct client_call *call)
{
    struct web_outcome refusal = s->outcome;
    size_t way = 0;
    if (call->method != CHOICE_PKI || refusal.ending != WEB_REFUSED || refusal.status != 401 ||
        web_outcome_final(&refusal) || bearer_from(s, call, &way) != OPENED) {
        s->outcome = refusal;
        return false;
    }
    client_logf(&s->c->logs, CLIENT_LOG_LOCATION, LOG_WARN,
                "The certificate was refused; asking with a token where the management points are: %s", refusal.reason);
    s->outcome = (struct web_outcome){.ending = WEB_DONE};
    if (ask_gateways(s, call) || ask_with_other_tokens(s, call, way))
        return true;
    s->outcome = refusal;
    return false;
}

enum client_asked client_gateways_ask(struct client_session *s)
{
    struct client_call call = {.verb = "GET", .target = "/ServiceMetadata"};
    size_t way = 0;
    enum opening opening = metadata_credential(s, &call, &way);
    s->way.gateway = &s->way.gateways.items[0];
    if (opening != OPENED)
        return opening == OPENING_FAILED ? CLIENT_ASKED_IN_VAIN : CLIENT_ASKED_NOBODY;
    s->shown = true;
    bool ok = ask_gateways(s, &call) ||
              (call.method == CHOICE_PKI ? ask_without_certificate(s, &call) : ask_with_other_tokens(s, &call, way));
    return ok ? CLIENT_ASKED : CLIENT_ASKED_IN_VAIN;
}
