/* SPDX-License-Identifier: Apache-2.0 */
/* A program's pages for those who watch it: /metrics, /healthz and /readyz, on an address of the operator's that
 * devices never see. In a loop's thread. */
#ifndef METRICS_PAGES_H
#define METRICS_PAGES_H

#include "base/buf.h"
#include "loop/loop.h"

struct metrics_pages {
    const char *key;                                    /* of the configuration that names the address */
    enum result (*write)(void *owner, struct buf *out); /* OpenMetrics text without its end; R_LIMIT: no room */
    bool (*ready)(void *owner, char *why, size_t size); /* what /readyz says; NULL: always */
    void *owner;
};

enum { METRICS_CONNECTIONS_MAX = 64 }; /* for who comes beyond, the oldest goes */

struct metrics_listener;
/* `address` is "host:port"; `pages` is borrowed until metrics_free(). */
MUST_USE enum result metrics_listen(struct loop *loop, const char *address, const struct metrics_pages *pages,
                                    struct metrics_listener **ret, struct error *err);
/* No new connections; those that there are end, soon, from the loop. NULL allowed, as below. */
void metrics_hang_up(struct metrics_listener *l);
void metrics_free(struct metrics_listener *l); /* after that, and some turns of the loop */

#endif
