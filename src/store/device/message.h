/* SPDX-License-Identifier: Apache-2.0 */
/* What devices tell of what they were given: state messages. Of each thing the last one is kept, of all of them those
 * of late. */
#ifndef STORE_DEVICE_MESSAGE_H
#define STORE_DEVICE_MESSAGE_H

#include "base/arena.h"
#include "store/store.h"

/* A device's: things of which the last message is kept, messages that are kept beside, and for how long. */
enum { STORE_STATES_A_DEVICE = 256, STORE_MESSAGES_A_DEVICE = 64, STORE_MESSAGES_KEEP_S = 90 * 86400 };

struct store_message {
    const char *id;             /* the device's, a GUID; "" for one of store_state_list */
    const char *kind;           /* "policy" */
    const char *subject;        /* which one */
    const char *state, *detail; /* "failed"; words, "" for none */
    int64_t version, at;        /* at: by the device's clock */
    int64_t received;
};

/* Inside a transaction. *ret_new: it was not known by its id. */
MUST_USE enum result store_message_add(struct store *s, const char *guid, const struct store_message *m, bool *ret_new,
                                       struct error *err);
/* To be called after those of one request: forgets the oldest of more than a device may have. */
MUST_USE enum result store_message_trim(struct store *s, const char *guid, struct error *err);
/* The last of each thing, those that came last first; `limit` at most. */
MUST_USE enum result store_state_list(struct store *s, struct arena *a, const char *guid, int64_t limit,
                                      struct store_message **ret, size_t *ret_count, struct error *err);
/* All of late, the newest first. */
MUST_USE enum result store_message_list(struct store *s, struct arena *a, const char *guid, struct store_message **ret,
                                        size_t *ret_count, struct error *err);
/* Forgets messages (not the last of a thing) that came before `before`; `limit` at most. */
MUST_USE enum result store_message_forget(struct store *s, int64_t before, int64_t limit, struct error *err);

#endif
