/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that nobody has vouched for yet, by address (an IPv6 one by its /64): handshakes, and clients none of
 * whose requests was let in. They may hold places as long as nobody else wants them, one address a share of all, and
 * each address may do so much a second. What an address does that is let in afterwards is given back to it, so that
 * hundreds of devices behind one address cost it nothing.
 */
#ifndef NET_STRANGERS_H
#define NET_STRANGERS_H

#include "base/limit/crowd.h"
#include "net/address.h"

enum {
    NET_STRANGERS_SHARE = 4,             /* one address may hold a fourth of all places */
    NET_STRANGERS_MS = 45 * 1000,        /* so long a stranger may stay, whatever it does */
    NET_STRANGERS_HANDSHAKES = 100,      /* a second, by default */
    NET_STRANGERS_REFUSALS = 250,        /* the same */
    NET_STRANGERS_QUESTIONS = 50,        /* a second: questions that are open to everybody */
    NET_STRANGERS_QUESTIONS_BURST = 100, /* at once */
    NET_STRANGERS_FEW = 5,               /* questions of an address that asks few: so many, and one a second */
    NET_KNOWN_HANDSHAKES = 50,           /* a second, of one device, that are given back, whatever they cost */
    NET_KNOWN_HANDSHAKES_BURST = 1000,   /* at once */
    NET_STRANGERS_BURST_S = 10,          /* of the others: what so many seconds allow, at once */
    NET_STRANGERS_HOLD = 32 << 20,       /* bytes that may be kept for all of them together */
    NET_KNOWN_HOLD = 256 << 20, /* bytes kept for all who were let in, over which who holds most is looked at */
    NET_KNOWN_SHARE = 32 << 20, /* it gives way if these are more than that */
};

/* The rates of an address. */
enum net_stranger_rate { NET_STRANGER_HANDSHAKE, NET_STRANGER_REFUSAL, NET_STRANGER_QUESTION, NET_STRANGER_FEW };

/* per_address: connections at once, which may also begin at once. The caller crowd_free()s it. */
struct crowd *net_strangers_new(size_t per_address, uint64_t handshakes_per_second, uint64_t refusals_per_second);

/* A place may be taken by one more of this address (net_address_format_group): over its share, which it is told here,
 * its oldest gives way. false: it comes too fast. */
MUST_USE bool net_strangers_let_come(struct crowd *c, struct slice address, size_t per_address, uint64_t now_ms);

/* It shows so many bytes of certificates: over 4 KiB, which are more than most chains have, each 2 KiB cost as much CPU
 * as a handshake, and count as one. */
void net_stranger_shows(struct crowd *c, struct crowd_member *m, size_t certificates, uint64_t now_ms);

/* Its handshake cost as much as so many more than its own. */
void net_stranger_pays(struct crowd *c, struct crowd_member *m, size_t handshakes, uint64_t now_ms);

/* Those who were let in, by device. The caller crowd_free()s it. */
struct crowd *net_known_new(void);

/* It is known from now on, and gets back what was taken for its handshake, as long as `device` among the `known` (NULL:
 * whoever it is) does not come too fast: who does goes on to be charged by its address. Nothing happens to who is no
 * stranger. */
void net_stranger_known(struct crowd *c, struct crowd_member *m, struct crowd *known, struct slice device,
                        uint64_t now_ms);

/* So many bytes are kept for it now (http/server.h). Over what all strangers may hold together, those of the address
 * that holds most give way, who began first: perhaps it itself. Nothing happens to who is no stranger. */
void net_stranger_holds(struct crowd *c, struct crowd_member *m, size_t bytes);

/* The same of who was let in, in a crowd by device. */
void net_known_holds(struct crowd *c, struct crowd_member *m, size_t bytes);

/* What all may ask together that is open to everybody, and as much again for addresses that ask few: those that ask as
 * much as one may don't keep them out. */
struct net_questions {
    struct bucket all, few;
};
void net_questions_start(struct net_questions *q, uint64_t per_second, uint64_t now_ms);
MUST_USE bool net_stranger_may_ask(struct crowd *c, const struct crowd_member *m, struct net_questions *q,
                                   uint64_t now_ms);

/* Ends some of those who have stayed too long; true: there are more. */
bool net_strangers_end_late(struct crowd *c, uint64_t now_ms);

#endif
