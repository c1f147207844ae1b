/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, in one field: a gateway tells a connector all that it knows of the sender in CMG-Device, and the connector
 * makes of it what servers inside are shown (docs/protocol/wire.md 7). The value is the same for all requests of a
 * device's connection, so HPACK carries an index in its place; several fields would be several literals a request.
 */
#ifndef TUNNEL_DEVICE_H
#define TUNNEL_DEVICE_H

#include "base/arena.h"
#include "base/error.h"

/* How the client id of many devices begins, which a bulk token lets in until they have registered. */
#define TUNNEL_BULK_ID "bulk:"
#define TUNNEL_DEVICE_FIELD "cmg-device"

/* The name that the client asked for: Host or :authority. Absent where it named none, or of an older gateway. */
#define TUNNEL_HOST_FIELD "cmg-host"

/* Of a connector's own refusals: the reason's word, by which the gateway logs and counts them. Goes no further; what
 * servers inside say in CMG-… fields never enters the tunnel. */
#define TUNNEL_REASON_FIELD "cmg-reason"

/* With an extended CONNECT: its client asks by HTTP/1.1, so that a server's 2xx that does not switch to WebSocket is an
 * answer to it. In the tunnel that would mean the switch (RFC 8441 5): it travels as 502 with its status in the second
 * field, to gateways that ask for it alone. Both go no further. */
#define TUNNEL_STAY_FIELD "cmg-may-stay"
#define TUNNEL_STATUS_FIELD "cmg-status"
enum { TUNNEL_STAYED = 502 };

struct tunnel_device {
    struct slice client_id;   /* may hold blanks; the others may not, nor be empty */
    struct slice method;      /* pki, entra, token */
    struct slice peer;        /* address without port */
    struct slice certificate; /* ":<base64 DER>:" (RFC 9440), which is marked to be written; .ptr NULL: none */
};

/* Sets the top bit of each of a certificate's bytes, as many as it has: once a connection. HPACK's Huffman code is long
 * for such bytes, so they travel as they are, and a device that is not in HPACK's table costs a copy, not the decoding
 * of a kilobyte. */
void tunnel_device_mark(struct slice certificate, char *ret);

/* "<client id> <method> <peer> <marked certificate or ->", in the arena; .ptr NULL: its maximum would be passed. */
MUST_USE struct slice tunnel_device_write(const struct tunnel_device *d, struct arena *a);

/* Borrows from `text`, but for the certificate. R_INVALID: it is not of that form; R_LIMIT: the arena is full. */
MUST_USE enum result tunnel_device_read(struct slice text, struct arena *a, struct tunnel_device *ret);

#endif
