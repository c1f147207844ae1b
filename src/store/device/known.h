/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the site knows already of whoever registers (PROTOCOL 8, "What nobody vouched for decides nothing"): another
 * record with its name, hardware id or Entra device, and the credentials of removed devices, which stay out until an
 * administrator approves a device with them, or that device's GUID.
 */
#ifndef STORE_DEVICE_KNOWN_H
#define STORE_DEVICE_KNOWN_H

#include "store/device/device.h"

/* "" is nothing that could be known. */
struct store_claim {
    const char *guid;                  /* of the record that claims it; "": a new one */
    const char *name, *vouched_name;   /* as told; as somebody else says */
    const char *hardware_id;           /* as told */
    const char *tenant, *entra_device; /* proven */
    const char *spki, *machine, *certificate;
    int64_t since; /* an administrator vouched for it at this second: what was removed before is no matter */
};

struct store_known {
    const char *guid, *name;
    const char *what; /* they share: "Entra device", "hardware id", "name", "key", "certificate" */
    bool blocked, removed;
    bool stands; /* somebody vouched for what they share, on the side of the one that is known */
};

/* Of the devices that share something with it, those of its own machine and those that wait and nobody vouched for
 * aside, the one that was shut out, else the one that shares most. R_NOTFOUND: nobody. */
MUST_USE enum result store_known_find(struct store *s, struct arena *a, const struct store_claim *c,
                                      struct store_known *ret, struct error *err);

/* Is a record blocked that has proven to be of this machine? Is one called by a certificate, but not so? */
MUST_USE enum result store_machine_blocked(struct store *s, const char *machine, bool *ret, struct error *err);
MUST_USE enum result store_machine_is_another(struct store *s, const char *machine, const char *name, bool *ret,
                                              struct error *err);
/* How many wait with the claim's told name, its hardware id or its Entra device? `vouched`: of those that somebody
 * vouches for alone. */
MUST_USE enum result store_known_waiting(struct store *s, const struct store_claim *c, bool vouched, int64_t *ret,
                                         struct error *err);

/* Inside a transaction: keeps the credentials of a device that is about to be removed; lets in those of this device,
 * and those that the removed device of this GUID held (R_NOTFOUND: none). */
MUST_USE enum result store_removed_remember(struct store *s, const char *guid, int64_t now, struct error *err);
MUST_USE enum result store_removed_forget(struct store *s, const char *guid, struct error *err);
MUST_USE enum result store_removed_readmit(struct store *s, const char *guid, struct error *err);
/* That one is shut out no more: gateways need not refuse those who wait because of it. */
MUST_USE enum result store_known_release(struct store *s, const char *guid, struct error *err);
/* Did the device that was removed have this Entra device? */
MUST_USE enum result store_removed_entra(struct store *s, const char *tenant, const char *device, bool *ret,
                                         struct error *err);

struct store_removed_key {
    const char *kind, *value; /* "key", "certificate" */
};
/* Those of a PKI, which gateways would let in. */
MUST_USE enum result store_removed_keys(struct store *s, struct arena *a, int64_t now, struct store_removed_key **ret,
                                        size_t *ret_count, struct error *err);

#endif
