/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's loop. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/limit/backoff.h"
#include "base/rand.h"
#include "client/apart.h"
#include "client/client.h"
#include "client/operation.h"
#include "client/report.h"
#include "client/state/resultant.h"

enum { BACKOFF_FIRST_S = 5, BACKOFF_MAX_S = 900 };

/* A tenth more or less, so that a fleet that started together does not ask together. */
static uint64_t jitter(uint64_t seconds)
{
    uint64_t ms = seconds * 1000, span = ms / 5;
    return ms - span / 2 + (span ? rand_below(span) : 0);
}

/* Signals are let in only here and while a request runs, so that none is missed between check and sleep. */
static void sleep_ms(uint64_t ms, const sigset_t *open)
{
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    if (!web_http_stopped())
        (void)ppoll(NULL, 0, &t, open);
}

static uint64_t seconds_until_next(const struct client *c, bool ok, unsigned failures)
{
    uint64_t interval = client_policy_interval(c);
    if (ok)
        return interval;
    uint64_t wait = backoff_doubled(BACKOFF_FIRST_S, BACKOFF_MAX_S, failures ? failures - 1 : 0);
    return wait < interval ? wait : interval;
}

enum result client_run(const char *dir, bool json, struct error *err)
{
    unsigned failures = 0;
    sigset_t closed, before;
    enum result entered = client_apart_enter(dir, err);
    if (entered != OK)
        return entered;
    (void)sigemptyset(&closed);
    (void)sigaddset(&closed, SIGTERM);
    (void)sigaddset(&closed, SIGINT);
    while (!web_http_stopped()) {
        struct client c;
        json_t *report;
        enum result r = client_open(dir, &c, err);
        if (r != OK)
            return web_http_stopped() ? OK : r;
        if (!client_apart_fits(&c.settings)) {
            client_close(&c);
            client_apart_again();
        }
        bool ok = client_operate(&c, CLIENT_RUN, &report);
        (json ? client_report_json : client_report_text)(report, stdout);
        json_decref(report);
        failures = ok ? 0 : failures + 1;
        uint64_t wait = seconds_until_next(&c, ok, failures);
        client_close(&c);
        (void)sigprocmask(SIG_BLOCK, &closed, &before);
        sleep_ms(jitter(wait), &before);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
    }
    return OK;
}
