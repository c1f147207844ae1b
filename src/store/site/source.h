/* SPDX-License-Identifier: Apache-2.0 */
/* Named sources: what gateways need from elsewhere, asked for by id (PROTOCOL 3). */
#ifndef STORE_SITE_SOURCE_H
#define STORE_SITE_SOURCE_H

#include "base/arena.h"
#include "store/store.h"

/* Who fetches it. */
enum store_via { STORE_VIA_INTERNET, STORE_VIA_CONNECTOR }; /* the first: the gateway itself */
const char *store_via_name(enum store_via via);             /* "internet", "connector" */
MUST_USE bool store_via_parse(struct slice name, enum store_via *ret);

struct store_source {
    const char *id, *kind; /* a name of enum bundle_source_kind (bundle/bundle.h) */
    const char *url;
    enum store_via via;
    const char *ca_pem; /* by which its server is judged; "": the system's CAs. NULL counts as "" */
    int64_t refresh_s;  /* 0: the gateway's default */
    int64_t added;
};

/* A new one, or another URL for the one with this id. Bumps the bundle and the connector documents. */
MUST_USE enum result store_source_put(struct store *s, const struct store_source *source, struct error *err);
MUST_USE enum result store_source_list(struct store *s, struct arena *arena, struct store_source **ret,
                                       size_t *ret_count, struct error *err);
MUST_USE enum result store_source_remove(struct store *s, const char *id, struct error *err);

#endif
