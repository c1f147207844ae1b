/* SPDX-License-Identifier: Apache-2.0 */
/* A JWS in compact form (RFC 7515 7.1) taken apart, before anything in it is believed: of this folder only. */
#ifndef JOSE_JWS_COMPACT_H
#define JOSE_JWS_COMPACT_H

#include <jansson.h>

#include "base/error.h"
#include "base/slice.h"

struct compact {
    struct slice header, payload, signature; /* still base64url; borrowed */
};

/* Exactly three parts, none empty, of the base64url alphabet, at most max bytes together. R_INVALID, R_LIMIT. */
MUST_USE enum result compact_split(struct slice text, size_t max, struct compact *ret, struct error *err);

/* A part that must be base64url of a JSON object. The caller json_decref()s it. `what` is for the error's text. */
MUST_USE enum result compact_object(struct slice part, const char *what, json_t **ret, struct error *err);

/* Bytes of the signature part when it is well-formed, else 0. */
size_t compact_signature_len(const struct compact *c);

#endif
