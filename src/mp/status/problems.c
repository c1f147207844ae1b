/* SPDX-License-Identifier: Apache-2.0 */
/* The order of causes; the looking is in problems_way.c, problems_clock.c and problems_trust.c. Pure. */
#include "mp/status/problems_part.h"

/* Much of the rest follows when the store takes nothing: also what gateways and connectors report. */
static void own_fault(json_t *list, const json_t *status, int64_t now)
{
    static const struct mp_problem
        fault = {"mp_fault", "see the log of cmg-mp"},
        full = {"store_full", "make room on the file system that holds `state` of mp.yaml, or on the database "
                              "server's; nothing can be changed until then"},
        gone = {"store_gone", "stop cmg-mp, put the store back (a backup: docs/operations.md), start it "
                              "again; nothing can be changed until then"};
    const json_t *f = json_object_get(status, "fault");
    const char *text = json_opt_str(f, "text", "");
    char when[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];
    if (!json_is_object(f) || now - json_opt_int(f, "at", 0) > MP_FAULT_FRESH_S)
        return;
    clock_rfc3339(json_opt_int(f, "at", 0), when);
    clock_rfc3339(json_opt_int(f, "at", 0) + MP_FAULT_FRESH_S, until);
    bool is_full = strstr(text, "full") || strstr(text, "No space");
    mp_problem_add(
        list,
        is_full                               ? &full
        : strstr(text, "deleted or replaced") ? &gone
                                              : &fault,
        "site",
        "the management point fails by a fault of its own, last at %s: %.400s (told until %s, or, of the store, until "
        "a report is kept again)",
        when, text, until);
}

/* --- of gateways and connectors alike --- */

static void state_of(json_t *list, const json_t *role, const char *kind)
{
    static const struct mp_problem lost = {
        "state_not_kept", "do that on its machine (`state` of its configuration); until then it forgets, "
                          "when it is started again, what the site told it since"};
    const char *id = json_opt_str(role, "id", ""), *fault = json_opt_str(role, "state_fault", "");
    if (*fault)
        mp_problem_add(list, &lost, id, "%s %s can't keep its state: %.500s", kind, id, fault);
}

/* Of a small file system a larger part is to be left. Once it is full, nothing is kept any more. */
static bool nearly_full(int64_t left, int64_t size)
{
    static const struct {
        int64_t less_than, part;
    } steps[] = {{64ll << 20, 10}, {1024ll << 20, 50}};
    bool ret = false;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        ret = ret || (left < steps[i].less_than && left < size / steps[i].part);
    return ret;
}

static void room_of(json_t *list, const json_t *o, const char *id, const char *whose)
{
    static const struct mp_problem p = {
        "disk_nearly_full", "make room on the file system that holds `state` of its configuration; once it is full, "
                            "nothing that it is told is kept, and of the site nothing can be changed"};
    int64_t space = json_opt_int(o, "disk_free", 0), size = json_opt_int(o, "disk_size", 0);
    if (nearly_full(space, size))
        mp_problem_add(list, &p, id, "the file system under the state of %s has %lld MiB left of %lld", whose,
                       (long long)(space >> 20), (long long)(size >> 20));
}

static void room_of_role(json_t *list, const json_t *role, const char *kind)
{
    const char *id = json_opt_str(role, "id", "");
    char whose[100];
    (void)snprintf(whose, sizeof whose, "%s %.64s", kind, id);
    if (!*json_opt_str(role, "state_fault", "")) /* which says more */
        room_of(list, role, id, whose);
}

/* Its own clock, or that of the site as it signed; or an older copy of the store, while numbers are not yet above. */
static void refused_by(json_t *list, const json_t *role, const char *kind)
{
    static const struct mp_problem refused = {
        "document_refused", "compare the clocks of that machine and of the site; cmg-mp signs anew "
                            "within a minute of its clock's being right, and the next document is taken"};
    const char *id = json_opt_str(role, "id", ""), *why = json_opt_str(role, "document_refused", "");
    if (*why)
        mp_problem_add(list, &refused, id, "%s %s refuses what the site signed, and goes on with what it has: %.500s",
                       kind, id, why);
}

/* A string that somebody else used is a theft, or a machine that was set up twice. */
static void join_refused(json_t *list, const json_t *status, int64_t now)
{
    static const struct mp_problem refused = {
        "join_refused", "if nobody of yours used that string before: cmg connector remove ID (or gateway), which "
                        "withdraws what was issued by it, and make another with --join; else make another with --join "
                        "--renew"};
    const json_t *j = json_object_get(status, "join_refused");
    int64_t at = json_opt_int(j, "at", 0);
    char when[CLOCK_TEXT_SIZE];
    if (!json_is_object(j) || now - at > MP_FAULT_FRESH_S)
        return;
    clock_rfc3339(at, when);
    mp_problem_add(list, &refused, json_opt_str(j, "of", ""), "a machine may not join as %.400s (at %s)",
                   json_opt_str(j, "text", ""), when);
}

static void went_back(json_t *list, const json_t *status)
{
    static const struct mp_problem
        lifted = {"store_went_back", "put the newer copy of the store back if there is one; else make again what "
                                     "was changed since this one (blocks, removals, endpoints, policies), and let "
                                     "devices that registered since register again; then: cmg restore done"},
        unbelievable = {"store_went_back",
                        "that number is over a year ahead of the time, so the site does not go above it: "
                        "end that program, remove what it keeps in its `state` folder, start it again, and "
                        "look whether somebody else is in that machine; then: cmg restore done"};
    const json_t *w = json_object_get(status, "went_back");
    char when[CLOCK_TEXT_SIZE];
    if (!json_is_object(w))
        return;
    clock_rfc3339(json_opt_int(w, "at", 0), when);
    mp_problem_add(
        list, json_opt_bool(w, "believed", true) ? &lifted : &unbelievable, "site",
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
        json_array_foreach(json_object_get(status, kinds[k][0]), i, role) {
            if (!mp_role_silent(role, now))
                judge(list, role, kinds[k][1]);
        }
    }
}

/* The server believes names of whichever PKI, and several are trusted by now. */
static void headers_left_out(json_t *list, const json_t *status)
{
    static const struct mp_problem left_out = {
        "headers_left_out",
        "name the anchors that count there: cmg endpoint set ID --client-anchors IDS (cmg trust list)"};
    const json_t *e;
    size_t i;
    json_array_foreach(json_object_get(status, "headers_left_out"), i, e)
        mp_problem_add(
            list, &left_out, json_opt_str(e, "endpoint", ""),
            "the server behind endpoint %.64s gets no %.16s fields: several anchors are trusted, and the endpoint does "
            "not say which of them counts",
            json_opt_str(e, "endpoint", ""), json_opt_str(e, "headers", ""));
}

/* Whom the site would tell of all the rest. */
static void alerts(json_t *list, const json_t *status)
{
    static const struct mp_problem failing = {
        "alerts_failing", "mend what is said, then: cmg alerts test ID; what could not be told is told as soon as the "
                          "server takes it, within an hour at most"};
    const json_t *a;
    size_t i;
    json_array_foreach(json_object_get(status, "alerts"), i, a) {
        long long failures = (long long)json_opt_int(a, "failures", 0);
        const char *id = json_opt_str(a, "id", "");
        if (failures > 0)
            mp_problem_add(list, &failing, id, "alerts can't be sent to %.64s (%s), which was tried %lld times: %.500s",
                           id, json_opt_str(a, "kind", ""), failures, json_opt_str(a, "fault", ""));
    }
}

json_t *mp_problems(const json_t *status, int64_t now)
{
    static const struct mp_problem no_point = {"no_management_point", "configure one in mp.yaml and start cmg-mp"};
    json_t *list = json_array();
    own_fault(list, status, now);
    went_back(list, status);
    if (json_array_size(json_object_get(status, "management_points")) == 0)
        mp_problem_add(list, &no_point, "site", "the site has no management point");
    if (mp_problems_connectors(list, status, now) > 0 || json_array_size(json_object_get(status, "gateways")) == 0)
        mp_problems_gateways(list, status, now); /* while no connector is heard of, nothing can be said of gateways */
    alerts(list, status);
    join_refused(list, status, now);
    roles(list, status, now, state_of);
    room_of(list, status, "site", "the site (cmg-mp)");
    roles(list, status, now, room_of_role);
    mp_problems_connector_certificates(list, status);
    mp_problems_servers_inside(list, status, now);
    mp_problems_certificates(list, status, now);
    roles(list, status, now, mp_problems_server_certificates);
    mp_problems_trust(list, status, now);
    mp_problems_sources(list, status, now);
    roles(list, status, now, refused_by);
    mp_problems_clocks(list, status, now); /* PROTOCOL 5 */
    headers_left_out(list, status);
    roles(list, status, now, mp_problems_refusals);
    mp_problems_devices(list, status, now);
    return list;
}
