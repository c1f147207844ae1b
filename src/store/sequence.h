/* SPDX-License-Identifier: Apache-2.0 */
/* Sequences of the signed documents (docs/protocol/wire.md 5): whoever changes what a document depends on bumps it in
 * the same transaction, so that no document is ever newer or older than its number says. */
#ifndef STORE_SEQUENCE_H
#define STORE_SEQUENCE_H

#include "store/store.h"

/* What a change touches. The bundle holds the location document, so the latter implies the former. */
enum { STORE_BUNDLE = 1, STORE_CONNECTORS = 2, STORE_LOCATION = 4 };

/* A new number is the last one and one, and never below the present time in seconds: a store that an older copy was put
 * over gives no number a second time. Inside a durable transaction. */
MUST_USE enum result store_bump(struct store *s, unsigned what, struct error *err);
/* The bundle, because of something that a device can do as often as it likes: at once when the last time is
 * STORE_GATHER_S ago, else what comes meanwhile is one bump, by store_sequence_refresh. */
enum { STORE_GATHER_S = 10 };
MUST_USE enum result store_bump_gathered(struct store *s, struct error *err);
MUST_USE enum result store_sequence_bump(struct store *s, const char *name, struct error *err);
/* The next number of a plain count. */
MUST_USE enum result store_sequence_count(struct store *s, const char *name, struct error *err);
/* Somebody holds a document of number `heard`, which this store never gave: every document is made anew, above that. */
MUST_USE enum result store_sequence_lift(struct store *s, int64_t heard, struct error *err);

/* 0 when it was never bumped. *ret_changed (NULL allowed): when it was, in wall seconds. */
MUST_USE enum result store_sequence_get(struct store *s, const char *name, int64_t *ret, int64_t *ret_changed,
                                        struct error *err);

/* For counts that are no documents' numbers. */
MUST_USE enum result store_sequence_put(struct store *s, const char *name, int64_t value, int64_t now,
                                        struct error *err);

/* Grows with each change of any document of gateways or connectors: what processes poll. */
#define STORE_SEQUENCE_SITE "site"
#define STORE_SEQUENCE_BUNDLE "bundle"
#define STORE_SEQUENCE_LOCATION "location"
#define STORE_SEQUENCE_CONNECTOR "connector:" /* and the id */
#define STORE_SEQUENCE_QUESTION "question"    /* the last number given */
#define STORE_SEQUENCE_POLICY "policy"        /* all devices'; a device's own is "policy:<guid>" */
#define STORE_SEQUENCE_AUDIT "audit-of:"      /* and an object: how many rows it had of late (audit.h) */

/* A document of this device's policy: the greater of both, and above it what the device's own was lifted by. */
MUST_USE enum result store_sequence_policy(struct store *s, const char *guid, int64_t *ret, struct error *err);
/* This device (NULL: any) may have come into a collection or left one: its policy is made anew when some policy is for
 * a collection. */
MUST_USE enum result store_sequence_policy_bump(struct store *s, const char *guid, struct error *err);
/* The same of this device, by something that it did itself, as often as it likes: its own number alone is another one,
 * the count that all policies' numbers come from stays, and the bundle is bumped gathered. Inside a durable
 * transaction. */
MUST_USE enum result store_sequence_policy_moved(struct store *s, const char *guid, struct error *err);
/* A device came, or has another key: whom client settings do not let use the gateways is in the bundle. */
MUST_USE enum result store_sequence_disallowed_moved(struct store *s, struct error *err);
/* The policy of this device (NULL: of all) is another one. Inside a durable transaction. */
MUST_USE enum result store_sequence_policy_next(struct store *s, const char *guid, struct error *err);
/* This device holds a policy of number `heard`, which this store never gave: its own numbers go on above that, at most
 * once in STORE_LIFT_EVERY_S, and nobody else's. *ret: they were lifted. */
enum { STORE_LIFT_EVERY_S = 60 };
MUST_USE enum result store_sequence_policy_lift(struct store *s, const char *guid, int64_t heard, bool *ret,
                                                struct error *err);
/* Inside a transaction: the device is no more. */
MUST_USE enum result store_sequence_policy_forget(struct store *s, const char *guid, struct error *err);

/* Bumps everything whose documents were made before `older_than` or after `newer_than`: documents end, so they are made
 * anew in time, and who takes them takes none from the future, where the clock was wrong for a while. */
MUST_USE enum result store_sequence_refresh(struct store *s, int64_t older_than, int64_t newer_than, struct error *err);

#endif
