/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a request for the next site bundle parked at the site, through a tunnel of worker 0 (PROTOCOL 3). */
#ifndef GATEWAY_BUNDLE_PULL_H
#define GATEWAY_BUNDLE_PULL_H

#include "gateway/worker.h"

struct bundle_pull;
struct bundle_pull *bundle_pull_new(struct gateway_worker *w);
void bundle_pull_free(struct bundle_pull *p); /* NULL allowed */

/* A tunnel came up, or drains: ask now if nothing is under way, or on another tunnel. */
void bundle_pull_kick(struct bundle_pull *p);

/* The last good bundle of an earlier process, from the state folder; missing is no error. */
void bundle_pull_restore(struct gateway *g);

#endif
