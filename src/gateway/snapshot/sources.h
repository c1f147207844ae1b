/* SPDX-License-Identifier: Apache-2.0 */
/* The site's named sources at this gateway: fetched over the Internet or through a tunnel; in its home's loop. */
#ifndef GATEWAY_SNAPSHOT_SOURCES_H
#define GATEWAY_SNAPSHOT_SOURCES_H

#include "base/buf.h"
#include "gateway/snapshot/home.h"
#include "source/source.h"

struct sources;

/* In the home's loop. on_change: what is kept of lists or keys is another, so that another snapshot is due. on_state:
 * how a source is doing is. */
struct sources_events {
    void (*on_change)(void *owner);
    void (*on_state)(void *owner);
};

MUST_USE enum result sources_new(const struct snapshot_home *home, const struct sources_events *events, void *owner,
                                 struct sources **ret, struct error *err);
void sources_free(struct sources *s); /* NULL allowed */

/* There is another snapshot: other sources, other anchors. */
void sources_refresh(struct sources *s);
/* A tunnel came up or announced something. */
void sources_kick(struct sources *s);

/* A token of the tenant at this place of the bundle named a key that its source has not given yet: it is asked again,
 * at most once a minute (PROTOCOL 3). Any thread. */
void sources_unknown_key(struct sources *s, size_t tenant, const char *id);

/* Certificates below an anchor can't be judged without the lists at these places: those that may be are fetched, and
 * the verdict's detail tells which, or why not. Any thread. */
void sources_want_lists(struct sources *s, const struct bundle *b, const struct pki_list_places *places,
                        struct pki_verdict *v);

enum { SOURCES_STATES_MAX = 2 * BUNDLE_SOURCES_MAX };
/* As source_set_states: the site's own, then those that certificates point to. */
size_t sources_states(struct sources *s, struct source_state *ret, size_t max);

/* Appends their metrics. Any thread. */
MUST_USE enum result sources_metrics(struct sources *s, struct buf *out);

/* What is wrong with what is kept of lists, and what to do; false: nothing. */
bool sources_fault(const struct sources *s, char ret[ERROR_TEXT_MAX]);

#endif
