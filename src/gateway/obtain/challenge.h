/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges of a CA by TLS on port 443 (tls-alpn-01, RFC 8737). A pending one is a file of the state folder,
 * acme/challenges/<host>.pem: the answer's certificate and its key. The ACME client's hook writes and removes it
 * (hook.h); whoever listens looks it up when a ClientHello asks, so that a gateway that restarts meanwhile knows it,
 * too.
 */
#ifndef GATEWAY_OBTAIN_CHALLENGE_H
#define GATEWAY_OBTAIN_CHALLENGE_H

#include "base/error.h"
#include "base/slice.h"
#include "tls/context.h"

#define CHALLENGE_ALPN "acme-tls/1"

enum {
    CHALLENGES_MAX = 32,   /* pending at once */
    CHALLENGE_S = 60 * 60, /* one that is older is none: who wrote it has ended without removing it */
};

/* Makes `host`'s answer: `digest` is the key authorization's SHA-256 as base64url (RFC 8555 8.1). R_INVALID: a name or
 * digest that is none; R_LIMIT: too many are pending; R_IO. */
MUST_USE enum result challenge_begin(const char *state, const char *host, const char *digest, struct error *err);
/* Nothing is pending for it any more, used or not. */
void challenge_end(const char *state, const char *host);

/* What to show a client that offers CHALLENGE_ALPN alone and this SNI; the caller tls_context_unref()s it. NULL:
 * nothing is pending for it, or what is there is not this user's alone, or not what challenge_begin writes. Reads a
 * small file: any thread. */
struct tls_context *challenge_context(const char *state, struct slice sni);

#endif
