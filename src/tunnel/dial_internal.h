/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connector's end in two halves: dial.c decides how many tunnels are wanted and when to dial, link.c is one tunnel
 * from the first packet to the last. A link outlives its dialer until its session is closed.
 */
#ifndef TUNNEL_DIAL_INTERNAL_H
#define TUNNEL_DIAL_INTERNAL_H

#include <bsd/sys/queue.h>

#include "base/limit/bucket.h"
#include "net/tcp.h"
#include "tls/stream.h"
#include "tunnel/dial.h"
#include "tunnel/hello.h"

enum link_state {
    LINK_DIALING,  /* TCP and TLS */
    LINK_GREETING, /* HTTP/2 stands, the gateway's hello is awaited */
    LINK_UP,       /* answered; the tunnel of its worker, or a second one */
    LINK_OLD,      /* of an earlier process of the gateway, which may still use it */
    LINK_ENDING,   /* drains */
};

struct tunnel_link {
    struct tunnel_dialer *dialer;   /* NULL: freed */
    LIST_ENTRY(tunnel_link) others; /* of its dialer */
    enum link_state state;
    bool counted; /* the tunnel of its worker */
    struct http_dial *dial;
    struct tls_handshake *tls;
    struct http_h2 *h2;
    struct http_exchange *hello; /* its answer stays open */
    struct loop_timer *timer;    /* for the hello */
    struct buf text;             /* the hello's body */
    struct tunnel_greeting greeting;
    struct error why; /* code OK: none of our own */
    uint64_t up_ms;   /* since when it is up */
    struct loop *loop;
};

struct tunnel_dialer {
    struct loop *loop;
    struct tunnel_dialer_options o;
    struct tunnel_endpoints endpoints;
    const struct tunnel_dialer_events *events;
    void *owner;
    LIST_HEAD(, tunnel_link) links;
    struct loop_timer *retry;
    struct bucket told;         /* announcements */
    struct loop_timer *later;   /* active: too many were made, and the next one waits */
    bool changed;               /* … and there is one to make */
    char generation[GUID_SIZE]; /* of the gateway's process; "": none known */
    uint32_t workers;           /* of it; 0: not known */
    unsigned fails;             /* attempts in a row */
    unsigned dials;             /* in this round */
    bool draining;
};

/* --- link.c --- */
void tunnel_link_dial(struct tunnel_dialer *d);
void tunnel_link_announce(struct tunnel_link *l); /* the dialer's endpoints, if the hello was answered */
void tunnel_link_drain(struct tunnel_link *l);
void tunnel_link_drop(struct tunnel_link *l); /* at once; frees it now or when its session is closed */

/* --- dial.c: what links tell; each may dial anew --- */
/* The hello came: R_INVALID when it can't be. */
MUST_USE enum result tunnel_dialer_greeted(struct tunnel_dialer *d, struct tunnel_link *l, struct error *err);
void tunnel_dialer_link_up(struct tunnel_dialer *d, struct tunnel_link *l);
/* The gateway drains it; `was`: its state before. */
void tunnel_dialer_link_ending(struct tunnel_dialer *d, struct tunnel_link *l, enum link_state was);
void tunnel_dialer_link_down(struct tunnel_dialer *d, struct tunnel_link *l, const struct error *why); /* unlinked */

#endif
