/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: which of the gateway's paths one is, and whether it is written in a way that two servers could read
 * differently (PROTOCOL 6, "Paths"). The path is cut; all that is ever rewritten is that single-dot segments go, where
 * a host is published as a whole (PROTOCOL 8, "Paths": apt asks for "./"). */
#ifndef GATEWAY_REQUEST_TARGET_H
#define GATEWAY_REQUEST_TARGET_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum target_kind {
    TARGET_MUTUAL, /* /CCM_Proxy_MutualAuth/… : a client certificate */
    TARGET_SERVER, /* /CCM_Proxy_ServerAuth/… : a bearer token */
    TARGET_PLAIN,  /* anything else: by host name */
};

struct target {
    enum target_kind kind;
    struct slice role; /* the segment behind the prefix; empty for TARGET_PLAIN */
    struct slice
        path; /* what goes inside, without the query: "/CCM_STS"; empty when nothing stands behind the role id */
    struct slice query; /* with its "?"; empty when there is none */
    bool dots;          /* single-dot segments are in the path, which target_inside leaves out; TARGET_PLAIN only */
    bool slashes;       /* an encoded slash or an empty segment: wants the endpoint's allow_encoded_slash */
};

/* All of *ret is borrowed from `text`. R_INVALID: a double-dot segment (plain or encoded), a single-dot one behind a
 * prefix of the gateway's, a backslash, an encoded NUL or control, a broken escape, a fragment. */
MUST_USE enum result target_parse(struct slice text, struct target *ret, struct error *err);

/* What is asked of the server inside: the path's own bytes and the query; "/" where nothing stands behind the role id
 * (:path must not be empty, RFC 9113 8.3.1). .ptr NULL: the arena is full. */
struct slice target_inside(const struct target *t, struct arena *arena);

#endif
