/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of an OpenID provider: by discovery (OpenID Connect Discovery 1.0, 4), or a JWK set as it is. */
#ifndef SOURCE_OIDC_H
#define SOURCE_OIDC_H

#include "jose/jws/jws.h"
#include "source/http.h"
#include "source/source.h"

enum { SOURCE_KEYS_MAX = 1024 * 1024 };

/* Fetches the discovery document that `what` names, then the JWK set that it names; that must lie on the same server
 * (scheme, host and port), for the document is only as good as its own URL. Blocks. Errors as source_http, and
 * R_INVALID for what is no such document. */
MUST_USE enum result source_oidc(const struct source_http *what, struct buf *ret, struct error *err);

/* A candidate of kind jwks or oidc: holds it a key that could sign a token? For source_events.check. */
MUST_USE enum result source_check_keys(struct source_candidate *c, struct error *err);

/* The last good keys of this source in `folder`; R_NOTFOUND: none yet. The caller jose_keys_free()s them. */
MUST_USE enum result source_read_keys(const char *folder, const struct bundle_source *s, struct jose_keys **ret,
                                      struct error *err);

#endif
