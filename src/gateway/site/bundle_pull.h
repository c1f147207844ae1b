/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a request for the next site bundle parked at the site, through a tunnel (PROTOCOL 3), and has what
 * comes built (gateway/snapshot/builder.h). */
#ifndef GATEWAY_SITE_BUNDLE_PULL_H
#define GATEWAY_SITE_BUNDLE_PULL_H

#include "gateway/snapshot/sources.h"

struct bundle_pull;
/* on_news: what is reported of bundles or sources is another. */
MUST_USE enum result bundle_pull_new(const struct snapshot_home *home, void (*on_news)(void *owner), void *owner,
                                     struct bundle_pull **ret, struct error *err);
void bundle_pull_free(struct bundle_pull *p); /* NULL allowed */

struct sources *bundle_pull_sources(struct bundle_pull *p); /* those that feed its snapshots; borrowed */

/* In the loop's thread, first of all: fetches the sources of the restored bundle. */
void bundle_pull_start(struct bundle_pull *p);

/* A tunnel came up, or drains: ask now if nothing is under way, or on another tunnel. */
void bundle_pull_kick(struct bundle_pull *p);

#endif
