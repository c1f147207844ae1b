/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream as a stack of filters with one table of functions: socket → TLS → whatever speaks on it. The owner of
 * the top sees only this. Closing the top closes what lies below.
 *
 * Rules, for every filter:
 *   - all calls and callbacks are in the loop's thread;
 *   - callbacks come from the loop, never from inside net_stream_write / _pause / _resume / _shutdown / _close, but for
 *     on_data, which net_stream_resume may deliver later from the loop;
 *   - the owner may call net_stream_close in any callback; after it there are no more callbacks and `s` is gone;
 *   - after on_close the stream is dead; the owner still calls net_stream_close to free it.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/error.h"
#include "base/slice.h"

struct net_stream;

struct net_stream_events {
    void (*on_data)(void *ctx, struct slice data);        /* borrowed for the call; all of it is taken */
    void (*on_end)(void *ctx);                            /* the peer ended its direction; ours still works */
    void (*on_drain)(void *ctx);                          /* was congested, has fallen below the low-water mark */
    void (*on_close)(void *ctx, const struct error *why); /* broken: reset, I/O error, TLS alert, truncated TLS */
};

struct net_stream_ops {
    void (*write)(struct net_stream *s, struct slice data);
    void (*send)(struct net_stream *s, struct slice data); /* NULL: write */
    size_t (*queued)(const struct net_stream *s);
    void (*pause)(struct net_stream *s);
    void (*resume)(struct net_stream *s);
    void (*shutdown)(struct net_stream *s);
    void (*close)(struct net_stream *s);
};

struct net_stream {
    const struct net_stream_ops *ops;
    const struct net_stream_events *events;
    void *ctx;
};

enum { NET_STREAM_HIGH = 256 * 1024, NET_STREAM_LOW = 64 * 1024 };

static inline void net_stream_set_events(struct net_stream *s, const struct net_stream_events *events, void *ctx)
{
    s->events = events;
    s->ctx = ctx;
}

/* Takes all of it (what the kernel does not take at once is copied and kept). The writer stops when congested. A TLS
 * filter may hold small writes until the end of the loop's iteration, so that many make one record and one system call.
 */
static inline void net_stream_write(struct net_stream *s, struct slice data)
{
    s->ops->write(s, data);
}

/* For writers that have gathered already: like net_stream_write, but what waited and this leave at once. */
static inline void net_stream_send(struct net_stream *s, struct slice data)
{
    (s->ops->send ? s->ops->send : s->ops->write)(s, data);
}

/* Bytes taken and not yet given to the kernel. */
static inline size_t net_stream_queued(const struct net_stream *s)
{
    return s->ops->queued(s);
}

/* Over the high-water mark: on_drain will come. */
static inline bool net_stream_congested(const struct net_stream *s)
{
    return net_stream_queued(s) > NET_STREAM_HIGH;
}

static inline void net_stream_pause(struct net_stream *s)
{
    s->ops->pause(s);
}

static inline void net_stream_resume(struct net_stream *s)
{
    s->ops->resume(s);
}

/* Sends what is queued, then the end (close_notify and FIN). Reading goes on. */
static inline void net_stream_shutdown(struct net_stream *s)
{
    s->ops->shutdown(s);
}

/* Sends what the kernel takes at once, closes and frees. NULL allowed. */
static inline void net_stream_close(struct net_stream *s)
{
    if (s)
        s->ops->close(s);
}

#endif
