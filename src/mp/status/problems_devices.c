/* SPDX-License-Identifier: Apache-2.0 */
/* Devices about which an administrator has to say something, or that soon can't come back by themselves. */
#include "mp/status/problems_part.h"

static void waiting_and_cloned(json_t *list, const json_t *status)
{
    static const struct mp_problem waiting = {"approval_pending",
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
        mp_problem_add(list, &cloned, json_opt_str(d, "guid", ""),
                       "the key of device %.128s (%s) came with two hardware ids: %.128s and %.128s",
                       json_opt_str(d, "name", ""), json_opt_str(d, "guid", ""), json_opt_str(d, "hardware_id", ""),
                       json_opt_str(d, "other_hardware", ""));
    if (n > 0)
        mp_problem_add(list, &waiting, "devices", "%lld %s for approval%s%s%s%.300s", n,
                       n == 1 ? "device waits" : "devices wait", *guid ? (n == 1 ? ": " : "; the first: ") : "", guid,
                       *why ? ", " : "", why);
}

/* Of those with a token that is the last one: from `dies` on it is not even renewed (setting renewal_grace). */
static void token_of(json_t *list, const json_t *d, int64_t more, int64_t now)
{
    static const struct mp_problem
        soon = {"token_ends_soon",
                "switch the device on where it reaches the gateway or a management point before that "
                "day: cmg-client run --once on it renews the token; if it is no more: cmg device "
                "remove GUID"},
        ended = {"token_ended", "register the device anew: cmg token new, and on the device cmg-client register "
                                "--token-file FILE; if it is no more: cmg device remove GUID"};
    const char *guid = json_opt_str(d, "guid", "");
    int64_t dies = json_opt_int(d, "dies", 0), seen = json_opt_int(d, "seen", 0);
    char when[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE], others[60] = "";
    clock_rfc3339(dies, when);
    clock_rfc3339(seen, last);
    if (more > 0)
        (void)snprintf(others, sizeof others, "; the same holds for %lld more", (long long)more);
    mp_problem_add(
        list, dies <= now ? &ended : &soon, more > 0 ? "devices" : guid,
        "the token of device %.128s (%s) %s on %s; the device was last seen on %s%s", json_opt_str(d, "name", ""), guid,
        dies <= now ? "ended, and could not be renewed any more," : "can't be renewed any more", when, last, others);
}

/* A few by themselves; where there are many, the first of them stands for all. */
static void tokens(json_t *list, const json_t *status, int64_t now)
{
    const json_t *t = json_object_get(status, "tokens_ending"), *d, *named = json_object_get(t, "first");
    int64_t more = json_opt_int(t, "count", 0) - (int64_t)json_array_size(named);
    size_t i;
    json_array_foreach(named, i, d) {
        token_of(list, d, more > 0 ? json_opt_int(t, "count", 0) - 1 : 0, now);
        if (more > 0)
            return;
    }
}

void mp_problems_devices(json_t *list, const json_t *status, int64_t now)
{
    tokens(list, status, now);
    waiting_and_cloned(list, status);
}
