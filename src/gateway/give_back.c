/* SPDX-License-Identifier: Apache-2.0 */
/* When it is worth asking glibc for memory back, and the asking, in a thread of the pool: it takes up to 100 ms.
 * Frees nothing itself but TLS sessions that have ended. */
#include "gateway/give_back.h"

#include <malloc.h>

#include "base/clock.h"
#include "gateway/worker.h"
#include "tls/context.h"

enum { FEW = 500 }; /* of about 25 kB each */

bool give_back_worth(struct give_back_mark *m, long long count)
{
    m->most = count > m->most ? count : m->most;
    if (m->most < FEW || count > m->most / 2)
        return false;
    m->most = count;
    return true;
}

static void trim_memory(void *arg)
{
    (void)arg;
    (void)malloc_trim(0);
}

static void on_trimmed(void *arg)
{
    struct gateway_worker *w = arg;
    w->give_back.under_way = false;
    metric_add(&w->metrics, METRIC_GIVEN_BACK, 1);
}

void give_back(struct gateway_worker *w)
{
    struct give_back *b = &w->give_back;
    long long before = b->sessions;
    b->sessions = (long long)tls_sessions_end(clock_wall_s());
    metric_add(&w->metrics, METRIC_SESSIONS, b->sessions - before);
    if (b->under_way)
        return;
    bool by_open = give_back_worth(&b->open, gateway_metric_sum(&w->gateway->counters, METRIC_CONNECTIONS)),
         by_kept = give_back_worth(&b->kept, b->sessions);
    if (!by_open && !by_kept)
        return;
    b->under_way = true;
    loop_job(w->loop, trim_memory, on_trimmed, w);
}
