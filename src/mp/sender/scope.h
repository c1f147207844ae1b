/* SPDX-License-Identifier: Apache-2.0 */
/* What a bulk registration token is limited to (PROTOCOL 4): where a device comes from, what it is called, and which
 * collection it joins. */
#ifndef MP_SENDER_SCOPE_H
#define MP_SENDER_SCOPE_H

#include "json/json.h"

#include "mp/sender/sender.h"
#include "store/device/token.h"

/* Of {"networks": ["10.0.0.0/8"], "names": ["LAB-*"], "collection": "…"}, each of which may be missing, into `ret`;
 * texts are in `a`. R_INVALID, R_LIMIT; R_NOTFOUND: there is no such collection. */
MUST_USE enum result mp_scope_read(struct store *store, struct arena *a, const json_t *body, struct store_token *ret,
                                   struct error *err);

/* May a device of this name that asks so register with it? R_DENIED names the limit and what was found. */
MUST_USE enum result mp_scope_holds(const struct mp_sender *from, const struct store_token *t, const char *name,
                                    struct error *err);

/* Where the device is: as the gateway saw it when a connector asks, else the peer. Without port; "": not told. */
#define MP_SCOPE_ADDRESS 64
void mp_scope_address(const struct mp_sender *from, char ret[MP_SCOPE_ADDRESS]);

/* Whose share of something scarce it takes: its address or IPv6 /64; of one whose connector tells none, the connector
 * and the bulk token (`token`; "": none). */
#define MP_SCOPE_ORIGIN 192
void mp_scope_origin(const struct mp_sender *from, const char *token, char ret[MP_SCOPE_ORIGIN]);

#endif
