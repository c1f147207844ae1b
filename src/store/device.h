/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, the certificates known for their keys, and the device tokens that still count. */
#ifndef STORE_DEVICE_H
#define STORE_DEVICE_H

#include "base/arena.h"
#include "store/store.h"

struct store_device {
    const char *guid, *name, *hardware_id;
    const char *method; /* "pki", "token", "entra": how it registered last */
    const char *state;  /* "approved", "pending" */
    bool blocked;
    const char *spki; /* lower-case hex SHA-256 of its SubjectPublicKeyInfo */
    int64_t client_version, registered, last_seen;
    /* Which device of which tenant (its id here) a token of that tenant proved it to be; "": none did. */
    const char *entra_tenant, *entra_device;
};

struct store_certificate {
    const char *guid, *sha256, *subject, *pem;
    int64_t not_after, added;
};

struct store_device_counts {
    int64_t approved, pending, blocked;
};

enum { STORE_CERTIFICATES_A_DEVICE = 32 };

enum store_device_by { STORE_BY_GUID, STORE_BY_SPKI, STORE_BY_CERTIFICATE, STORE_BY_NAME };

/* BY_CERTIFICATE: `value` is its SHA-256 in hex. R_NOTFOUND; R_CONFLICT when several have this name. */
MUST_USE enum result store_device_get(struct store *s, struct arena *a, enum store_device_by by, const char *value,
                                      struct store_device *ret, struct error *err);
MUST_USE enum result store_device_list(struct store *s, struct arena *a, struct store_device **ret, size_t *ret_count,
                                       struct error *err);
MUST_USE enum result store_device_blocked_list(struct store *s, struct arena *a, struct store_device **ret,
                                               size_t *ret_count, struct error *err);
MUST_USE enum result store_device_count(struct store *s, struct store_device_counts *ret, struct error *err);
/* Is there a record of this name (ignoring ASCII case) or of this hardware ("" is nobody's), other than that of the
 * GUID `but` ("": any)? */
MUST_USE enum result store_device_known(struct store *s, const char *name, const char *hardware_id, const char *but,
                                        bool *ret, struct error *err);

MUST_USE enum result store_device_add(struct store *s, const struct store_device *d, struct error *err);
/* The devices, of any state, that have proven to be this one of the tenant; several when it got new keys. */
MUST_USE enum result store_device_by_entra(struct store *s, struct arena *a, const char *tenant, const char *device,
                                           struct store_device **ret, size_t *ret_count, struct error *err);
MUST_USE enum result store_device_set_entra(struct store *s, const char *guid, const char *tenant, const char *device,
                                            struct error *err);
/* name, hardware id, method, state and version of an existing record. */
MUST_USE enum result store_device_update(struct store *s, const struct store_device *d, struct error *err);
MUST_USE enum result store_device_approve(struct store *s, const char *guid, struct error *err);
/* Bumps the bundle. */
MUST_USE enum result store_device_block(struct store *s, const char *guid, bool blocked, struct error *err);
/* The record is gone; the GUID stays refused until every access token of it has ended. */
MUST_USE enum result store_device_remove(struct store *s, const char *guid, struct error *err);
MUST_USE enum result store_device_removed_list(struct store *s, struct arena *a, int64_t now, const char *const **ret,
                                               size_t *ret_count, struct error *err);
/* Not for every request: written at most once a minute. */
MUST_USE enum result store_device_seen(struct store *s, const struct store_device *d, int64_t now, struct error *err);

/* Of more than STORE_CERTIFICATES_A_DEVICE the oldest are forgotten. *ret_new: it was not known. */
MUST_USE enum result store_certificate_put(struct store *s, const struct store_certificate *c, bool *ret_new,
                                           struct error *err);
MUST_USE enum result store_certificate_get(struct store *s, struct arena *a, const char *sha256,
                                           struct store_certificate *ret, struct error *err);
MUST_USE enum result store_certificate_list(struct store *s, struct arena *a, const char *guid,
                                            struct store_certificate **ret, size_t *ret_count, struct error *err);

/* Those of all records of the same hardware (`guid`'s own where the hardware is not known): a device that changed its
 * method has a record for each. */
MUST_USE enum result store_certificate_list_of_hardware(struct store *s, struct arena *a, const char *guid,
                                                        struct store_certificate **ret, size_t *ret_count,
                                                        struct error *err);

/* --- device tokens (PROTOCOL 4, Renewal) --- */
enum { STORE_TOKENS_A_DEVICE = 16, STORE_SUPERSEDED_S = 86400, STORE_RENEWALS_A_DAY = 5 };

/* Remembers an issued one; of more than STORE_TOKENS_A_DEVICE the oldest no longer count. */
MUST_USE enum result store_device_token_add(struct store *s, const char *guid, const char *id, int64_t issued,
                                            int64_t expires, struct error *err);
/* Does it still count? R_DENIED: never issued, dropped, or renewed more than a day ago. */
MUST_USE enum result store_device_token_check(struct store *s, const char *guid, const char *id, int64_t now,
                                              struct error *err);
/* Counts a renewal and lets the old token end a day later. R_LIMIT: no more tries today. */
MUST_USE enum result store_device_token_renew(struct store *s, const char *guid, const char *old_id, int64_t now,
                                              struct error *err);

#endif
