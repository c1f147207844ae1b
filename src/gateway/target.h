/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: which of the gateway's paths one is, and whether it is written in a way that two servers could read
 * differently (PROTOCOL 6, "Paths"). Pure; the path is cut, never rewritten. */
#ifndef GATEWAY_TARGET_H
#define GATEWAY_TARGET_H

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
    bool slashes;       /* an encoded slash or an empty segment: wants the endpoint's allow_encoded_slash */
};

/* All of *ret is borrowed from `text`. R_INVALID: a dot segment (plain or encoded), a backslash, an encoded NUL or
 * control, a broken escape, a fragment. */
MUST_USE enum result target_parse(struct slice text, struct target *ret, struct error *err);

#endif
