/* SPDX-License-Identifier: Apache-2.0 */
/* TCP streams (the lowest filter), Unix-socket streams, dialling, and listeners. */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "loop/loop.h"
#include "net/address.h"
#include "net/stream.h"

/* --- listeners --- */
struct net_listener;

/* `stream` belongs to the callback, which sets its events before it returns. Reading starts then. */
typedef void net_accept_fn(void *ctx, struct net_stream *stream, const struct net_address *peer);

/* With reuseport, each worker binds the same address and the kernel shares out the connections; then port 0 works only
 * for the first, whose real address the others take. TCP_NODELAY is set on what is accepted. Where the service manager
 * handed a socket for that address to this process (sd_listen_fds(3)), that one is listened on: who came while nobody
 * did waits in its queue. Of several, each call takes another. */
MUST_USE enum result net_listen_tcp(struct loop *loop, const struct net_address *at, bool reuseport, net_accept_fn *fn,
                                    void *ctx, struct net_listener **ret, struct error *err);
/* Unix socket with this mode; a stale socket file is replaced, a live one is R_CONFLICT. Peer addresses are empty. One
 * that was handed over is listened on as it is. */
MUST_USE enum result net_listen_unix(struct loop *loop, const char *path, unsigned mode, net_accept_fn *fn, void *ctx,
                                     struct net_listener **ret, struct error *err);

/* For a listener at which anybody at all may knock; its ctx is the accept callback's. Who has gone by the time that it
 * is its turn, or has waited for it over 5 s, is dropped before anything is spent on it. Without it, a listener that
 * is out of descriptors leaves newcomers in the kernel's queue and tries again. */
enum net_dropped { NET_DROPPED_STALE, NET_DROPPED_FULL };
struct net_listener_guard {
    bool (*make_room)(void *ctx); /* out of descriptors: gives one up; false: has none, and the newcomer is closed */
    void (*dropped)(void *ctx, enum net_dropped why); /* tells of one that was closed here */
};
/* `guard` must last as long as the listener. Takes a descriptor. */
void net_listener_guard(struct net_listener *l, const struct net_listener_guard *guard);

void net_listener_address(const struct net_listener *l, struct net_address *ret);
void net_listener_close(struct net_listener *l); /* and frees it; removes its Unix socket file. NULL allowed */

/* --- listeners that outlive the process --- */
enum { NET_HANDED_MAX = 1024 };

/* The service manager keeps its socket and hands it to the next process of this program: who comes meanwhile waits. Its
 * Unix socket file stays. Where there is no manager, nothing happens. */
void net_listener_keep(struct net_listener *l);
/* So many sockets for that address were handed to this process: each wants a listener. */
size_t net_handed_count(const struct net_address *at);
/* Once all listeners are there: sockets that an earlier process kept and nobody wants any more are let go. */
void net_handed_settle(void);

/* --- dialling --- */
struct net_dial;
struct net_dial_events {
    void (*on_open)(void *ctx, struct net_stream *stream); /* belongs to the callback */
    void (*on_fail)(void *ctx, const struct error *why);   /* R_NOTFOUND: name; R_TIMEOUT; R_IO: refused … */
    /* May this address be connected to? Others are passed over; R_DENIED when none is left. NULL: all. */
    bool (*may)(void *ctx, const struct net_address *to);
};
/* Resolves (getaddrinfo in the pool, one question a name at a time), tries each address in turn within timeout_ms.
 * Exactly one callback, later, after which the dial is gone. */
struct net_dial *net_dial_tcp(struct loop *loop, const char *host, uint16_t port, uint64_t timeout_ms,
                              const struct net_dial_events *events, void *ctx);
void net_dial_cancel(struct net_dial *d); /* no callback then; NULL allowed */

/* --- a TCP stream handed to another worker before anything was written on it --- */

/* Frees the stream and returns its bare descriptor; the caller owns it. */
int net_tcp_detach(struct net_stream *tcp);
/* A stream on `loop` for a connected descriptor, which it owns. `already_read` is delivered first, as data. */
struct net_stream *net_tcp_adopt(struct loop *loop, int fd, struct slice already_read);

/* SO_PEERCRED of a Unix stream made by net_listen_unix. */
MUST_USE bool net_unix_peer(const struct net_stream *s, unsigned *ret_uid, unsigned *ret_gid);
/* Its other groups, as they were when it connected (SO_PEERGROUPS): how many there are, of which the first `max` are in
 * `ret`. 0 also when they can't be told. */
size_t net_unix_peer_groups(const struct net_stream *s, unsigned *ret, size_t max);

#endif
