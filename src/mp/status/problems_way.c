/* SPDX-License-Identifier: Apache-2.0 */
/* Connectors, gateways and servers inside that are not reached, by what those who tried it say. */
#include "mp/status/problems_part.h"

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

static bool not_joined(const json_t *role)
{
    return !json_opt_bool(role, "joined", true);
}

/* Nothing else can be said of it. */
static void tell_not_joined(json_t *list, const json_t *role, const char *kind, const char *remedy)
{
    struct mp_problem p = {"not_joined", remedy};
    const char *id = json_opt_str(role, "id", "");
    int64_t until = json_opt_int(role, "joining", 0);
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(until, when);
    mp_problem_add(list, &p, id, "%s %s has not joined yet, and %s%s", kind, id,
                   until ? "its join string counts until " : "its join string has expired", until ? when : "");
}

/* It does not even start without: that it is silent follows. */
static bool lacks_certificate(const json_t *connector)
{
    return strcmp(json_opt_str(json_object_get(connector, "client_certificate"), "state", ""), "missing") == 0;
}

/* Returns how many connectors are heard of. */
size_t mp_problems_connectors(json_t *list, const json_t *status, int64_t now)
{
    static const struct mp_problem none = {"no_connector", "cmg connector add ID, and start cmg-connector inside"},
                                   quiet = {"connector_silent",
                                            "start cmg-connector there and read its log; its machine's clock must be "
                                            "right (date -u), and it must reach a management point "
                                            "(site_urls of its bootstrap file)"};
    const json_t *all = json_object_get(status, "connectors"), *c;
    size_t heard = 0, i;
    if (json_array_size(all) == 0)
        mp_problem_add(list, &none, "site", "the site has no connector, so no gateway reaches it");
    json_array_foreach(all, i, c) {
        char when[CLOCK_TEXT_SIZE];
        if (not_joined(c)) {
            tell_not_joined(list, c, "connector",
                            "run on its machine: cmg-connector join - (its string on standard input); another string: "
                            "cmg connector add ID --join");
            continue;
        }
        if (mp_role_silent(c, now) && lacks_certificate(c))
            continue; /* told below */
        if (mp_role_silent(c, now))
            mp_problem_add(list, &quiet, json_opt_str(c, "id", ""), "connector %s was last heard of: %s",
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
    json_array_foreach(json_object_get(status, "connectors"), i, c) {
        json_array_foreach(json_object_get(c, "gateways"), k, g) {
            if (!mp_role_silent(c, now) && strcmp(json_opt_str(g, "id", ""), gateway) == 0 &&
                json_opt_int(g, "up", 0) > 0)
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
    json_array_foreach(json_object_get(status, "connectors"), i, c) {
        json_array_foreach(json_object_get(c, "gateways"), k, g) {
            const char *error = json_opt_str(g, "error", "");
            if (*error && !mp_role_silent(c, now) && strcmp(json_opt_str(g, "id", ""), gateway) == 0 && used < size)
                used +=
                    (size_t)snprintf(ret + used, size - used, "; connector %s: %s", json_opt_str(c, "id", ""), error);
        }
    }
}

/* By what connectors say of it: the words of src/tls, src/net, src/pki and src/tunnel. The first that is said counts.
 */
static const char *remedy_away(const char *why)
{
    static const struct {
        const char *word, *remedy;
    } known[] = {
        {"not yet valid",
         "compare the clocks of the connector and the gateway with the time there is (date -u on both): "
         "set the wrong one, and let both follow a time service (NTP)"},
        {"has expired",
         "compare the clocks of both machines (date -u) and set the wrong one; if they are right, give the gateway a "
         "new role certificate: cmg gateway add ID --renew --out FILE, and start it with that file"},
        {"the peer is gateway",
         "another gateway of the site answers under this one's name and port: correct its DNS record or load balancer, "
         "or what the site knows: cmg gateway add ID --renew --host NAME --port N --out FILE, and start it with that "
         "file"},
        {"was withdrawn", "start the gateway with its newest bootstrap file, or make one: cmg gateway add ID --renew "
                          "--out FILE"},
        {"is not the site's",
         "something between connector and gateway breaks TLS open, the one whose issuer is named, or another "
         "server has that address: let it pass the connector through, or correct the gateway's name and "
         "port: cmg gateway list"},
        {"the proxy wants a login",
         "give the connector the proxy's login, user and password_file, or command, below proxy in connector.yaml (or "
         "in the URL of "
         "its environment's https_proxy, where that names the proxy), or correct it there; or let the proxy pass the "
         "gateway's name and port without one"},
        {"no login for the proxy",
         "mend what the connector takes its login from, which its words name: below proxy in connector.yaml"},
        {"the proxy lets nobody through",
         "let the proxy pass CONNECT to the gateway's name and port; or name the gateway in no_proxy below proxy in "
         "connector.yaml, where none is needed"},
        {"the proxy is not reached",
         "start the proxy, or correct its name and port: url below proxy in connector.yaml, else https_proxy in the "
         "environment of cmg-connector"},
        {"CONNECT",
         "what is named as the proxy (url below proxy in connector.yaml, else https_proxy in the environment "
         "of cmg-connector) does not serve CONNECT as a proxy does: correct it, or see the proxy's log"},
        {"no proxy that can be used",
         "what answers there is no HTTP proxy: correct url below proxy in connector.yaml, else https_proxy in the "
         "environment of cmg-connector"},
        {"does not resolve",
         "give the name of the gateway to the name servers where the connector runs, or correct it: cmg gateway add ID "
         "--renew --host NAME --out FILE, and start it with that file"},
        {" 407 ",
         "a proxy that wants a login answers where the gateway should: name it as the proxy (proxy: url, user, "
         "password_file in connector.yaml), or let the connector's machine reach the gateway's port by itself, or "
         "correct the gateway's name and port: cmg gateway list"},
        {"speaks no TLS",
         "a proxy or a server without TLS answers there: correct the gateway's name and port (cmg gateway list), or "
         "let what stands before it pass TCP on as it is"},
        {"wrong version number",
         "what answers there does not speak TLS: let a load balancer before the gateway pass TCP "
         "on as it is, without the PROXY protocol, and check the port"},
        {"does not speak",
         "what answers there is no gateway: correct its name and port (cmg gateway list), or let what "
         "stands before it pass TCP on as it is"},
        {"peer closed the connection during",
         "the gateway, or what stands before it, turned the connector away: the gateway's log says why (its limits by "
         "address; proxy_protocol: from in gateway.yaml names balancers alone, never a connector)"},
        {"ended TLS with the alert",
         "the gateway does not take the connector's role certificate: its log says why; compare the clocks of both "
         "machines (date -u), or give the connector a new one: cmg connector add ID --renew --out FILE, and start it "
         "with that file"},
        {"refused", "start cmg-gateway there (its log says why it ended), and check that it listens on the port that "
                    "is named"},
        {"in time", "something on the way drops the packets, or the gateway's machine is off: let TCP through from the "
                    "connector to the gateway's port at every firewall between them, and see that the address is the "
                    "gateway's"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strstr(why, known[i].word))
            return known[i].remedy;
    }
    return "start cmg-gateway there, and check its name, its port and the firewalls between connector and gateway";
}

/* Through connectors alone is anything heard of them. */
void mp_problems_gateways(json_t *list, const json_t *status, int64_t now)
{
    static const struct mp_problem none = {"no_gateway", "cmg gateway add ID --host NAME, and start cmg-gateway there"};
    const json_t *all = json_object_get(status, "gateways"), *g;
    size_t i;
    if (json_array_size(all) == 0)
        mp_problem_add(list, &none, "site", "the site has no gateway, so devices outside can't reach it");
    json_array_foreach(all, i, g) {
        const char *id = json_opt_str(g, "id", "");
        char when[CLOCK_TEXT_SIZE], why[300];
        if (not_joined(g)) {
            tell_not_joined(list, g, "gateway",
                            "run on its machine: cmg-gateway join - (its string on standard input); another string: "
                            "cmg gateway add ID --join; its port must be reached from the connector");
            continue;
        }
        why_away(status, id, now, why, sizeof why);
        struct mp_problem away = {"gateway_unreachable", remedy_away(why)};
        if (!has_tunnel(status, id, now))
            mp_problem_add(
                list, &away, id, "no connector has a tunnel to gateway %s (%.200s:%lld)%s; last heard of it: %s", id,
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

void mp_problems_servers_inside(json_t *list, const json_t *status, int64_t now)
{
    const json_t *c, *u;
    size_t i, k;
    json_array_foreach(json_object_get(status, "connectors"), i, c) {
        const json_t *all = json_object_get(c, "upstreams");
        json_array_foreach(all, k, u) {
            const char *id = json_opt_str(u, "id", ""), *reason = json_opt_str(u, "reason", "");
            const char *detail = json_opt_str(u, "detail", "");
            int64_t at = json_opt_int(u, "at", 0);
            char until[CLOCK_TEXT_SIZE];
            struct mp_problem p = {"endpoint_unreachable", remedy_inside(reason)};
            if (mp_role_silent(c, now) || now - at > MP_FAULT_FRESH_S || told_already(all, k, detail))
                continue;
            clock_rfc3339(at + MP_FAULT_FRESH_S, until); /* only who wants something of it finds that it is mended */
            mp_problem_add(
                list, &p, id,
                "connector %s gets no answer from endpoint %s: %s, %.400s (told until it answers, or until %s)",
                json_opt_str(c, "id", ""), id, reason, detail, until);
        }
    }
}
