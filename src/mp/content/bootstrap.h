/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap files (docs/protocol/wire.md 3): who a gateway or connector is, and where the site is found. */
#ifndef MP_CONTENT_BOOTSTRAP_H
#define MP_CONTENT_BOOTSTRAP_H

#include <jansson.h>

#include "base/arena.h"
#include "mp/site.h"

/* `kind`: "gateway" or "connector". Without "key_pem" where the certificate came without its key: who joins has it. The
 * caller json_decref()s *ret. */
MUST_USE enum result mp_content_bootstrap(struct mp_site *site, struct arena *a, const char *kind, const char *id,
                                          const struct mp_role_certificate *c, json_t **ret, struct error *err);

/* The management points, as connectors reach them: URLs, or objects of a URL and its anchors. */
MUST_USE enum result mp_content_site_urls(struct mp_site *site, struct arena *a, json_t **ret, struct error *err);

#endif
