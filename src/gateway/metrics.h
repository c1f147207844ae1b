/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker counts, as a table: the same rows make the counters, /metrics and
 * docs/internals/metrics.md (tools/metrics-doc). Sources and OCSP write rows of their own. */
#ifndef GATEWAY_METRICS_H
#define GATEWAY_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "gateway/places.h"
#include "verdict/reason.h"

/* X(symbol, name, type, help) */
#define GATEWAY_METRICS(X)                                                                                             \
    X(REQUESTS, "cmg_requests", "counter", "Requests that had a readable head")                                        \
    X(RELAYED, "cmg_requests_relayed", "counter", "Requests that were let in and sent through a tunnel")               \
    X(RETRIES, "cmg_requests_retried", "counter", "Requests tried again on another tunnel")                            \
    X(IN_FLIGHT, "cmg_requests_in_flight", "gauge", "Requests being relayed now, parked ones included")                \
    X(BYTES_IN, "cmg_request_body_bytes", "counter", "Bytes of request bodies taken from clients")                     \
    X(BYTES_OUT, "cmg_response_body_bytes", "counter", "Bytes of answers' bodies sent to clients")                     \
    X(CONNECTIONS, "cmg_connections", "gauge", "Client connections open now")                                          \
    X(HANDSHAKES, "cmg_tls_handshakes", "counter", "TLS handshakes that succeeded")                                    \
    X(HANDSHAKES_RESUMED, "cmg_tls_handshakes_resumed", "counter", "Of those, resumed sessions")                       \
    X(HANDSHAKES_FAILED, "cmg_tls_handshakes_failed", "counter", "TLS handshakes that failed or timed out")            \
    X(SESSIONS, "cmg_tls_sessions", "gauge", "TLS sessions that may be resumed, of closed connections too")            \
    X(TUNNELS, "cmg_tunnels", "gauge", "Tunnels of connectors that are up")                                            \
    X(VERDICTS, "cmg_verdicts_computed", "counter", "Certificates and tokens judged anew")                             \
    X(VERDICTS_CACHED, "cmg_verdicts_cached", "counter", "Certificates and tokens judged before")                      \
    X(UNCHECKED, "cmg_verdicts_unchecked", "counter", "Certificates let in although revocation could not be checked")  \
    X(GIVEN_BACK, "cmg_memory_given_back", "counter", "Times that memory of closed connections was given back")

enum gateway_metric {
#define GATEWAY_X(symbol, name, type, help) METRIC_##symbol,
    GATEWAY_METRICS(GATEWAY_X)
#undef GATEWAY_X
        METRIC_COUNT
};

/* Why connections are turned away or given up. X(symbol, word, text) */
#define GATEWAY_AWAY(X)                                                                                                \
    X(FULL, "full", "all places are held by who was let in and is busy")                                               \
    X(ROOM, "room", "made room: none of its requests was let in")                                                      \
    X(IDLE, "idle", "made room: it was idle")                                                                          \
    X(ADDRESS_SHARE, "address_share", "made room: its address holds its share of connections")                         \
    X(ADDRESS_RATE, "address_rate", "its address opens connections too fast")                                          \
    X(REFUSALS, "refusals", "its address is refused too often")                                                        \
    X(DEVICE_SHARE, "device_share", "its device holds its share of connections")                                       \
    X(LONG_CHAINS, "long_chains", "made room: many strangers show long chains of certificates")                        \
    X(MEMORY, "memory", "made room: its address takes most of strangers' memory")                                      \
    X(DEVICE_MEMORY, "device_memory", "made room: its device takes most of the memory of who was let in")              \
    X(LATE, "late", "none of its requests was let in for so long")                                                     \
    X(DESCRIPTORS, "descriptors", "the process is out of descriptors")                                                 \
    X(STALE, "stale", "the client had gone, or waited too long, before it was its turn")

enum gateway_away {
#define GATEWAY_X(symbol, word, text) AWAY_##symbol,
    GATEWAY_AWAY(GATEWAY_X)
#undef GATEWAY_X
        AWAY_COUNT
};

/* Written by one worker, read by the admin listener. */
struct gateway_metrics {
    atomic_llong values[METRIC_COUNT];
    atomic_llong refusals[REASON_COUNT];
    atomic_llong away[AWAY_COUNT];
};

static inline void metric_add(struct gateway_metrics *m, enum gateway_metric which, long long n)
{
    /* One writer: a load and a store, no locked addition. */
    long long now = atomic_load_explicit(&m->values[which], memory_order_relaxed);
    atomic_store_explicit(&m->values[which], now + n, memory_order_relaxed);
}

static inline void metric_away(struct gateway_metrics *m, enum gateway_away why)
{
    atomic_fetch_add_explicit(&m->away[why], 1, memory_order_relaxed);
}

/* Those of all workers. */
struct gateway_counters {
    const struct gateway_metrics *of[GATEWAY_WORKERS_MAX];
    size_t count;
};

/* Of all workers together. Any thread. */
long long gateway_metric_sum(const struct gateway_counters *all, enum gateway_metric which);
long long gateway_refusals_sum(const struct gateway_counters *all, enum verdict_reason reason);

/* OpenMetrics text of all workers together (RFC-less; openmetrics.io 1.0), appended. */
MUST_USE enum result gateway_metrics_write(const struct gateway_counters *all, struct buf *out);
/* How long the site has not been heard of; -1: never. */
MUST_USE enum result gateway_metrics_write_contact(long long age_s, struct buf *out);

#endif
