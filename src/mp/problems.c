/* SPDX-License-Identifier: Apache-2.0 */
#include "mp/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "mp/content/put.h"
#include "mp/report.h"
#include "json/json.h"

struct problem {
    const char *cause, *remedy;
};

static void add(json_t *list, const struct problem *p, const char *of, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void add(json_t *list, const struct problem *p, const char *of, const char *fmt, ...)
{
    char found[700];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(found, sizeof found, fmt, args);
    va_end(args);
    json_t *text = json_string(found); /* NULL when it was cut within a letter */
    mp_push(list, json_pack("{s:s, s:s, s:o, s:s}", "cause", p->cause, "of", of, "found",
                            text ? text : json_string(p->cause), "remedy", p->remedy));
}

static bool silent(const json_t *role, int64_t now)
{
    return now - json_opt_int(role, "seen", 0) > MP_SILENT_S;
}

/* "never" or since when. */
static const char *last_heard(const json_t *role, char ret[CLOCK_TEXT_SIZE])
{
    int64_t seen = json_opt_int(role, "seen", 0);
    if (!seen)
        return "never";
    clock_rfc3339(seen, ret);
    return ret;
}

/* --- roles --- */

/* It does not even start without: that it is silent follows. */
static bool lacks_certificate(const json_t *connector)
{
    return strcmp(json_opt_str(json_object_get(connector, "client_certificate"), "state", ""), "missing") == 0;
}

/* Returns how many connectors are heard of. */
static size_t connectors(json_t *list, const json_t *status, int64_t now)
{
    static const struct problem none = {"no_connector", "cmg connector add ID, and start cmg-connector inside"},
                                quiet = {"connector_silent",
                                         "start cmg-connector there and read its log; it must reach a management point "
                                         "(site_urls of its bootstrap file)"};
    const json_t *all = json_object_get(status, "connectors"), *c;
    size_t heard = 0, i;
    if (json_array_size(all) == 0)
        add(list, &none, "site", "the site has no connector, so no gateway reaches it");
    json_array_foreach(all, i, c)
    {
        char when[CLOCK_TEXT_SIZE];
        if (silent(c, now) && lacks_certificate(c))
            continue; /* told below */
        if (silent(c, now))
            add(list, &quiet, json_opt_str(c, "id", ""), "connector %s was last heard of: %s",
                json_opt_str(c, "id", ""), last_heard(c, when));
        else
            heard++;
    }
    return heard;
}

/* Is some connector, which is heard of, in touch with this gateway? */
static bool has_tunnel(const json_t *status, const char *gateway, int64_t now)
{
    const json_t *c, *g;
    size_t i, k;
    json_array_foreach(json_object_get(status, "connectors"), i, c)
    {
        json_array_foreach(json_object_get(c, "gateways"), k, g)
        {
            if (!silent(c, now) && strcmp(json_opt_str(g, "id", ""), gateway) == 0 && json_opt_int(g, "up", 0) > 0)
                return true;
        }
    }
    return false;
}

/* What connectors say of their last try: "; connector cp1: …". */
static void why_away(const json_t *status, const char *gateway, int64_t now, char *ret, size_t size)
{
    const json_t *c, *g;
    size_t i, k, used = 0;
    ret[0] = '\0';
    json_array_foreach(json_object_get(status, "connectors"), i, c)
    {
        json_array_foreach(json_object_get(c, "gateways"), k, g)
        {
            const char *error = json_opt_str(g, "error", "");
            if (*error && !silent(c, now) && strcmp(json_opt_str(g, "id", ""), gateway) == 0 && used < size)
                used +=
                    (size_t)snprintf(ret + used, size - used, "; connector %s: %s", json_opt_str(c, "id", ""), error);
        }
    }
}

/* By what connectors say of it: the words of src/tls, src/net and src/tunnel. */
static const char *remedy_away(const char *why)
{
    static const struct {
        const char *word, *remedy;
    } known[] = {
        {"not yet valid", "set the clocks of the connector and the gateway by a time service (NTP)"},
        {"has expired",
         "check the clocks of both machines; if they are right, give the gateway a new role certificate: "
         "cmg gateway add ID --host NAME --renew --out FILE, and start it with that file"},
        {"issued by",
         "something between connector and gateway breaks TLS open, the one whose issuer is named, or another "
         "server has that address: let it pass the connector through, or correct the gateway's name and "
         "port: cmg gateway list"},
        {"is not the site's", "something between connector and gateway breaks TLS open, or another server has that "
                              "address: let it pass the connector through, or correct the gateway's name and port: cmg "
                              "gateway list"},
        {"does not resolve",
         "give the name of the gateway to the name servers where the connector runs, or correct it: "
         "cmg gateway list"},
        {"wrong version number",
         "what answers there does not speak TLS: let a load balancer before the gateway pass TCP "
         "on as it is, without the PROXY protocol, and check the port"},
        {"does not speak",
         "what answers there is no gateway: correct its name and port (cmg gateway list), or let what "
         "stands before it pass TCP on as it is"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strstr(why, known[i].word))
            return known[i].remedy;
    }
    return "start cmg-gateway there, and check its name, its port and the firewalls between connector and gateway";
}

/* Through connectors alone is anything heard of them. */
static void gateways(json_t *list, const json_t *status, int64_t now)
{
    static const struct problem none = {"no_gateway", "cmg gateway add ID --host NAME, and start cmg-gateway there"};
    const json_t *all = json_object_get(status, "gateways"), *g;
    size_t i;
    if (json_array_size(all) == 0)
        add(list, &none, "site", "the site has no gateway, so devices outside can't reach it");
    json_array_foreach(all, i, g)
    {
        const char *id = json_opt_str(g, "id", "");
        char when[CLOCK_TEXT_SIZE], why[300];
        why_away(status, id, now, why, sizeof why);
        struct problem away = {"gateway_unreachable", remedy_away(why)};
        if (!has_tunnel(status, id, now))
            add(list, &away, id, "no connector has a tunnel to gateway %s (%.200s:%lld)%s; last heard of it: %s", id,
                json_opt_str(g, "host", ""), (long long)json_opt_int(g, "port", 0), why, last_heard(g, when));
    }
}

/* --- servers inside --- */

static const char *remedy_inside(const char *reason)
{
    static const struct {
        const char *reason, *remedy;
    } known[] = {
        {"tls",
         "give the connector the CA that issued the server's certificate, for the name that it is asked by: anchors of "
         "the management point in mp.yaml, or cmg endpoint add ID --anchors FILE"},
        {"name", "correct the name in the endpoint's URL, or the name servers where the connector runs"},
        {"refused",
         "start the server, and check the host and port of the endpoint's URL (cmg endpoint list; url in mp.yaml) "
         "and the firewalls between it and the connector"},
        {"client_certificate_required",
         "give the connector a client certificate that this server takes, and register it: "
         "cmg connector certificate ID FILE"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(known[i].reason, reason) == 0)
            return known[i].remedy;
    }
    return "see the log of cmg-connector, and of the server, at that time";
}

/* A server has many endpoints: the first one stands for those that failed in the same words. */
static bool told_already(const json_t *all, size_t index, const char *detail)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(json_opt_str(json_array_get(all, i), "detail", ""), detail) == 0)
            return true;
    }
    return false;
}

static void servers_inside(json_t *list, const json_t *status, int64_t now)
{
    const json_t *c, *u;
    size_t i, k;
    json_array_foreach(json_object_get(status, "connectors"), i, c)
    {
        const json_t *all = json_object_get(c, "upstreams");
        json_array_foreach(all, k, u)
        {
            const char *id = json_opt_str(u, "id", ""), *reason = json_opt_str(u, "reason", "");
            const char *detail = json_opt_str(u, "detail", "");
            struct problem p = {"endpoint_unreachable", remedy_inside(reason)};
            if (!silent(c, now) && now - json_opt_int(u, "at", 0) <= MP_FAULT_FRESH_S && !told_already(all, k, detail))
                add(list, &p, id, "connector %s gets no answer from endpoint %s: %s, %.400s", json_opt_str(c, "id", ""),
                    id, reason, detail);
        }
    }
}

/* --- certificates --- */

static void connector_certificates(json_t *list, const json_t *status)
{
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(status, "connectors"), i, c)
    {
        const json_t *own = json_object_get(c, "client_certificate");
        const char *state = json_opt_str(own, "state", "");
        struct problem p = {"connector_certificate", json_opt_str(own, "remedy", "")};
        if (strcmp(state, "missing") == 0 || strcmp(state, "failed") == 0)
            add(list, &p, json_opt_str(c, "id", ""), "the client certificate of connector %s: %.500s",
                json_opt_str(c, "id", ""), json_opt_str(own, "detail", state));
    }
}

static void certificates(json_t *list, const json_t *status, int64_t now)
{
    static const struct problem
        ended = {"certificate_ended", "renew it, what it is for does not work without: cmg gateway add ID --host NAME "
                                      "--renew --out FILE, or cmg connector add ID --renew --out FILE, and start its "
                                      "program with that file; a server's or a PKI's certificate by who issued it"},
        soon = {"certificate_ends_soon", "renew it; role certificates renew themselves, so one of those means that its "
                                         "program can't reach the site"};
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(status, "certificates"), i, c)
    {
        int64_t left = json_opt_int(c, "not_after", 0) - now;
        const char *what = json_opt_str(c, "what", "");
        char when[CLOCK_TEXT_SIZE];
        clock_rfc3339(json_opt_int(c, "not_after", 0), when);
        if (left <= MP_ENDS_SOON_S)
            add(list, left <= 0 ? &ended : &soon, what, "%.300s %s on %s", what, left <= 0 ? "expired" : "expires",
                when);
    }
}

/* --- what devices' certificates are judged by --- */

enum ending { OF_NO_USE, ENDED, ENDS_SOON };

static const struct {
    const char *kind;
    struct problem problems[3]; /* by enum ending */
} trust_problems[] = {
    {"crl",
     {{"list_unusable", "give that CA's certificate (cmg trust add --intermediate FILE), or take the list away: cmg "
                        "trust remove ID (cmg trust list)"},
      {"list_ended", "give the CA's newest list: cmg trust add --crl FILE; or let it be fetched: cmg trust add "
                     "--crl-source ID --url URL"},
      {"list_ends_soon", "give the CA's next list in time: cmg trust add --crl FILE; or let it be fetched: cmg trust "
                         "add --crl-source ID --url URL"}}},
    {"anchor",
     {{"anchor_unusable", "give the CA's own certificate: cmg trust add --anchor FILE; and take this one away: cmg "
                          "trust remove ID (cmg trust list)"},
      {"anchor_ended", "give the CA's newer certificate: cmg trust add --anchor FILE"},
      {"anchor_ends_soon", "give the CA's newer certificate in time: cmg trust add --anchor FILE"}}},
    {"intermediate",
     {{"intermediate_unusable",
       "take it away: cmg trust remove ID (cmg trust list); a root is added with cmg trust add "
       "--anchor FILE"},
      {"intermediate_ended", "give the CA's newer certificate: cmg trust add --intermediate FILE"},
      {"intermediate_ends_soon", "give the CA's newer certificate in time: cmg trust add --intermediate FILE"}}},
};

static void trust_item(json_t *list, const json_t *t, const struct problem problems[3], const char *what, int64_t now)
{
    static const char *const verbs[] = {[ENDED] = "expired", [ENDS_SOON] = "expires"};
    int64_t until = json_opt_int(t, "not_after", 0);
    const char *subject = json_opt_str(t, "subject", ""), *scope = json_opt_str(t, "scope", ""),
               *fault = json_opt_str(t, "fault", ""), *of = *subject ? subject : json_opt_str(t, "id", "");
    enum ending how = *fault ? OF_NO_USE : until < now ? ENDED : ENDS_SOON;
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(until, when);
    if (how == OF_NO_USE)
        add(list, &problems[how], of, "%s %.200s%s%.100s is of no use as such: %.200s", what, subject,
            *scope ? ", " : "", scope, fault);
    else
        add(list, &problems[how], of, "%s %.200s%s%.100s %s on %s", what, subject, *scope ? ", " : "", scope,
            verbs[how], when);
}

static void trust(json_t *list, const json_t *status, int64_t now)
{
    const json_t *t;
    size_t i;
    json_array_foreach(json_object_get(status, "trust"), i, t)
    {
        const char *kind = json_opt_str(t, "kind", "");
        for (size_t k = 0; k < ARRAY_LEN(trust_problems); k++) {
            if (strcmp(kind, trust_problems[k].kind) == 0)
                trust_item(list, t, trust_problems[k].problems, k ? kind : "the uploaded list of", now);
        }
    }
}

/* --- what gateways fetch --- */

static void sources(json_t *list, const json_t *status, int64_t now)
{
    static const struct problem ended = {"list_ended",
                                         "publish a new list; until then what it says can't be relied on, and "
                                         "on_unavailable decides"},
                                failing = {
                                    "source_failing",
                                    "check the address (cmg source list) and who publishes it; a list of another CA or "
                                    "scope is given by a source with a name of its own"};
    const json_t *g, *s;
    size_t i, k;
    json_array_foreach(json_object_get(status, "gateways"), i, g)
    {
        json_array_foreach(json_object_get(g, "sources"), k, s)
        {
            /* One that a certificate points to has no name that anybody gave it. */
            const char *id = json_opt_str(s, json_opt_bool(s, "pointed", false) ? "url" : "id", "");
            int64_t until = json_opt_int(s, "until", 0);
            if (json_opt_int(s, "failures", 0) > 0)
                add(list, &failing, id, "source %s failed %lld times at gateway %s: %.300s", id,
                    (long long)json_opt_int(s, "failures", 0), json_opt_str(g, "id", ""), json_opt_str(s, "error", ""));
            else if (until && until <= now)
                add(list, &ended, id, "what source %s gave has expired, at gateway %s", id, json_opt_str(g, "id", ""));
        }
    }
}

/* Much of the rest follows when the store takes nothing: also what gateways and connectors report. */
static void own_fault(json_t *list, const json_t *status, int64_t now)
{
    static const struct problem
        fault = {"mp_fault", "see the log of cmg-mp"},
        full = {"store_full", "make room on the file system that holds `state` of mp.yaml, or on the database "
                              "server's; nothing can be changed until then"},
        gone = {"store_gone", "stop cmg-mp, put the store back (a backup: docs/operations.md), start it "
                              "again; nothing can be changed until then"};
    const json_t *f = json_object_get(status, "fault");
    const char *text = json_opt_str(f, "text", "");
    char when[CLOCK_TEXT_SIZE];
    if (!json_is_object(f) || now - json_opt_int(f, "at", 0) > MP_FAULT_FRESH_S)
        return;
    clock_rfc3339(json_opt_int(f, "at", 0), when);
    bool is_full = strstr(text, "full") || strstr(text, "No space");
    add(list,
        is_full                               ? &full
        : strstr(text, "deleted or replaced") ? &gone
                                              : &fault,
        "site", "the management point fails by a fault of its own, last at %s: %.400s", when, text);
}

/* --- of gateways and connectors alike --- */

static void clock_of(json_t *list, const json_t *role, const char *kind)
{
    static const struct problem skew = {"clock_skew",
                                        "let both machines follow a time service (NTP): certificates, tokens "
                                        "and signatures are judged by their clocks"};
    long long ahead = (long long)json_opt_int(role, "ahead_s", 0);
    const char *id = json_opt_str(role, "id", "");
    if (llabs(ahead) > MP_SKEW_S)
        add(list, &skew, id, "the clock of %s %s is %lld s %s the site's", kind, id, llabs(ahead),
            ahead > 0 ? "ahead of" : "behind");
}

static void state_of(json_t *list, const json_t *role, const char *kind)
{
    static const struct problem lost = {"state_not_kept",
                                        "do that on its machine (`state` of its configuration); until then it forgets, "
                                        "when it is started again, what the site told it since"};
    const char *id = json_opt_str(role, "id", ""), *fault = json_opt_str(role, "state_fault", "");
    if (*fault)
        add(list, &lost, id, "%s %s can't keep its state: %.500s", kind, id, fault);
}

/* Its own clock, or that of the site as it signed; or an older copy of the store, while numbers are not yet above. */
static void refused_by(json_t *list, const json_t *role, const char *kind)
{
    static const struct problem refused = {
        "document_refused", "compare the clocks of that machine and of the site; cmg-mp signs anew "
                            "within a minute of its clock's being right, and the next document is taken"};
    const char *id = json_opt_str(role, "id", ""), *why = json_opt_str(role, "document_refused", "");
    if (*why)
        add(list, &refused, id, "%s %s refuses what the site signed, and goes on with what it has: %.500s", kind, id,
            why);
}

static void went_back(json_t *list, const json_t *status)
{
    static const struct problem lifted = {"store_went_back",
                                          "put the newer copy of the store back if there is one; else make again what "
                                          "was changed since this one (blocks, removals, endpoints, policies), and let "
                                          "devices that registered since register again; then: cmg "
                                          "restore done"},
                                unbelievable = {
                                    "store_went_back",
                                    "that number is over a year ahead of the time, so the site does not go above it: "
                                    "end that program, remove what it keeps in its `state` folder, start it again, and "
                                    "look whether somebody else is in that machine; then: cmg restore done"};
    const json_t *w = json_object_get(status, "went_back");
    char when[CLOCK_TEXT_SIZE];
    if (!json_is_object(w))
        return;
    clock_rfc3339(json_opt_int(w, "at", 0), when);
    add(list, json_opt_bool(w, "believed", true) ? &lifted : &unbelievable, "site",
        "%s holds document %lld of this site, but the store gave none above %lld when that was heard, at %s: an older "
        "copy of the store is in use",
        json_opt_str(w, "whom", ""), (long long)json_opt_int(w, "held", 0), (long long)json_opt_int(w, "own", 0), when);
}

/* Of those who are heard of. */
static void roles(json_t *list, const json_t *status, int64_t now,
                  void (*judge)(json_t *list, const json_t *role, const char *kind))
{
    static const char *const kinds[][2] = {{"gateways", "gateway"}, {"connectors", "connector"}};
    const json_t *role;
    size_t i;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        json_array_foreach(json_object_get(status, kinds[k][0]), i, role)
        {
            if (!silent(role, now))
                judge(list, role, kinds[k][1]);
        }
    }
}

static void devices(json_t *list, const json_t *status)
{
    static const struct problem waiting = {"approval_pending",
                                           "cmg device list says why; then cmg device approve GUID, or cmg device "
                                           "remove GUID; all of them: cmg device remove --pending"},
                                cloned = {
                                    "cloned",
                                    "a copy of the device's state: register it anew with a key of its own; if the "
                                    "machine got other hardware: cmg device approve GUID; if neither: cmg device "
                                    "block GUID"};
    const json_t *all = json_object_get(status, "devices"), *d;
    const json_t *first = json_array_get(json_object_get(status, "waiting"), 0);
    long long n = (long long)json_opt_int(all, "pending", 0);
    const char *guid = json_opt_str(first, "guid", ""), *why = json_opt_str(first, "reason", "");
    size_t i;
    json_array_foreach(json_object_get(status, "cloned"), i, d)
        add(list, &cloned, json_opt_str(d, "guid", ""),
            "the key of device %.128s (%s) came with two hardware ids: %.128s and %.128s", json_opt_str(d, "name", ""),
            json_opt_str(d, "guid", ""), json_opt_str(d, "hardware_id", ""), json_opt_str(d, "other_hardware", ""));
    if (n > 0)
        add(list, &waiting, "devices", "%lld %s for approval%s%s%s%.300s", n, n == 1 ? "device waits" : "devices wait",
            *guid ? (n == 1 ? ": " : "; the first: ") : "", guid, *why ? ", " : "", why);
}

/* The server believes names of whichever PKI, and several are trusted by now. */
static void headers_left_out(json_t *list, const json_t *status)
{
    static const struct problem left_out = {
        "headers_left_out",
        "name the anchors that count there: cmg endpoint set ID --client-anchors IDS (cmg trust list)"};
    const json_t *e;
    size_t i;
    json_array_foreach(json_object_get(status, "headers_left_out"), i, e)
        add(list, &left_out, json_opt_str(e, "endpoint", ""),
            "the server behind endpoint %.64s gets no %.16s fields: several anchors are trusted, and the endpoint does "
            "not say which of them counts",
            json_opt_str(e, "endpoint", ""), json_opt_str(e, "headers", ""));
}

json_t *mp_problems(const json_t *status, int64_t now)
{
    static const struct problem no_point = {"no_management_point", "configure one in mp.yaml and start cmg-mp"};
    json_t *list = json_array();
    own_fault(list, status, now);
    went_back(list, status);
    if (json_array_size(json_object_get(status, "management_points")) == 0)
        add(list, &no_point, "site", "the site has no management point");
    if (connectors(list, status, now) > 0 || json_array_size(json_object_get(status, "gateways")) == 0)
        gateways(list, status, now); /* while no connector is heard of, nothing can be said of gateways */
    roles(list, status, now, state_of);
    connector_certificates(list, status);
    servers_inside(list, status, now);
    certificates(list, status, now);
    trust(list, status, now);
    sources(list, status, now);
    roles(list, status, now, refused_by);
    roles(list, status, now, clock_of); /* PROTOCOL 5 */
    headers_left_out(list, status);
    devices(list, status);
    return list;
}
