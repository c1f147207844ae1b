/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a request for the next site bundle parked at the site, through a tunnel of worker 0 (PROTOCOL 3), and has what
 * comes built (gateway/snapshot/builder.h). */
#ifndef GATEWAY_SITE_BUNDLE_PULL_H
#define GATEWAY_SITE_BUNDLE_PULL_H

#include "gateway/worker.h"

struct bundle_pull;
MUST_USE enum result bundle_pull_new(struct gateway_worker *w, struct bundle_pull **ret, struct error *err);
void bundle_pull_free(struct bundle_pull *p); /* NULL allowed */

/* In the worker's thread, first of all: fetches the sources of the restored bundle. */
void bundle_pull_start(struct bundle_pull *p);

/* A tunnel came up, or drains: ask now if nothing is under way, or on another tunnel. */
void bundle_pull_kick(struct bundle_pull *p);

#endif
