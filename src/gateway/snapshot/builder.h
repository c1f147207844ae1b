/* SPDX-License-Identifier: Apache-2.0 */
/* Makes snapshots in a thread of their own, one after the other, and publishes them: traffic goes on meanwhile, however
 * long the revocation lists are. Lives in its home's loop. */
#ifndef GATEWAY_SNAPSHOT_BUILDER_H
#define GATEWAY_SNAPSHOT_BUILDER_H

#include "gateway/snapshot/home.h"

struct builder;

/* on_bundle: once for each builder_bundle; *why says why it was refused; R_AGAIN: it is in use, but lists that it names
 * could not be had. on_publish: a new snapshot is in place. */
struct builder_events {
    void (*on_bundle)(void *owner, const struct error *why);
    void (*on_publish)(void *owner);
};

struct builder *builder_new(const struct snapshot_home *home, const struct builder_events *events, void *owner);
void builder_free(struct builder *b); /* a job under way ends without effect. NULL allowed */

/* Verifies, keeps and uses a signed bundle (copied); not before the last one's on_bundle. */
void builder_bundle(struct builder *b, struct slice text);
/* A list that was fetched is new. Many calls make one snapshot. */
void builder_again(struct builder *b);

/* The last good bundle of an earlier process, before the workers run; missing is no error. */
void builder_restore(const struct snapshot_home *home);

#endif
