/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables alert_receiver, alert, alert_told and alert_lease. */
#include "store/site/alert.h"

#include "base/clock.h"
#include "store/row.h"

enum { AHEAD_S = 3600 }; /* what stands further in the future was written by a clock that was wrong */

/* --- receivers --- */

static void read_receiver(struct store_reader *r, void *ret)
{
    struct store_receiver *x = ret;
    const char **texts[] = {&x->id, &x->kind, &x->url, &x->ca_pem, &x->auth, &x->user, &x->secret, &x->from, &x->to};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = store_read_text(r, (int)i);
    x->plain = store_read_int(r, 9) != 0;
    x->remind_s = store_read_int(r, 10);
    x->added = store_read_int(r, 11);
    x->sent = store_read_int(r, 12);
    x->failures = store_read_int(r, 13);
    x->next_try = store_read_int(r, 14);
    x->fault = store_read_text(r, 15);
}

#define RECEIVER                                                                                                       \
    "SELECT id, kind, url, ca_pem, auth, username, secret, sender, recipients, plain, remind_s, added, sent, "         \
    "failures, next_try, fault FROM alert_receiver "

static enum result add(struct store *s, const struct store_receiver *x, struct error *err)
{
    int64_t count;
    enum result r = store_query_int(s, "SELECT COUNT(*) FROM alert_receiver", STORE_NO_PARAMS, &count, err);
    if (r == OK && count >= STORE_RECEIVERS_MAX)
        r = error_set(err, R_LIMIT, "there are %d receivers of alerts, which are the most", STORE_RECEIVERS_MAX);
    if (r != OK)
        return r;
    r = store_exec(s,
                   "INSERT INTO alert_receiver (id, kind, url, ca_pem, auth, username, secret, sender, recipients, "
                   "plain, remind_s, added) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                   STORE_PARAMS(STORE_T(x->id), STORE_T(x->kind), STORE_T(x->url), STORE_T(x->ca_pem), STORE_T(x->auth),
                                STORE_T(x->user), STORE_T(x->secret), STORE_T(x->from), STORE_T(x->to),
                                STORE_N(x->plain), STORE_N(x->remind_s), STORE_N(x->added)),
                   NULL, err);
    return r == R_CONFLICT ? error_set(err, r, "there is a receiver '%.64s' already", x->id) : r;
}

enum result store_receiver_add(struct store *s, const struct store_receiver *x, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, add(s, x, err), err) : r;
}

enum result store_receiver_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM alert_receiver WHERE id = $1", STORE_PARAMS(STORE_T(id)),
                     "receiver of alerts of this id", err);
    return store_end(s, r, err);
}

enum result store_receiver_get(struct store *s, struct arena *a, const char *id, struct store_receiver *ret,
                               struct error *err)
{
    static const struct store_select select = {RECEIVER "WHERE id = $1", sizeof *ret, read_receiver};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(id)), a, ret, "receiver of alerts of this id", err);
}

enum result store_receiver_list(struct store *s, struct arena *a, struct store_receiver **ret, size_t *ret_count,
                                struct error *err)
{
    static const struct store_select select = {RECEIVER "ORDER BY id", sizeof **ret, read_receiver};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

enum result store_receiver_tried(struct store *s, const char *id, int64_t now, int64_t next_try, const char *fault,
                                 struct error *err)
{
    if (!fault)
        return store_exec(s,
                          "UPDATE alert_receiver SET sent = $2, failures = 0, next_try = 0, fault = '' WHERE id = $1",
                          STORE_PARAMS(STORE_T(id), STORE_N(now)), NULL, err);
    return store_exec(s, "UPDATE alert_receiver SET failures = failures + 1, next_try = $2, fault = $3 WHERE id = $1",
                      STORE_PARAMS(STORE_T(id), STORE_N(next_try), STORE_T(fault)), NULL, err);
}

/* --- alerts --- */

enum result store_alert_seen(struct store *s, const struct store_alert *x, int64_t now, struct error *err)
{
    int64_t changed = 0;
    enum result r = store_exec(
        s, "UPDATE alert SET seen = $3, found = $4, remedy = $5 WHERE cause = $1 AND subject = $2 AND ended = 0",
        STORE_PARAMS(STORE_T(x->cause), STORE_T(x->of), STORE_N(now), STORE_T(x->found), STORE_T(x->remedy)), &changed,
        err);
    if (r != OK || changed)
        return r;
    return store_exec(
        s,
        "INSERT INTO alert (id, cause, subject, found, remedy, began, seen) "
        "SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $4, $5, $3, $3 FROM alert",
        STORE_PARAMS(STORE_T(x->cause), STORE_T(x->of), STORE_N(now), STORE_T(x->found), STORE_T(x->remedy)), NULL,
        err);
}

enum result store_alert_settle(struct store *s, int64_t before, int64_t now, struct error *err)
{
    enum result r = store_exec(s, "UPDATE alert SET ended = $2 WHERE ended = 0 AND (seen < $1 OR seen > $3)",
                               STORE_PARAMS(STORE_N(before), STORE_N(now), STORE_N(now + AHEAD_S)), NULL, err);
    if (r == OK) /* a receiver that was added after the end waits for nothing of it */
        r = store_exec(
            s,
            "DELETE FROM alert WHERE ended > 0 AND (ended < $1 OR NOT EXISTS (SELECT 1 FROM alert_receiver x "
            "WHERE x.added <= alert.ended AND NOT EXISTS (SELECT 1 FROM alert_told t WHERE t.receiver = x.id "
            "AND t.alert = alert.id AND t.told_end = 1)))",
            STORE_PARAMS(STORE_N(now - STORE_ALERT_KEPT_S)), NULL, err);
    if (r == OK)
        r = store_exec(s,
                       "DELETE FROM alert WHERE ended > 0 AND id NOT IN (SELECT id FROM alert WHERE ended > 0 "
                       "ORDER BY id DESC LIMIT $1)",
                       STORE_PARAMS(STORE_N(STORE_ALERTS_MAX)), NULL, err);
    return r;
}

static void read_alert(struct store_reader *r, void *ret)
{
    struct store_alert *x = ret;
    x->id = store_read_int(r, 0);
    x->cause = store_read_text(r, 1);
    x->of = store_read_text(r, 2);
    x->found = store_read_text(r, 3);
    x->remedy = store_read_text(r, 4);
    x->began = store_read_int(r, 5);
    x->ended = store_read_int(r, 6);
    x->told = store_read_int(r, 7);
}

enum result store_alert_due(struct store *s, struct arena *a, const struct store_receiver *to, int64_t now,
                            int64_t limit, struct store_alert **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT a.id, a.cause, a.subject, a.found, a.remedy, a.began, a.ended, COALESCE(t.told, 0) FROM alert a "
        "LEFT JOIN alert_told t ON t.alert = a.id AND t.receiver = $1 WHERE NOT (a.cause = 'alerts_failing' AND "
        "a.subject = $1) AND ((t.told IS NULL AND (a.ended = 0 OR a.ended >= $2)) OR (t.told IS NOT NULL AND "
        "a.ended > 0 AND t.told_end = 0) OR (t.told IS NOT NULL AND a.ended = 0 AND t.told <= $3)) "
        "ORDER BY a.id LIMIT $4",
        sizeof **ret, read_alert};
    return store_select_all(s, &select,
                            STORE_PARAMS(STORE_T(to->id), STORE_N(to->added),
                                         STORE_N(to->remind_s ? now - to->remind_s : -1), STORE_N(limit)),
                            a, ret, ret_count, err);
}

enum result store_alert_told(struct store *s, const char *receiver, int64_t alert, bool ended, int64_t now,
                             struct error *err)
{
    return store_exec(s,
                      "INSERT INTO alert_told (receiver, alert, told, told_end) SELECT $1, a.id, $3, $4 FROM alert a "
                      "JOIN alert_receiver x ON x.id = $1 WHERE a.id = $2 "
                      "ON CONFLICT (receiver, alert) DO UPDATE SET told = $3, told_end = $4",
                      STORE_PARAMS(STORE_T(receiver), STORE_N(alert), STORE_N(now), STORE_N(ended)), NULL, err);
}

/* --- the lease --- */

static enum result lease(struct store *s, const char *holder, int64_t now, int64_t until, struct error *err)
{
    int64_t changed = 0;
    enum result r =
        store_exec(s, "INSERT INTO alert_lease (id, holder, until) VALUES (1, '', 0) ON CONFLICT (id) DO NOTHING",
                   STORE_NO_PARAMS, NULL, err);
    if (r == OK)
        r = store_exec(
            s, "UPDATE alert_lease SET holder = $1, until = $3 WHERE holder = $1 OR until < $2 OR until > $4",
            STORE_PARAMS(STORE_T(holder), STORE_N(now), STORE_N(until), STORE_N(until + AHEAD_S)), &changed, err);
    return r == OK && !changed ? error_set(err, R_CONFLICT, "another process sends alerts") : r;
}

enum result store_alert_lease(struct store *s, const char *holder, int64_t now, int64_t until, struct error *err)
{
    enum result r = store_begin(s, STORE_QUICK, err);
    return r == OK ? store_end(s, lease(s, holder, now, until, err), err) : r;
}
