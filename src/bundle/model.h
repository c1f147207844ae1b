/* SPDX-License-Identifier: Apache-2.0 */
/* What the bundle's reader, its lists and its lookups share: of this folder only. */
#ifndef BUNDLE_MODEL_H
#define BUNDLE_MODEL_H

#include "base/arena.h"
#include "bundle/bundle.h"
#include "bundle/index.h"

enum { BUNDLE_GUID_BYTES = 16, BUNDLE_ROLE_ID_MAX = 40 };

/* Of a member "disallowed": these devices, or (but) every device except these. */
struct bundle_disallowed {
    const char *by;
    bool but;
    struct index_set guids, spkis, certificates;
};

struct bundle_index {
    struct arena *arena;      /* holds all but what follows */
    struct jose_keys *keys;   /* the token keys */
    struct index_map roles;   /* lower-case id */
    struct index_map paths;   /* lower-case role "/" lower-case name */
    struct index_map hosts;   /* lower case */
    struct index_map ids;     /* endpoints, exact */
    struct index_set removed; /* GUIDs of devices whose records are gone */
    struct index_set guids, spkis, certificates, tokens, entra;
    struct index_map revoked;             /* "<kind>:<id>" → int64_t, the end of the last withdrawn certificate */
    struct bundle_disallowed *disallowed; /* malloc'ed */
    size_t disallowed_count;
};

/* Member "settings" of the bundle, and of a connector document's trust. */
MUST_USE enum result bundle_read_settings(const json_t *content, struct bundle_settings *ret, struct error *err);

/* Members of the content (part/endpoints.c, part/blocks.c); each error names its member. */
MUST_USE enum result bundle_read_roles(struct bundle *b, const json_t *content, struct error *err);
MUST_USE enum result bundle_read_endpoints(struct bundle *b, const json_t *content, struct error *err);
MUST_USE enum result bundle_read_blocks(struct bundle *b, const json_t *content, struct error *err);
MUST_USE enum result bundle_read_disallowed(struct bundle *b, const json_t *content, struct error *err);
void bundle_free_disallowed(struct bundle_index *x);
MUST_USE enum result bundle_read_revoked(struct bundle *b, const json_t *content, struct error *err);
MUST_USE enum result bundle_read_tenants(struct bundle *b, const json_t *content, struct error *err);
MUST_USE enum result bundle_read_foreign(struct bundle *b, const json_t *content, struct error *err);
MUST_USE enum result bundle_read_fetch_hosts(struct bundle *b, const json_t *content, struct error *err);
MUST_USE enum result bundle_read_connectors(struct bundle *b, const json_t *content, struct error *err);

/* Member "headers" of an endpoint in either document; absent: cmg. */
MUST_USE enum result bundle_read_headers(const json_t *o, enum bundle_headers *ret, struct error *err);

/* Member "sources" of either document; for_connector: each has its URL. */
MUST_USE enum result bundle_read_sources(struct arena *a, const json_t *content, bool for_connector,
                                         const struct bundle_source **ret, size_t *ret_count, struct error *err);

/* Member "trust" of a connector document; *ret is NULL when there is none. */
MUST_USE enum result connector_read_trust(struct arena *a, const json_t *content, const struct connector_trust **ret,
                                          struct error *err);

/* A list of texts of one kind, together at most BUNDLE_BLOCKS_MAX in the set; *count grows by its items. */
enum bundle_set_of { BUNDLE_SET_GUIDS, BUNDLE_SET_HASHES, BUNDLE_SET_JTIS };
MUST_USE enum result bundle_read_set(const json_t *o, const char *name, enum bundle_set_of of, struct index_set *s,
                                     size_t *count, struct error *err);

/* The 16 bytes of a GUID's text, any case. */
MUST_USE bool bundle_guid_bytes(struct slice text, unsigned char ret[BUNDLE_GUID_BYTES]);

#endif
