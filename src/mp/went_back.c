/* SPDX-License-Identifier: Apache-2.0 */
#include "mp/went_back.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "mp/site.h"
#include "store/audit.h"
#include "store/sequence.h"

/* Signed numbers end at 2^53: who was broken into must not use them up. */
static bool believed(int64_t held)
{
    return held <= clock_wall_s() + MP_WENT_BACK_AHEAD_MAX_S;
}

static enum result write_down(struct mp_site *site, struct error *err)
{
    const struct mp_went_back *w = &site->went_back;
    char detail[120];
    (void)snprintf(detail, sizeof detail, "holds document %" PRId64 ", the store gave none above %" PRId64, w->held,
                   w->own);
    return store_audit_add(
        site->store,
        &(struct store_audit){
            .caller = w->whom, .action = "store_went_back", .object = site->keys.site, .detail = detail},
        err);
}

static enum result note(struct mp_site *site, const char *kind, const char *id, int64_t held, int64_t own,
                        struct error *err)
{
    struct mp_went_back *w = &site->went_back;
    char whom[MP_WENT_BACK_WHOM_SIZE];
    (void)snprintf(whom, sizeof whom, "%s %s", kind, id);
    bool told = w->at && w->held == held && strcmp(w->whom, whom) == 0;
    w->at = clock_wall_s();
    w->held = held;
    w->own = told ? w->own : own;
    (void)snprintf(w->whom, sizeof w->whom, "%s", whom);
    if (told)
        return OK;
    LOG_EVENT(LOG_ERROR, "mp", "the store went back: somebody holds a newer document than it ever gave",
              LOG_T("of", w->whom), LOG_N("held", held), LOG_N("own", own));
    return write_down(site, err);
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
    struct mp_went_back *w = &site->went_back;
    if (held <= own)
        return OK;
    if (!believed(held)) /* it takes nobody's turn who is believed */
        return is_due(&w->disbelieved_ms, MP_WENT_BACK_DISBELIEVED_EVERY_MS) ? note(site, kind, id, held, own, err)
                                                                             : OK;
    if (!is_due(&w->lifted_ms, MP_WENT_BACK_LIFT_EVERY_MS))
        return OK;
    enum result r = note(site, kind, id, held, own, err);
    return r == OK ? store_sequence_lift(site->store, held, err) : r;
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

json_t *mp_went_back_json(const struct mp_went_back *w)
{
    if (!w->at || clock_wall_s() - w->at > MP_WENT_BACK_TOLD_S)
        return json_null();
    return json_pack("{s:I, s:s, s:I, s:I, s:b}", "at", (json_int_t)w->at, "whom", w->whom, "held", (json_int_t)w->held,
                     "own", (json_int_t)w->own, "believed", believed(w->held));
}
