/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps one's own role certificate young (PROTOCOL 1): at half of its life asks the site for the next one with a fresh
 * key, again with back-off when that fails, and keeps what comes in the state folder. How to reach the site is the
 * caller's: a connector has a management point, a gateway a tunnel.
 */
#ifndef RENEW_RENEWER_H
#define RENEW_RENEWER_H

#include "bundle/role/role_identity.h"
#include "http/fetch.h"

struct renewer;

struct renewer_events {
    http_fetch_send_fn *send; /* R_AGAIN: no way there now */
    /* `fresh` is in use from now on (borrowed, the renewer's; what was the identity before is freed after this), or
     * NULL and why not; then asked again in retry_s. `fresh` with a *why of another code than OK: it could not be kept.
     */
    void (*on_result)(void *owner, const struct role_identity *fresh, const struct error *why, uint64_t retry_s);
};

struct renewer_options {
    const char *kind; /* "connector": sends the bare request; "gateway": signs it */
    const char *state;
    const struct bootstrap *bootstrap; /* borrowed */
    uint64_t every_s;                  /* for tests: not at half-life but this long after the last; 0: half-life */
};

/* Takes over *present. Starts its timer; ends with renewer_free. */
struct renewer *renewer_new(struct loop *loop, const struct renewer_options *o, struct role_identity *present,
                            const struct renewer_events *events, void *owner);
void renewer_free(struct renewer *r); /* NULL allowed */

const struct role_identity *renewer_identity(const struct renewer *r);

#endif
