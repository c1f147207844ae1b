/* SPDX-License-Identifier: Apache-2.0 */
/* Hearing, believing, lifting: each only so often, for whoever tells a number may lie. */
#include "mp/status/went_back.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "mp/site.h"
#include "store/sequence.h"
#include "store/site/audit.h"
#include "store/site/went_back.h"

enum { ONE_MAX = 4096 };

/* Signed numbers end at 2^53: who was broken into must not use them up. */
static bool believed(int64_t held)
{
    return held <= clock_wall_s() + MP_WENT_BACK_AHEAD_MAX_S;
}

static enum result write_down(struct mp_site *site, const struct store_went_back *w, struct error *err)
{
    char detail[120];
    LOG_EVENT(LOG_ERROR, "mp", "the store went back: somebody holds a newer document than it ever gave",
              LOG_T("of", w->whom), LOG_N("held", w->held), LOG_N("own", w->own));
    (void)snprintf(detail, sizeof detail, "holds document %" PRId64 ", the store gave none above %" PRId64, w->held,
                   w->own);
    return store_audit_add(
        site->store,
        &(struct store_audit){
            .caller = w->whom, .action = "store_went_back", .object = site->keys.site, .detail = detail},
        err);
}

/* What this one was heard to hold before is told with the number that the store stood at then. */
static enum result note(struct mp_site *site, const char *kind, const char *id, int64_t held, int64_t own,
                        struct error *err)
{
    char whom[MP_WENT_BACK_WHOM_SIZE];
    struct store_went_back before, now = {.at = clock_wall_s(), .whom = whom, .held = held, .own = own};
    struct arena *a = arena_new(ONE_MAX);
    (void)snprintf(whom, sizeof whom, "%s %s", kind, id);
    enum result r = store_went_back_get(site->store, a, &before, err);
    bool told = r == OK && before.held == held && strcmp(before.whom, whom) == 0;
    if (told)
        now.own = before.own;
    if (r == OK || r == R_NOTFOUND)
        r = store_went_back_put(site->store, &now, err);
    arena_free(a);
    return r == OK && !told ? write_down(site, &now, err) : r;
}

static enum result note_and_lift(struct mp_site *site, const char *kind, const char *id, int64_t held, int64_t own,
                                 struct error *err)
{
    enum result r = store_begin(site->store, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = note(site, kind, id, held, own, err);
    if (r == OK && believed(held))
        r = store_sequence_lift(site->store, held, err);
    return store_end(site->store, r, err);
}

/* True at most once in that time; *last is its memory. */
static bool is_due(uint64_t *last, uint64_t every_ms)
{
    uint64_t now = clock_mono_ms();
    if (*last && now - *last < every_ms)
        return false;
    *last = now;
    return true;
}

enum result mp_went_back_heard(struct mp_site *site, const char *kind, const char *id, int64_t held, int64_t own,
                               struct error *err)
{
    if (held <= own)
        return OK;
    /* who is not believed takes nobody's turn who is */
    bool due = believed(held) ? is_due(&site->went_back.lifted_ms, MP_WENT_BACK_LIFT_EVERY_MS)
                              : is_due(&site->went_back.disbelieved_ms, MP_WENT_BACK_DISBELIEVED_EVERY_MS);
    return due ? note_and_lift(site, kind, id, held, own, err) : OK;
}

enum result mp_went_back_policy(struct mp_site *site, const char *guid, int64_t held, int64_t own, struct error *err)
{
    bool lifted;
    if (held <= own || !believed(held))
        return OK;
    enum result r = store_sequence_policy_lift(site->store, guid, held, &lifted, err);
    if (r == OK && lifted)
        LOG_EVENT(LOG_WARN, "mp", "a device holds a newer policy than the store gave it", LOG_T("device", guid),
                  LOG_N("held", held), LOG_N("own", own));
    return r;
}

enum result mp_went_back_json(struct mp_site *site, json_t **ret, struct error *err)
{
    struct store_went_back w;
    struct arena *a = arena_new(ONE_MAX);
    enum result r = store_went_back_get(site->store, a, &w, err);
    *ret = r == OK ? json_pack("{s:I, s:s, s:I, s:I, s:b}", "at", (json_int_t)w.at, "whom", w.whom, "held",
                               (json_int_t)w.held, "own", (json_int_t)w.own, "believed", believed(w.held))
                   : json_null();
    arena_free(a);
    return r == R_NOTFOUND ? OK : r;
}
