/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that no tunnel can carry just now, while one may soon: the gateway has just started, or a connector that was
 * there is being started anew. They wait, instead of being refused, for a few seconds after that. Of senders who were
 * let in alone, who have them counted like any that is under way (gateway/request/relay.h). A worker's own. */
#ifndef GATEWAY_REQUEST_PATIENCE_H
#define GATEWAY_REQUEST_PATIENCE_H

#include <bsd/sys/queue.h>

#include "loop/loop.h"

enum {
    PATIENCE_MS = 5000, /* a connector dials again within 3 s (tunnel/dial.c) */
    PATIENCE_MAX = 4096 /* requests at once */
};

/* The caller embeds it and sets go_on once, which is called when trying again may help. */
struct patient {
    TAILQ_ENTRY(patient) others;
    bool waits;
    uint64_t last_ms; /* it waits no longer, whatever is expected by then; 0: it has not waited yet */
    void (*go_on)(struct patient *p);
};

struct patience {
    struct loop *loop;
    struct loop_timer *timer;
    uint64_t until_ms;
    TAILQ_HEAD(, patient) all;
    size_t count;
};

void patience_start(struct patience *all, struct loop *loop);
void patience_end(struct patience *all);   /* nobody may wait any more */
void patience_renew(struct patience *all); /* a tunnel may be there soon */
void patience_look(struct patience *all);  /* one may be there now: everybody tries again */
/* false: none is to be expected, or too many wait. */
MUST_USE bool patience_join(struct patience *all, struct patient *p);
void patience_part(struct patience *all, struct patient *p); /* also of one that does not wait */

#endif
