/* SPDX-License-Identifier: Apache-2.0 */
/* The header by which a balancer tells whose connection it passes on: the PROXY protocol, version 2, of HAProxy's
 * proxy-protocol.txt 2.2. Version 1, a line of text, is not read. Pure. */
#ifndef NET_TOLD_H
#define NET_TOLD_H

#include "net/address.h"

enum { NET_TOLD_MAX = 4096 /* bytes of a header, what follows the addresses (TLVs) included: those are passed over */ };

enum net_told_kind {
    NET_TOLD_NOBODY, /* the balancer's own connection (a health check), or it does not say whose */
    NET_TOLD_CLIENT, /* `client` is who is connected to it */
};

struct net_told {
    enum net_told_kind kind;
    struct net_address client;
    size_t len; /* bytes of the header; what is behind it is the client's */
};

/* What a connection begins with. R_AGAIN: it may become a header; R_INVALID: it will not, in words; R_LIMIT: it is
 * longer than NET_TOLD_MAX. */
MUST_USE enum result net_told_read(struct slice begin, struct net_told *ret, struct error *err);

#endif
