/* SPDX-License-Identifier: Apache-2.0 */
/* Looking, deciding who is told what, and keeping in the store what came of it. */
#include "mp/watch/alerts.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "base/limit/backoff.h"
#include "base/mem.h"
#include "mp/watch/alert_job.h"
#include "mp/watch/status.h"
#include "store/site/setting.h"

enum { LOOK_ARENA = 256 * 1024 * 1024, JOB_ARENA = 4 * 1024 * 1024, FIRST_MS = 2000, LOOK_S = 30 };

struct mp_alerts {
    struct mp_site *site;
    struct loop_timer *timer;
    char holder[GUID_SIZE]; /* this process, for the lease */
    TAILQ_HEAD(, mp_alert_job) jobs;
    size_t count; /* of them */
};

/* --- jobs --- */

struct mp_alert_job *mp_alert_job_new(struct mp_alerts *a)
{
    struct mp_alert_job *j = mem_zalloc(sizeof *j);
    j->alerts = a;
    j->arena = arena_new(JOB_ARENA);
    return j;
}

void mp_alert_job_free(struct mp_alert_job *j)
{
    mp_receiver_close(&j->to);
    mp_alert_message_free(&j->message);
    arena_free(j->arena);
    free(j);
}

static bool is_busy(const struct mp_alerts *a, const char *receiver)
{
    const struct mp_alert_job *j;
    TAILQ_FOREACH(j, &a->jobs, link) {
        if (strcmp(j->receiver.id, receiver) == 0 && j->count)
            return true;
    }
    return false;
}

/* --- what came of it --- */

static int64_t next_try(int64_t failures, int64_t now)
{
    unsigned times = failures < 32 ? (unsigned)failures : 32;
    return now + (int64_t)backoff_doubled(MP_ALERTS_AGAIN_S, MP_ALERTS_AGAIN_MAX_S, times);
}

/* Only who still has the lease: else another one has told it by now. */
static enum result write_down(struct mp_alerts *a, const struct mp_alert_job *j, struct error *err)
{
    struct store *s = a->site->store;
    int64_t now = clock_wall_s();
    enum result r = j->count ? store_alert_lease(s, a->holder, now, now + MP_ALERTS_LEASE_S, err) : OK;
    for (size_t i = 0; r == OK && j->result == OK && i < j->count; i++)
        r = store_alert_told(s, j->receiver.id, j->list[i].id, j->list[i].ended != 0, now, err);
    if (r == OK && j->result == OK)
        r = store_receiver_tried(s, j->receiver.id, now, 0, NULL, err);
    else if (r == OK && j->count) /* a test that fails is told at once, and puts nothing off */
        r = store_receiver_tried(s, j->receiver.id, now, next_try(j->receiver.failures, now), j->err.text, err);
    return r;
}

static void keep(struct mp_alerts *a, const struct mp_alert_job *j)
{
    struct error err;
    enum result r = store_begin(a->site->store, STORE_DURABLE, &err);
    if (r == OK)
        r = store_end(a->site->store, write_down(a, j, &err), &err);
    if (r != OK && r != R_CONFLICT)
        log_msg(LOG_ERROR, "alerts", "what was sent can't be written down: %s", err.text);
    if (j->result == OK)
        LOG_EVENT(LOG_INFO, "alerts", "sent", LOG_T("receiver", j->receiver.id), LOG_N("alerts", j->count),
                  LOG_T("answer", j->told));
    else
        LOG_EVENT(LOG_WARN, "alerts", "could not be sent", LOG_T("receiver", j->receiver.id),
                  LOG_T("reason", j->err.text));
}

static void work(void *arg)
{
    struct mp_alert_job *j = arg;
    struct notify_message m = {j->message.id, j->message.subject, j->message.text, j->message.json, j->message.at};
    j->result = notify_send(&j->to, &m, &j->stop, j->told, &j->err);
}

static void over(void *arg)
{
    struct mp_alert_job *j = arg;
    struct mp_alerts *a = j->alerts;
    if (a) {
        TAILQ_REMOVE(&a->jobs, j, link);
        a->count--;
        keep(a, j);
        if (j->arg)
            j->done(j->arg, j->result == OK ? j->told : NULL, &j->err);
    }
    mp_alert_job_free(j);
}

/* `j` is taken over. */
static void start(struct mp_alerts *a, struct mp_alert_job *j)
{
    mp_alert_message(a->site->config->site, j->list, j->count, clock_wall_s(), &j->message);
    TAILQ_INSERT_TAIL(&a->jobs, j, link);
    a->count++;
    loop_job(a->site->loop, work, over, j);
}

/* --- telling --- */

/* Those that are due; a secret that can't be read fails as a server that can't be reached does. */
static enum result tell(struct mp_alerts *a, const char *id, int64_t now, struct error *err)
{
    struct mp_alert_job *j = mp_alert_job_new(a);
    struct store_alert *list = NULL;
    size_t count = 0;
    enum result r = store_receiver_get(a->site->store, j->arena, id, &j->receiver, err);
    if (r == OK)
        r = store_alert_due(a->site->store, j->arena, &j->receiver, now, MP_ALERTS_OF_A_MESSAGE, &list, &count, err);
    j->list = list;
    j->count = count;
    if (r == OK && count && mp_receiver_open(&a->site->keys, &j->receiver, &j->to, &j->err) == OK) {
        start(a, j);
        return OK;
    }
    if (r == OK && count) {
        j->result = R_DENIED;
        keep(a, j);
    }
    mp_alert_job_free(j);
    return r;
}

static enum result tell_all(struct mp_alerts *a, const struct store_receiver *list, size_t count, int64_t look_s,
                            struct error *err)
{
    int64_t now = clock_wall_s(), lease = look_s * 4 > MP_ALERTS_LEASE_S ? look_s * 4 : MP_ALERTS_LEASE_S;
    enum result r = store_alert_lease(a->site->store, a->holder, now, now + lease, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        bool due = list[i].next_try <= now || list[i].next_try > now + MP_ALERTS_AGAIN_MAX_S; /* by a wrong clock */
        if (due && a->count < MP_ALERTS_AT_ONCE && !is_busy(a, list[i].id))
            r = tell(a, list[i].id, now, err);
    }
    return r == R_CONFLICT ? OK : r; /* another process does */
}

/* --- looking --- */

static enum result keep_problems(struct mp_alerts *a, const json_t *problems, int64_t look_s, struct error *err)
{
    int64_t now = clock_wall_s();
    const json_t *p;
    size_t i;
    enum result r = store_begin(a->site->store, STORE_QUICK, err);
    if (r != OK)
        return r;
    json_array_foreach(problems, i, p) {
        struct store_alert x = {.cause = json_opt_str(p, "cause", ""),
                                .of = json_opt_str(p, "of", ""),
                                .found = json_opt_str(p, "found", ""),
                                .remedy = json_opt_str(p, "remedy", "")};
        if (r == OK && i < MP_ALERTS_PROBLEMS_MAX)
            r = store_alert_seen(a->site->store, &x, now, err);
    }
    if (r == OK)
        r = store_alert_settle(a->site->store, now - MP_ALERTS_GONE_LOOKS * look_s, now, err);
    return store_end(a->site->store, r, err);
}

/* Nobody to tell: nothing is looked for. */
static enum result look(struct mp_alerts *a, int64_t *look_s, struct error *err)
{
    struct store_receiver *list;
    size_t count = 0;
    json_t *problems = NULL;
    struct arena *arena = arena_new(LOOK_ARENA);
    enum result r = store_setting_get_int(a->site->store, "alert_check", look_s, err);
    if (r == OK)
        r = store_receiver_list(a->site->store, arena, &list, &count, err);
    if (r == OK && count)
        r = mp_status_problems(a->site, arena, &problems, err);
    if (r == OK && count)
        r = keep_problems(a, problems, *look_s, err);
    if (r == OK && count)
        r = tell_all(a, list, count, *look_s, err);
    json_decref(problems);
    arena_free(arena);
    return r;
}

static void on_timer(void *arg)
{
    struct mp_alerts *a = arg;
    struct error err;
    int64_t look_s = LOOK_S;
    if (look(a, &look_s, &err) != OK)
        log_msg(LOG_ERROR, "alerts", "the site can't be looked at: %s", err.text);
    loop_timer_start(a->timer, (uint64_t)look_s * 1000, 0);
}

struct mp_alerts *mp_alerts_new(struct mp_site *site)
{
    struct mp_alerts *a = mem_zalloc(sizeof *a);
    a->site = site;
    TAILQ_INIT(&a->jobs);
    guid_new(a->holder);
    a->timer = loop_timer_new(site->loop, on_timer, a);
    loop_timer_start(a->timer, FIRST_MS, 0);
    return a;
}

void mp_alerts_free(struct mp_alerts *a)
{
    struct mp_alert_job *j;
    if (!a)
        return;
    TAILQ_FOREACH(j, &a->jobs, link) {
        atomic_store(&j->stop, true);
        j->alerts = NULL;
    }
    loop_timer_free(a->timer);
    free(a);
}

void mp_alerts_soon(struct mp_alerts *a)
{
    if (a)
        loop_timer_start(a->timer, 0, 0);
}

/* --- a test --- */

enum result mp_alerts_test(struct mp_alerts *a, const char *receiver, mp_alerts_done_fn *done, void *arg,
                           struct error *err)
{
    struct mp_alert_job *j = mp_alert_job_new(a);
    enum result r = store_receiver_get(a->site->store, j->arena, receiver, &j->receiver, err);
    if (r == OK && a->count >= 2 * MP_ALERTS_AT_ONCE)
        r = error_set(err, R_LIMIT, "other messages are on their way: ask again in a minute");
    if (r == OK)
        r = mp_receiver_open(&a->site->keys, &j->receiver, &j->to, err);
    if (r != OK) {
        mp_alert_job_free(j);
        return r;
    }
    j->done = done;
    j->arg = arg;
    start(a, j);
    return OK;
}

void mp_alerts_forget(struct mp_alerts *a, const void *arg)
{
    struct mp_alert_job *j;
    TAILQ_FOREACH(j, &a->jobs, link) {
        if (j->arg == arg)
            j->arg = NULL;
    }
}
