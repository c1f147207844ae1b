/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two net_streams joined in memory, for tests: what one writes the other reads, after a delay, like a line with that
 * much latency and endless bandwidth. The rules are those of net/stream.h.
 */
#ifndef TESTS_LOOPBACK_STREAM_H
#define TESTS_LOOPBACK_STREAM_H

#include "loop/loop.h"
#include "net/stream.h"

/* `delay_ms` each way. `capacity`: bytes under way before net_stream_queued counts them; 0: 256 KiB. */
void loopback_pair(struct loop *loop, uint64_t delay_ms, size_t capacity, struct net_stream **ret_a,
                   struct net_stream **ret_b);

/* This end breaks: its owner gets on_close soon, the other end too. */
void loopback_break(struct net_stream *s);

/* Bytes that were written on this end so far, and the number of writes. */
uint64_t loopback_written(const struct net_stream *s);
uint64_t loopback_writes(const struct net_stream *s);

#endif
