/* SPDX-License-Identifier: Apache-2.0 */
/* Strict readers of the members of documents, which copy into an arena: of this folder only. A member that is absent
 * or null counts as absent; one of the wrong kind is an error. */
#ifndef BUNDLE_MEMBER_H
#define BUNDLE_MEMBER_H

#include <jansson.h>

#include "base/arena.h"
#include "base/error.h"
#include "choices/choices.h"

/* The alphabets of docs/protocol/wire.md section 1. */
enum member_form {
    MEMBER_ROLE_ID,     /* 1 to 40 of A-Za-z0-9._- */
    MEMBER_PEER_ID,     /* 1 to 40 of a-z0-9- */
    MEMBER_ENDPOINT_ID, /* 1 to 64 of A-Za-z0-9._- */
    MEMBER_HOST,        /* a DNS name or IPv4 address, 1 to 253 */
    MEMBER_METHOD,      /* 1 to 32 of A-Za-z0-9_- */
    MEMBER_JTI,         /* 1 to 63 printable ASCII characters without blanks */
};
bool member_form_ok(enum member_form form, const char *text);

/* NULL in *ret when absent. */
MUST_USE enum result member_opt(const json_t *o, const char *name, json_type type, json_t **ret, struct error *err);

/* A string of that form, required. `lower`: ASCII letters are made small. */
MUST_USE enum result member_id(struct arena *a, const json_t *o, const char *name, enum member_form form, bool lower,
                               const char **ret, struct error *err);

/* Any text of at most max bytes; the fallback (borrowed) when absent. */
MUST_USE enum result member_text(struct arena *a, const json_t *o, const char *name, size_t max, const char *fallback,
                                 const char **ret, struct error *err);

MUST_USE enum result member_int(const json_t *o, const char *name, int64_t min, int64_t max, int64_t fallback,
                                int64_t *ret, struct error *err);
MUST_USE enum result member_bool(const json_t *o, const char *name, bool fallback, bool *ret, struct error *err);

/* An array of at most max items; NULL in *ret when absent. */
MUST_USE enum result member_array(const json_t *o, const char *name, size_t max, json_t **ret, struct error *err);

/* An array of 1 to 16 words → one text with blanks between, which none of them may hold. Required. */
MUST_USE enum result member_words(struct arena *a, const json_t *o, const char *name, const char **ret,
                                  struct error *err);

/* An array of method names → CHOICE_BIT()s; absent: none. */
MUST_USE enum result member_clients(const json_t *o, const char *name, unsigned *ret, struct error *err);

/* "https" or "ehttp", required. */
MUST_USE enum result member_mode(const json_t *o, const char *name, enum choice_mp *ret, struct error *err);

/* "upgrade": "websocket", or the member is absent. */
MUST_USE enum result member_upgrade(const json_t *o, bool *ret_websocket, struct error *err);

/* Zeroed room, or R_LIMIT. */
MUST_USE enum result member_room(struct arena *a, size_t count, size_t size, void **ret, struct error *err);
MUST_USE enum result member_copy(struct arena *a, const char *text, const char **ret, struct error *err);

#endif
