/* SPDX-License-Identifier: Apache-2.0 */
/* What a cmg-mp tells of itself and of its site at /metrics, as a table: the same rows make the text and
 * docs/internals/metrics.md (tools/metrics-doc). */
#ifndef MP_WATCH_METRICS_H
#define MP_WATCH_METRICS_H

#include "mp/site.h"

/* X(symbol, name, type, help) */
#define MP_METRICS(X)                                                                                                  \
    X(REQUESTS, "cmg_mp_requests", "counter", "Requests that were answered at its management points")                  \
    X(REFUSED, "cmg_mp_requests_refused", "counter", "Of those, with status 400 or above")                             \
    X(CONNECTIONS, "cmg_mp_connections", "gauge", "Connections to its management points open now")                     \
    X(LISTENING, "cmg_mp_devices_listening", "gauge", "Devices whose requests wait for a notification")                \
    X(PARKED, "cmg_mp_requests_parked", "gauge", "Requests that wait for the next document")                           \
    X(PENDING, "cmg_site_devices_pending", "gauge", "Devices that wait for approval")                                  \
    X(PROBLEMS, "cmg_site_problems", "gauge", "What cmg status tells as problems, all causes together")                \
    X(DISK_FREE, "cmg_mp_disk_free_bytes", "gauge", "Left on the file system of its state; -1: not known")

struct mp_metrics;
/* Listens where the configuration says so; *ret NULL: nowhere. */
MUST_USE enum result mp_metrics_open(struct mp_site *site, struct mp_metrics **ret, struct error *err);
void mp_metrics_hang_up(struct mp_metrics *m); /* NULL allowed, as below */
void mp_metrics_free(struct mp_metrics *m);    /* after that, and some turns of the loop */

#endif
