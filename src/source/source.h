/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named sources and what was last got of them: fetched by oneself or asked of a connector by id (PROTOCOL 3), checked
 * by the owner, kept on disk as the last good one, and fetched again before it ends. What is fetched and bad changes
 * nothing but the state that operators see.
 *
 * Lives in one loop; the slow parts (transfer, check, disk) run in the pool. OCSP responders are no documents and are
 * not fetched here.
 */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include "bundle/bundle.h"
#include "http/fetch.h"
#include "net/address.h"

enum { SOURCE_ID_MAX = 40, SOURCE_ERROR_MAX = 480, SOURCE_URL_SHOWN = 250 };

struct source_set;

/* What came, to be checked in a thread of the pool. */
struct source_candidate {
    const char *id;
    enum bundle_source_kind kind;
    struct slice bytes;   /* borrowed */
    struct slice present; /* the kept one; .ptr NULL: none */
    int64_t now;
    /* Out: */
    char *keep; /* malloc'ed: what to keep instead of `bytes`, or NULL */
    size_t keep_len;
    int64_t since; /* wall seconds: when it was made; 0: not known */
    int64_t until; /* wall seconds: when it ends; 0: never */
    bool unchanged;
};

struct source_events {
    /* The way to a connector for one that goes through it; R_AGAIN: none now. */
    http_fetch_send_fn *send;
    /* Pool thread. OK: it may be kept and used; else *err says why not. */
    enum result (*check)(void *owner, struct source_candidate *c, struct error *err);
    /* May this address be connected to? Pool thread. NULL: any. */
    bool (*may)(const void *owner, const struct net_address *to);
    /* A kept file is new. */
    void (*on_change)(void *owner);
    /* Failures began or ended: somebody may want to know. NULL allowed. */
    void (*on_state)(void *owner);
};

/* `folder` is made, 0700. */
MUST_USE enum result source_set_new(struct loop *loop, const char *folder, const struct source_events *events,
                                    void *owner, struct source_set **ret, struct error *err);
/* NULL allowed. Jobs under way end without effect; a check of theirs is waited for, and the owner is asked no more. */
void source_set_free(struct source_set *s);

/* These are the sources from now on (copied). New ones are fetched at once, what was kept of earlier processes is in
 * use until then; files of those that are gone are removed. */
void source_set_apply(struct source_set *s, const struct bundle_source *list, size_t count);

/* Something that failures may have hung on has changed (a tunnel came up, another anchor): those that failed are tried
 * again now. */
void source_set_retry(struct source_set *s);

/* A token names a key that this one has not given yet: fetched now, at most once a minute whatever tokens say
 * (PROTOCOL 3). An unknown id is ignored. */
void source_set_unknown_key(struct source_set *s, const char *id);

/* Where the last good one of a source is kept, malloc'ed; there may be none yet. It is replaced, never changed in place
 * (base/host/mapping.h). */
char *source_path(const char *folder, const struct bundle_source *s);

/* Does this one fail? Then *ret gets with what. Any thread. */
bool source_set_fails(struct source_set *s, const char *id, char ret[SOURCE_ERROR_MAX]);

/* For metrics, logs and reports. */
struct source_state {
    char id[SOURCE_ID_MAX + 1];
    enum bundle_source_kind kind;
    bool by_connector;
    bool pointed;                 /* for its owner: nobody named it, a certificate points to it */
    char url[SOURCE_URL_SHOWN];   /* where it is fetched from, cut to size; "": by a connector */
    int64_t fetched;              /* wall seconds of the last good fetch, of whichever process; 0: never */
    int64_t since, until;         /* when what is kept was made, and ends; 0: not known */
    int64_t next;                 /* when it is fetched next */
    unsigned failures;            /* in a row */
    char error[SOURCE_ERROR_MAX]; /* of the last fetch; "" when it was good */
};
/* Any thread. */
size_t source_set_states(struct source_set *s, struct source_state *ret, size_t max);

#endif
