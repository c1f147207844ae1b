/* SPDX-License-Identifier: Apache-2.0 */
/* Where snapshots and what they are made of come to be: one loop, and the ways out of it. */
#ifndef GATEWAY_SNAPSHOT_HOME_H
#define GATEWAY_SNAPSHOT_HOME_H

#include "gateway/config.h"
#include "gateway/snapshot/current.h"
#include "gateway/tunnels.h"
#include "loop/loop.h"

/* Borrowed, all of it, by each that is made in it. */
struct snapshot_home {
    struct loop *loop;
    const struct gateway_tunnels *tunnels; /* of that loop */
    const struct gateway_config *config;   /* the site, its pin, the state folder, allow_targets */
    struct snapshot_current *current;
};

#endif
