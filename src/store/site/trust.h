/* SPDX-License-Identifier: Apache-2.0 */
/* What devices' certificates are judged by: anchors, intermediates, CRLs. */
#ifndef STORE_SITE_TRUST_H
#define STORE_SITE_TRUST_H

#include "base/arena.h"
#include "store/store.h"

enum store_trust_kind { STORE_INTERMEDIATE, STORE_ANCHOR, STORE_CRL };
const char *store_trust_kind_name(enum store_trust_kind kind); /* "intermediate", "anchor", "crl" */
MUST_USE bool store_trust_kind_parse(struct slice name, enum store_trust_kind *ret);

struct store_trust {
    const char *id; /* of a certificate: its SHA-256; of a CRL: that of its place (issuer, signing key, scope, kind),
                       so that a newer one takes it */
    enum store_trust_kind kind;
    const char *subject; /* RFC 4514; of a CRL the issuer */
    const char *number;  /* cRLNumber as hex of even length, no leading zero bytes; "" for certificates */
    int64_t not_after;   /* of a CRL: nextUpdate */
    int64_t added;
    const char *sha256;      /* of a CRL: its DER's, lower-case hex; "" of certificates */
    int64_t size;            /* of a CRL: its DER's bytes */
    const char *fetch_hosts; /* of an anchor: whence lists that its certificates point to may be fetched, words
                                "host[:port]"; "": from nowhere */
    int64_t this_update;     /* of a CRL */
    const char *scope;       /* of a CRL, for people; "": an earlier version took it, it is to be judged */
    const char *complete;    /* of a delta CRL: the place of the complete one that it adds to; else "" */
    bool unproven;           /* of a CRL: no CA at hand is known to have signed it */
    const char *data;        /* PEM; of a CRL: base64 DER */
};

/* Bumps the bundle. The same certificate again is fine, and keeps its hosts unless it names others; a CRL with a lower
 * number or an earlier thisUpdate than the one in its place is R_CONFLICT, unless that one is unproven. */
MUST_USE enum result store_trust_put(struct store *s, const struct store_trust *t, struct error *err);
/* The data of CRLs over data_max bytes stays where it is: "". */
MUST_USE enum result store_trust_list(struct store *s, int64_t data_max, struct arena *arena, struct store_trust **ret,
                                      size_t *ret_count, struct error *err);
/* How many anchors there are. */
MUST_USE enum result store_trust_anchors(struct store *s, size_t *ret_count, struct error *err);
/* Those that are to be judged: unproven ones, and what an earlier version took. With their data. */
MUST_USE enum result store_trust_unsettled(struct store *s, struct arena *arena, struct store_trust **ret,
                                           size_t *ret_count, struct error *err);
/* R_NOTFOUND: not even by its hash is there such a list. */
MUST_USE enum result store_trust_has_list(struct store *s, const char *sha256, struct error *err);
MUST_USE enum result store_trust_by_hash(struct store *s, struct arena *arena, const char *sha256,
                                         struct store_trust *ret, struct error *err);
/* R_NOTFOUND: no anchor has this id. */
MUST_USE enum result store_trust_set_fetch_hosts(struct store *s, const char *id, const char *hosts, struct error *err);
MUST_USE enum result store_trust_remove(struct store *s, const char *id, struct error *err);

#endif
