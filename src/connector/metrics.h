/* SPDX-License-Identifier: Apache-2.0 */
/* What a connector tells of itself at /metrics, as a table: the same rows make the text and
 * docs/internals/metrics.md (tools/metrics-doc). */
#ifndef CONNECTOR_METRICS_H
#define CONNECTOR_METRICS_H

#include "connector/connector.h"
#include "metrics/pages.h"

/* X(symbol, name, type, help) */
#define CONNECTOR_METRICS(X)                                                                                           \
    X(REQUESTS, "cmg_connector_requests", "counter", "Requests that came through tunnels, those to the site included") \
    X(GATEWAYS, "cmg_connector_gateways", "gauge", "Gateways that it dials")                                           \
    X(TUNNELS, "cmg_connector_tunnels", "gauge", "Tunnels to them that are up")                                        \
    X(ENDPOINTS, "cmg_connector_endpoints", "gauge", "Endpoints of its document")                                      \
    X(FAILING, "cmg_connector_endpoints_failing", "gauge", "Those of them that failed last, and did not answer since") \
    X(DOCUMENT, "cmg_connector_document", "gauge", "Number of the document in use; 0: none")                           \
    X(ROLE_LEFT, "cmg_connector_role_certificate_left_seconds", "gauge", "Until its role certificate ends")            \
    X(DISK_FREE, "cmg_connector_disk_free_bytes", "gauge", "Left on the file system of its state; -1: not known")

/* Listens where the configuration says so; *ret NULL: nowhere. */
MUST_USE enum result connector_metrics_listen(struct connector *c, struct metrics_listener **ret, struct error *err);

#endif
