/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net_dial_tcp and tls_connect for tests of the connector's dialer: each dial gives one end of a line in memory
 * (../http/loopback_stream.h), its TLS stands at once, and the test gets the other end. Linked instead of the real
 * ones, with ../http/fake_loop.h.
 */
#ifndef TESTS_FAKE_DIAL_H
#define TESTS_FAKE_DIAL_H

#include "net/stream.h"

/* The gateway's end of what was dialled belongs to whoever is called. NULL: nobody is there. */
struct fake_dial {
    void (*on_dial)(void *ctx, struct net_stream *gateway);
    void *ctx;
};
extern struct fake_dial fake_dial;

#endif
