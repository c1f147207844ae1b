/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, the certificates known for their keys, and the device tokens that still count. */
#ifndef STORE_DEVICE_DEVICE_H
#define STORE_DEVICE_DEVICE_H

#include "base/arena.h"
#include "store/store.h"

enum store_device_state { STORE_PENDING, STORE_APPROVED };
const char *store_device_state_name(enum store_device_state state); /* "pending", "approved" */

struct store_device {
    const char *guid, *name, *hardware_id;
    const char *method; /* "pki", "token", "entra": how it registered last */
    enum store_device_state state;
    bool blocked;
    const char *spki; /* lower-case hex SHA-256 of its SubjectPublicKeyInfo */
    int64_t client_version, registered, last_seen;
    /* Which device of which tenant (its id here) a token of that tenant proved it to be; "": none did. */
    const char *entra_tenant, *entra_device;
    /* NULL counts as "" when a record is added. */
    const char *voucher; /* who let it in: "certificate", "entra", "token", "nobody" */
    const char *machine; /* hash of the key that all records of this machine have proven; NULL: spki */
    const char *vouched_name, *vouched_by; /* the name that somebody else stands for: "certificate", "token", "entra",
                                              "administrator"; "": nobody does */
    const char *hardware_by;               /* who stands for the hardware id: "administrator"; "": nobody */
    const char *reason;                    /* why it waits */
    const char *known, *known_by;          /* the device that the reason names, and what they share */
    bool kept_out;                         /* it waits, and gateways refuse it: it shares that with who was shut out */
    const char *other_hardware;            /* a second hardware id that came with its key; "": none did */
    int64_t other_hardware_at;
    const char *facts;  /* what it told of itself, as far as rules ask for it, a line each: "os.version=13" */
    const char *origin; /* from where it registered: whose share of those that wait it takes (store/device/waiting.h) */
};

struct store_certificate {
    const char *guid, *sha256, *subject, *pem;
    int64_t not_after, added;
    bool vouched;       /* by a PKI */
    const char *anchor; /* the id of the anchor that it was let in by (store/site/trust.h); "": not known. For
                           store_certificate_put alone, NULL counts as "" */
};

struct store_device_counts {
    int64_t approved, pending, blocked;
};

enum { STORE_CERTIFICATES_A_DEVICE = 32 };

enum store_device_by { STORE_BY_GUID, STORE_BY_SPKI, STORE_BY_CERTIFICATE, STORE_BY_NAME };

/* BY_CERTIFICATE: `value` is its SHA-256 in hex. R_NOTFOUND; R_CONFLICT, with their GUIDs, when several have this name.
 */
MUST_USE enum result store_device_get(struct store *s, struct arena *a, enum store_device_by by, const char *value,
                                      struct store_device *ret, struct error *err);
MUST_USE enum result store_device_list(struct store *s, struct arena *a, struct store_device **ret, size_t *ret_count,
                                       struct error *err);
/* By GUID, those above `after` ("": from the first); `limit` at most. */
MUST_USE enum result store_device_page(struct store *s, struct arena *a, const char *after, int64_t limit,
                                       struct store_device **ret, size_t *ret_count, struct error *err);
MUST_USE enum result store_device_blocked_list(struct store *s, struct arena *a, struct store_device **ret,
                                               size_t *ret_count, struct error *err);
MUST_USE enum result store_device_count(struct store *s, struct store_device_counts *ret, struct error *err);
/* The second of these alone: it does not look at all of a fleet. */
MUST_USE enum result store_device_count_pending(struct store *s, int64_t *ret, struct error *err);
/* Those that wait, the oldest first, and those whose key came with a second hardware id; `limit` at most. */
MUST_USE enum result store_device_waiting(struct store *s, struct arena *a, int64_t limit, struct store_device **ret,
                                          size_t *ret_count, struct error *err);
MUST_USE enum result store_device_cloned(struct store *s, struct arena *a, int64_t limit, struct store_device **ret,
                                         size_t *ret_count, struct error *err);

MUST_USE enum result store_device_add(struct store *s, const struct store_device *d, struct error *err);
/* The devices, of any state, that have proven to be this one of the tenant; several when it got new keys. */
MUST_USE enum result store_device_by_entra(struct store *s, struct arena *a, const char *tenant, const char *device,
                                           struct store_device **ret, size_t *ret_count, struct error *err);
MUST_USE enum result store_device_set_entra(struct store *s, const char *guid, const char *tenant, const char *device,
                                            struct error *err);
/* All but GUID, key, tenant's device and times of an existing record. What a device does itself bumps by what rules see
 * alone, and the bundle gathered. */
MUST_USE enum result store_device_update(struct store *s, const struct store_device *d, struct error *err);
/* The record that a certificate of this name belongs to, of this machine; and that it has another key from now on, as a
 * certificate that was renewed brings one. */
MUST_USE enum result store_device_renewed(struct store *s, struct arena *a, const char *machine, const char *name,
                                          struct store_device *ret, struct error *err);
MUST_USE enum result store_device_rekey(struct store *s, const char *guid, const char *spki, struct error *err);
/* An administrator's word: the name (unless a certificate says it) and the hardware id are the device's, what it
 * shares with a removed device may come in again, its Entra device is no other machine's, and where it waited for its
 * hardware id, it is of the same machine as the device that was known by it. Bumps the bundle. */
MUST_USE enum result store_device_approve(struct store *s, const char *guid, struct error *err);
/* Notes that the key came with another hardware id than the record's. */
MUST_USE enum result store_device_note_clone(struct store *s, const char *guid, const char *hardware_id, int64_t now,
                                             struct error *err);
/* With it the records of its machine, as far as that is proven by their own key. Bumps the bundle. */
MUST_USE enum result store_device_block(struct store *s, const char *guid, bool blocked, struct error *err);
/* The record is gone; the GUID stays refused until every access token of it has ended, and unless `forget`, so do its
 * credentials (store/device/known.h). */
MUST_USE enum result store_device_remove(struct store *s, const char *guid, bool forget, struct error *err);
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
/* Of the devices from `first` to `last`, by GUID: those of a machine that a certificate was let in for by this anchor.
 */
MUST_USE enum result store_anchored_of_page(struct store *s, struct arena *a, const char *anchor, const char *first,
                                            const char *last, const char ***ret, size_t *ret_count, struct error *err);
/* The same of all, as far as another method than its certificate lets them in: how many there are, and the first
 * `limit` (guid and name alone). Of `anchor` "": those of whom it is not known. */
MUST_USE enum result store_anchored_by_token(struct store *s, struct arena *a, const char *anchor, int64_t limit,
                                             int64_t *ret_all, struct store_device **ret, size_t *ret_count,
                                             struct error *err);

/* Those of the devices from `first` to `last`, by GUID, then as they came; `limit` at most, without their PEM (""). */
MUST_USE enum result store_certificate_list_of_page(struct store *s, struct arena *a, const char *first,
                                                    const char *last, int64_t limit, struct store_certificate **ret,
                                                    size_t *ret_count, struct error *err);

/* Those that a PKI vouched for, of all records of the machine: a device that changed its method has a record for each.
 * The newest first, STORE_CERTIFICATES_A_DEVICE at most. */
MUST_USE enum result store_certificate_list_of_machine(struct store *s, struct arena *a, const char *machine,
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

/* Devices, let in, whose last token can't be renewed any more from some time between `from` and `to` on: when it ends
 * and is not renewed by then. *ret_all: how many; and the first `limit`, whose end comes first. */
struct store_device_ending {
    const char *guid, *name;
    int64_t last_seen, expires;
};
MUST_USE enum result store_device_token_ending(struct store *s, struct arena *a, int64_t from, int64_t to,
                                               int64_t limit, int64_t *ret_all, struct store_device_ending **ret,
                                               size_t *ret_count, struct error *err);

#endif
