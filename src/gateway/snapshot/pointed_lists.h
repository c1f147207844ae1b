/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists that devices' certificates point to (RFC 5280 4.2.1.13): fetched by plain HTTP from the hosts that
 * the administrator named for the anchor, and from nowhere else (PROTOCOL 3). They are sources like the site's own, in
 * a set of their own, so that a hostile CA's pointers can't hold those up; how many there are has a maximum, and each
 * stays known over a restart.
 */
#ifndef GATEWAY_SNAPSHOT_POINTED_LISTS_H
#define GATEWAY_SNAPSHOT_POINTED_LISTS_H

#include "net/url.h"
#include "pki/cert/list_place.h"
#include "source/source.h"

struct pointed_lists;

/* In the loop of the events' owner; `state` is the gateway's state folder. */
MUST_USE enum result pointed_lists_new(struct loop *loop, const char *state, const struct source_events *events,
                                       void *owner, struct pointed_lists **ret, struct error *err);
void pointed_lists_free(struct pointed_lists *p); /* NULL allowed */

/* May this place be fetched from? ret_host gets its host ("host" or "host:port"), "" when the URL is not of a form that
 * is followed. Any thread. */
bool pointed_lists_may(const struct bundle *b, const struct pki_list_place *place, char ret_host[NET_URL_HOST_SIZE]);

/* Is this the id of one of them? No source of the site's own has such a name. */
bool pointed_lists_is(struct slice id);

/* A certificate wants it, and it may be. When there are too many, the anchor that has most of them gives one up. */
void pointed_lists_add(struct pointed_lists *p, const struct pki_list_place *place);
/* Could it not be had, the last time? Then *ret gets why. Any thread. */
bool pointed_lists_fails(struct pointed_lists *p, const struct pki_list_place *place, char ret[SOURCE_ERROR_MAX]);
/* Another bundle: what may be fetched no longer goes, with its file. Did any go? */
bool pointed_lists_refresh(struct pointed_lists *p, const struct bundle *b);
/* Another anchor or intermediate: those that failed are tried again. */
void pointed_lists_retry(struct pointed_lists *p);

/* As source_set_states. Any thread. */
size_t pointed_lists_states(struct pointed_lists *p, struct source_state *ret, size_t max);

/* Calls back with the kept file of each, in a fixed order, from the state folder alone. */
void pointed_lists_each(const char *state, void (*fn)(void *arg, const char *path), void *arg);

#endif
