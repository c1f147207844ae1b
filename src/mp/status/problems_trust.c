/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that end, and what certificates are judged by: lists, anchors, sources. */
#include "mp/status/problems_part.h"

/* --- certificates --- */

void mp_problems_connector_certificates(json_t *list, const json_t *status)
{
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(status, "connectors"), i, c) {
        const json_t *own = json_object_get(c, "client_certificate");
        const char *state = json_opt_str(own, "state", "");
        struct mp_problem p = {"connector_certificate", json_opt_str(own, "remedy", "")};
        if (strcmp(state, "missing") == 0 || strcmp(state, "failed") == 0)
            mp_problem_add(list, &p, json_opt_str(c, "id", ""), "the client certificate of connector %s: %.500s",
                           json_opt_str(c, "id", ""), json_opt_str(own, "detail", state));
    }
}

/* By the words that the status begins with; %s is what follows them. */
static const struct {
    const char *what, *remedy;
} renewals[] = {
    {"gateway ", "make it a new one, and start cmg-gateway with that file: cmg gateway add %s --renew --out FILE"},
    {"connector ",
     "a connector renews it by itself while it reaches the site: see its log; once it has expired, make it a "
     "new one, and start cmg-connector with that file: cmg connector add %s --renew --out FILE"},
    {"PKI certificate of connector ", "let the PKI issue a new one, put it where connector.yaml says, and register it: "
                                      "cmg connector certificate %s FILE"},
    {"server certificate of gateway ", "let its CA issue a new one, and put it into its file (server_certificates of "
                                       "gateway.yaml): it is read within 10 s"},
    {"management point ",
     "let its CA issue a new one, put it into the file that mp.yaml names, and start cmg-mp again"},
    {"signing key for tokens", "cmg keys new --dir DIR, and an hour later cmg keys activate --dir DIR"},
    {"signing key for bundles",
     "cmg keys new --dir DIR --use bundle, and an hour later cmg keys activate --dir DIR --use "
     "bundle"},
    {"signing key for policies",
     "cmg keys new --dir DIR --use policy, and an hour later cmg keys activate --dir DIR --use "
     "policy"},
    {"", "what it is for does not work without it: renew it"},
};

static void tell_renewal(const char *what, char *ret, size_t size)
{
    size_t i = 0;
    while (strncmp(what, renewals[i].what, strlen(renewals[i].what)) != 0) /* the last one is everything's */
        i++;
    (void)snprintf(ret, size, renewals[i].remedy, what + strlen(renewals[i].what));
}

void mp_problems_certificates(json_t *list, const json_t *status, int64_t now)
{
    const json_t *c;
    size_t i;
    json_array_foreach(json_object_get(status, "certificates"), i, c) {
        int64_t ends = json_opt_int(c, "not_after", 0), newer = json_opt_int(c, "newer", 0);
        const char *what = json_opt_str(c, "what", "");
        char when[CLOCK_TEXT_SIZE], remedy[400] = "start it with its newest bootstrap file, which is made already";
        struct mp_problem p = {ends <= now ? "certificate_ended" : "certificate_ends_soon", remedy};
        if (ends - now > MP_ENDS_SOON_S)
            continue;
        if (!newer)
            tell_renewal(what, remedy, sizeof remedy);
        clock_rfc3339(ends, when);
        mp_problem_add(list, &p, what, "%.300s %s on %s%s", what, ends <= now ? "expired" : "expires", when,
                       newer ? ": it still uses that certificate, and not the newer one" : "");
    }
}

static void name_missing(json_t *list, const json_t *gateway, const json_t *missing)
{
    static const struct mp_problem
        own = {"server_name_missing",
               "give the gateway a certificate for this name (server_certificates of gateway.yaml; it is read within "
               "10 s), or correct the name: cmg gateway add ID --renew --host NAME --out FILE, and start it with that "
               "file"},
        published = {"server_name_missing",
                     "give the gateway a certificate for this host, too (server_certificates of gateway.yaml takes "
                     "several; it is read within 10 s), or unpublish it: cmg endpoint remove ID"};
    const char *id = json_opt_str(gateway, "id", ""), *host = json_opt_str(missing, "host", "");
    const char *endpoint = json_opt_str(missing, "endpoint", NULL);
    if (endpoint)
        mp_problem_add(list, &published, endpoint,
                       "gateway %s has no server certificate for %.255s, the host of endpoint %.64s: clients refuse "
                       "what it shows there",
                       id, host, endpoint);
    else
        mp_problem_add(list, &own, id,
                       "gateway %s has no server certificate for its own name, %.255s: devices refuse what it shows",
                       id, host);
}

void mp_problems_server_certificates(json_t *list, const json_t *gateway, const char *kind)
{
    static const struct mp_problem unread = {
        "certificate_unread",
        "mend what is named on its machine; its files are read again within 10 s of a change, and "
        "by SIGHUP"};
    static const struct mp_problem not_issued = {
        "certificate_not_issued", "mend what is said, on its machine: does each name lead there, is TCP port 443 open "
                                  "to everybody? It asks again "
                                  "by itself twice a day; at once, as root: cmg-gateway certificate --renew --now"};
    const char *id = json_opt_str(gateway, "id", ""), *fault = json_opt_str(gateway, "certificate_fault", ""),
               *refused = json_opt_str(gateway, "acme_fault", "");
    const json_t *missing;
    size_t i;
    if (*fault)
        mp_problem_add(list, &unread, id,
                       "%s %s goes on with the server certificates that it had, for the new ones can't be used: %.500s",
                       kind, id, fault);
    if (*refused)
        mp_problem_add(list, &not_issued, id, "%s %s has not got its next server certificate: %.500s", kind, id,
                       refused);
    json_array_foreach(json_object_get(gateway, "names_missing"), i, missing)
        name_missing(list, gateway, missing);
}

/* --- what devices' certificates are judged by --- */

enum ending { OF_NO_USE, ENDED, ENDS_SOON };

static const struct {
    const char *kind;
    struct mp_problem problems[3]; /* by enum ending */
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

static void trust_item(json_t *list, const json_t *t, const struct mp_problem problems[3], const char *what,
                       int64_t now)
{
    static const char *const verbs[] = {[ENDED] = "expired", [ENDS_SOON] = "expires"};
    int64_t until = json_opt_int(t, "not_after", 0);
    const char *subject = json_opt_str(t, "subject", ""), *scope = json_opt_str(t, "scope", ""),
               *fault = json_opt_str(t, "fault", ""), *of = *subject ? subject : json_opt_str(t, "id", "");
    enum ending how = *fault ? OF_NO_USE : until < now ? ENDED : ENDS_SOON;
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(until, when);
    if (how == OF_NO_USE)
        mp_problem_add(list, &problems[how], of, "%s %.200s%s%.100s is of no use as such: %.200s", what, subject,
                       *scope ? ", " : "", scope, fault);
    else
        mp_problem_add(list, &problems[how], of, "%s %.200s%s%.100s %s on %s", what, subject, *scope ? ", " : "", scope,
                       verbs[how], when);
}

void mp_problems_trust(json_t *list, const json_t *status, int64_t now)
{
    const json_t *t;
    size_t i;
    json_array_foreach(json_object_get(status, "trust"), i, t) {
        const char *kind = json_opt_str(t, "kind", "");
        for (size_t k = 0; k < ARRAY_LEN(trust_problems); k++) {
            if (strcmp(kind, trust_problems[k].kind) == 0)
                trust_item(list, t, trust_problems[k].problems, k ? kind : "the uploaded list of", now);
        }
    }
}

/* --- what gateways fetch --- */

/* Publishers replace a list before it ends, and most leave a tenth of its life for that: less than half of what is
 * left then says that the next one is late. */
static bool is_late(const json_t *source, int64_t now)
{
    int64_t since = json_opt_int(source, "since", 0), until = json_opt_int(source, "until", 0);
    return since > 0 && until > now && until - now < (until - since) / 20;
}

static void tell_late(json_t *list, const json_t *source, const char *id, const char *where)
{
    static const struct mp_problem late = {
        "list_ends_soon", "let its publisher make the next list, and see that it comes to this address: when this one "
                          "has expired, on_unavailable decides"};
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(json_opt_int(source, "until", 0), when);
    mp_problem_add(list, &late, id, "what source %s gave, %s, ends on %s, and there is no newer one", id, where, when);
}

/* `where`: "at gateway gw1". */
static void tell_source(json_t *list, const json_t *source, const char *where, int64_t now)
{
    static const struct mp_problem
        ended = {"list_ended", "publish a new list; until then what it says can't be relied on, and "
                               "on_unavailable decides"},
        failing = {"source_failing",
                   "look at its address (cmg source list), who publishes it, and the way there from who fetches it; a "
                   "wrong address is corrected by adding the source once more under the same name, and a list of "
                   "another CA or scope is given by a source with a name of its own"};
    /* One that a certificate points to has no name that anybody gave it. */
    const char *id = json_opt_str(source, json_opt_bool(source, "pointed", false) ? "url" : "id", "");
    int64_t until = json_opt_int(source, "until", 0);
    if (json_opt_int(source, "failures", 0) > 0)
        mp_problem_add(list, &failing, id, "source %s failed %lld times %s: %.300s", id,
                       (long long)json_opt_int(source, "failures", 0), where, json_opt_str(source, "error", ""));
    else if (until && until <= now)
        mp_problem_add(list, &ended, id, "what source %s gave has expired, %s", id, where);
    else if (is_late(source, now))
        tell_late(list, source, id, where);
}

void mp_problems_sources(json_t *list, const json_t *status, int64_t now)
{
    const json_t *g, *s;
    size_t i, k;
    json_array_foreach(json_object_get(status, "own_sources"), i, s)
        tell_source(list, s, "at the management point, which fetches keys itself", now);
    json_array_foreach(json_object_get(status, "gateways"), i, g) {
        char where[100];
        (void)snprintf(where, sizeof where, "at gateway %.64s", json_opt_str(g, "id", ""));
        json_array_foreach(json_object_get(g, "sources"), k, s)
            tell_source(list, s, where, now);
    }
}
