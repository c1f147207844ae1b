/* SPDX-License-Identifier: Apache-2.0 */
/* Who sends a request, and the little of the request that judging it takes: not how it is answered. */
#ifndef MP_SENDER_SENDER_H
#define MP_SENDER_SENDER_H

#include "base/arena.h"
#include "base/buf.h"
#include "mp/sender/identity.h"
#include "mp/sender/peer.h"

struct mp_sender {
    struct mp_site *site;
    struct arena *arena; /* rows of the store and the like; the request's */
    const struct http_request *request;
    const struct buf *body; /* as far as it has come */
    struct mp_peer *peer;   /* NULL: the admin socket's */
    struct mp_identity identity;
};

static inline struct slice mp_sender_field(const struct mp_sender *from, const char *name)
{
    return http_fields_get(&from->request->fields, slice_of(name)); /* the first one; .ptr NULL: none */
}

#endif
