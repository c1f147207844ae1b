/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's loop: a run, then it waits for what the site has to tell, until the next run is due. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/limit/backoff.h"
#include "base/rand.h"
#include "client/apart.h"
#include "client/client.h"
#include "client/deploy/deploy.h"
#include "client/operation.h"
#include "client/pace.h"
#include "client/report.h"
#include "client/site/notification.h"
#include "client/site/token.h"
#include "client/state/resultant.h"
#include "jose/token.h"

enum { BACKOFF_FIRST_S = 5, BACKOFF_MAX_S = 900 };

struct agent {
    bool json;
    unsigned failures; /* of runs, in a row */
    unsigned returns;  /* how often in a row a request that waited was broken off */
};

/* A tenth more or less, so that a fleet that started together does not ask together. */
static uint64_t jitter(uint64_t seconds)
{
    uint64_t ms = seconds * 1000, span = ms / 5;
    return ms - span / 2 + (span ? rand_below(span) : 0);
}

/* Signals are let in only here and while a request runs, so that none is missed between check and sleep. */
static void sleep_ms(uint64_t ms)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    sigset_t closed, open;
    (void)sigemptyset(&closed);
    (void)sigaddset(&closed, SIGTERM);
    (void)sigaddset(&closed, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &closed, &open);
    if (!web_http_stopped())
        (void)ppoll(NULL, 0, &t, &open);
    (void)sigprocmask(SIG_SETMASK, &open, NULL);
}

static uint64_t seconds_after_failures(const struct client *c, unsigned failures)
{
    uint64_t interval = client_policy_interval(c);
    uint64_t wait = backoff_doubled(BACKOFF_FIRST_S, BACKOFF_MAX_S, failures ? failures - 1 : 0);
    return wait < interval ? wait : interval;
}

/* --- waiting --- */

static uint64_t left_until(uint64_t due_ms)
{
    uint64_t now = clock_mono_ms();
    return due_ms > now ? due_ms - now : 0;
}

/* The next run is due: by the policy's interval, or since the token that the waiting request shows ends. */
static uint64_t next_run(struct client_session *s)
{
    uint64_t wait = jitter(client_policy_interval(s->c));
    int64_t holds = client_session_registration(s)->access_expires - TOKEN_LEEWAY_S - clock_wall_s() - s->times.offset;
    if (s->choice.method != CHOICE_PKI && (holds < 0 || (uint64_t)holds * 1000 < wait))
        wait = holds > 0 ? (uint64_t)holds * 1000 : 0;
    return clock_mono_ms() + wait;
}

/* Whatever ended it early ended it for others, too. */
static bool came_early(uint64_t began_ms, uint64_t wait_s)
{
    return clock_mono_ms() - began_ms < wait_s * 1000 / 2;
}

/* true: *ret_run, or it goes on waiting. */
static bool take(struct client_session *s, const struct web_answer *answer, bool *ret_run)
{
    struct error err;
    if (client_take_again(s->c, &err) != OK)
        return false;
    bool ok = client_notification_take(s, buf_data(&answer->body), ret_run);
    client_let_go(s->c);
    return ok;
}

/* One request that waits. *ret_ms: how long to sleep before the next run; false: it waits again. */
static bool wait_once(struct agent *a, struct client_session *s, const char *bearer, uint64_t due_ms, uint64_t *ret_ms)
{
    struct web_answer answer;
    uint64_t began = clock_mono_ms(), wait = client_notification_wait_s(s->c), left = left_until(due_ms) / 1000 + 1;
    wait = wait < left ? wait : left;
    enum client_waited how = client_notification_wait(s, bearer, wait, &answer);
    bool run = false, told = how == CLIENT_WAITED_TOLD && take(s, &answer, &run);
    web_answer_free(&answer);
    *ret_ms = 0;
    if (told || (how == CLIENT_WAITED_IN_VAIN && !came_early(began, wait))) {
        a->returns = 0;
        return run || !left_until(due_ms);
    }
    *ret_ms = how == CLIENT_WAITED_NOWHERE ? left_until(due_ms) : client_pace_return_ms(++a->returns);
    return true;
}

/* How long to sleep before the next run. The state folder is others' meanwhile. */
static uint64_t wait_for_news(struct agent *a, struct client_session *s)
{
    const char *bearer;
    uint64_t ret = 0;
    if (!client_notification_wait_s(s->c) || !client_access_token(s, &bearer))
        return jitter(client_policy_interval(s->c));
    uint64_t due = next_run(s);
    client_let_go(s->c);
    while (!web_http_stopped() && !wait_once(a, s, bearer, due, &ret))
        continue;
    return ret;
}

/* --- runs --- */

static uint64_t run_once(struct agent *a, struct client *c)
{
    struct client_session s;
    json_t *report;
    bool ok = client_operate_on(c, &s, CLIENT_RUN, &report);
    (a->json ? client_report_json : client_report_text)(report, stdout);
    json_decref(report);
    bool whole = ok && !client_deploy_unfinished(c->dir); /* else what lacks is worth another run soon */
    a->failures = whole ? 0 : a->failures + 1;
    uint64_t ret = whole ? wait_for_news(a, &s) : jitter(seconds_after_failures(c, a->failures));
    client_session_end(&s);
    return ret;
}

enum result client_run(const char *dir, bool json, struct error *err)
{
    struct agent a = {.json = json};
    enum result entered = client_apart_enter(dir, err);
    if (entered != OK)
        return entered;
    while (!web_http_stopped()) {
        struct client c;
        enum result r = client_open(dir, &c, err);
        if (r != OK)
            return web_http_stopped() ? OK : r;
        if (!client_apart_fits(&c.settings)) {
            client_close(&c);
            client_apart_again();
        }
        uint64_t wait = run_once(&a, &c);
        client_close(&c);
        sleep_ms(wait);
    }
    return OK;
}
