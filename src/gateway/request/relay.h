/* SPDX-License-Identifier: Apache-2.0 */
/* One request that was let in, on its way through a tunnel (a splice of http/splice.h), with the gateway's rules for
 * retries and its refusals. */
#ifndef GATEWAY_REQUEST_RELAY_H
#define GATEWAY_REQUEST_RELAY_H

#include "gateway/client/connection.h"
#include "gateway/request/patience.h"
#include "gateway/request/retry_budget.h"
#include "gateway/tunnels.h"

struct relay_options {
    const char *endpoint_id;
    uint64_t max_body;
    const char *request_id;
    const char *client;  /* for logs */
    const char *holder;  /* whose share of what is under way it takes */
    bool ccm_path;       /* the HTTP/1.1 reason phrase carries the status text on these (PROTOCOL 6) */
    const char *guid;    /* by which the site knows the sender; "": by the certificate of its connection */
    struct grant *token; /* that let it in; NULL: the connection's certificate did. A reference is taken */
};

/* What a worker's relays share. */
struct relay_way {
    const struct gateway_tunnels *tunnels;
    struct retry_budget budget;
    struct patience patience;
    struct crowd *devices; /* requests under way, and what they hold, by whose they are */
    struct crowd *heads;   /* the same, of what their heads hold */
    size_t per_device;
    size_t under_way; /* of all */
};

/* May whoever this is have one more under way? */
bool relay_has_room(const struct relay_way *way, const char *holder);

/* Takes over the exchange; `inside` is the request as it goes in (in the exchange's arena). It is
 * in the list until it is over; what let `sender` in may end it before. Strings are copied. */
void relay_start(struct relay_way *way, struct judge_client *sender, struct relays *list, struct http_exchange *x,
                 const struct http_request *inside, const struct relay_options *o);

/* Ends it towards both sides, when its connection's verdict has ended. */
void relay_abort(struct relay *r);

/* The gateway ends: WebSockets are told, and end. */
void relay_leave(struct relays *relays);

/* Asks again: a request ends with the token or certificate that let it in, and with its endpoint's publication or rule
 * (auth, client_anchors, methods) when that would let it in no more; a WebSocket also with the sender's client
 * settings.
 */
void relay_review(struct relays *relays, int64_t now);

#endif
