/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that documents are made of. Each puts its members into `ret`; rows go through `a`. */
#ifndef MP_CONTENT_PART_H
#define MP_CONTENT_PART_H

#include "base/arena.h"
#include "mp/site.h"
#include "json/json.h"

/* The site's settings, as far as gateways go by them. */
MUST_USE enum result mp_part_settings(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);

/* What certificates are judged by. Lists of over `crl_max` bytes are named by hash and size. A connector learns the
 * URLs of what it is asked for by id; a gateway those of what it fetches itself. */
MUST_USE enum result mp_part_trust(struct mp_site *site, int64_t crl_max, struct arena *a, json_t *ret,
                                   struct error *err);
MUST_USE enum result mp_part_fetch_hosts(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);
MUST_USE enum result mp_part_sources(struct mp_site *site, struct arena *a, bool for_connector, json_t *ret,
                                     struct error *err);

/* Whose tokens are taken; tenants that are switched off are not told. */
MUST_USE enum result mp_part_tenants(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);
MUST_USE enum result mp_part_foreign(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);

/* What is published, and by whom it is reached. */
MUST_USE enum result mp_part_endpoints(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);
MUST_USE enum result mp_part_roles(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);
MUST_USE enum result mp_part_connectors(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);

/* Who is kept out. */
MUST_USE enum result mp_part_blocks(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);
MUST_USE enum result mp_part_disallowed(struct mp_site *site, struct arena *a, json_t *ret, struct error *err);

/* Ends a document: `o` in *ret, or after a fault nothing. Returns `r`. */
MUST_USE enum result mp_content_finish(enum result r, json_t *o, json_t **ret);

#endif
