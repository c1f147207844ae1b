/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks (docs/protocol/wire.md 7). A connector's word counts: on a connection whose TLS client certificate is a
 * connector's role certificate, or the PKI certificate registered for one, the identity headers are believed. On any
 * other connection they are nobody's; there the client certificate itself, or a bearer token bound to it, is the
 * identity.
 */
#ifndef MP_SENDER_IDENTITY_H
#define MP_SENDER_IDENTITY_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"
#include "choices/choices.h"
#include "http/message.h"
#include "pki/cert/cert.h"
#include "pki/role.h"
#include "verdict/reason.h"

struct mp_sender;

enum mp_auth { MP_NOBODY, MP_PKI, MP_ENTRA, MP_TOKEN };
const char *mp_auth_name(enum mp_auth auth); /* "none", "pki", "entra", "token" */

struct mp_identity {
    enum mp_auth auth;
    bool asserted;                   /* by a connector */
    bool role_certificate;           /* the connector showed its role certificate, and asks for itself */
    char connector[PKI_ROLE_ID_MAX]; /* "": the peer is none */
    X509 *certificate;               /* pki: the accepted one; a direct client with a token: what TLS proved; owned */
    struct slice bearer;             /* token: as sent, not judged yet */
    enum verdict_reason refused;     /* MP_NOBODY: why, when there was something to judge; else REASON_OK */
    struct error why;                /* of .refused: what was found; its .text "": the reason's own words */
};

/* Finds out; false: a fault of ours, or the request contradicts itself, told in *err (R_INVALID: 400). */
MUST_USE enum result mp_identify(struct mp_sender *from, struct error *err);
/* Asked again when a body has come, which takes as long as its sender likes. R_DENIED: it came from a connector that
 * was removed meanwhile, or whose certificate was withdrawn. */
MUST_USE enum result mp_identity_holds(struct mp_sender *from, struct error *err);
void mp_identity_done(struct mp_identity *i);

/* --- the pure parts --- */

/* What the gateway says; checked for form alone. */
struct mp_asserted {
    enum mp_auth auth; /* MP_NOBODY: nothing is said */
    struct slice client_id, bearer;
    X509 *certificate; /* the caller X509_free()s */
};
/* From the identity headers; R_INVALID when they contradict each other or occur twice. */
MUST_USE enum result mp_asserted_read(const struct http_fields *f, struct mp_asserted *ret, struct error *err);

/* "Bearer <token>" → token; .ptr NULL: something else or nothing. */
struct slice mp_bearer(struct slice authorization);

#endif
