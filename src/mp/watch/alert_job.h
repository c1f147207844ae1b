/* SPDX-License-Identifier: Apache-2.0 */
/* One message on its way to one receiver: made in the loop, sent in the pool, ended in the loop. */
#ifndef MP_WATCH_ALERT_JOB_H
#define MP_WATCH_ALERT_JOB_H

#include <bsd/sys/queue.h>

#include "mp/watch/alerts.h"
#include "mp/watch/message.h"

struct mp_alert_job {
    TAILQ_ENTRY(mp_alert_job) link;
    struct mp_alerts *alerts; /* NULL: they are gone, and this one ends without them */
    atomic_bool stop;
    struct arena *arena; /* of `receiver`, `list` and `to` */
    struct store_receiver receiver;
    struct notify_receiver to;
    const struct store_alert *list;
    size_t count; /* 0: a test */
    struct mp_alert_message message;
    mp_alerts_done_fn *done; /* of a test */
    void *arg;               /* NULL: nobody waits */
    enum result result;      /* of sending */
    char told[NOTIFY_TOLD_SIZE];
    struct error err;
};

struct mp_alert_job *mp_alert_job_new(struct mp_alerts *a);
void mp_alert_job_free(struct mp_alert_job *j);

#endif
