/* SPDX-License-Identifier: Apache-2.0 */
/* http and https URLs of servers, as configuration and documents name them. */
#ifndef NET_URL_H
#define NET_URL_H

#include "net/address.h"

struct net_url {
    char scheme[8];          /* "http" or "https" */
    char host[NET_HOST_MAX]; /* without brackets */
    uint16_t port;           /* the scheme's own when none is written */
    char path[256];          /* "/" at least; without a query */
};

/* scheme "://" host [":" port] [path]; R_INVALID for anything else: user information, query, fragment, other schemes.
 */
MUST_USE enum result net_url_parse(struct slice text, struct net_url *ret, struct error *err);

/* The same where a query may follow, as in a certificate's pointers (RFC 5280 4.2.1.13: any HTTP URI); it stands in no
 * member. */
MUST_USE enum result net_url_parse_with_query(struct slice text, struct net_url *ret, struct error *err);

/* "host", or "host:port" where the port is not the scheme's own; lower case. */
enum { NET_URL_HOST_SIZE = NET_HOST_MAX + 6 };
void net_url_host(const struct net_url *url, char ret[NET_URL_HOST_SIZE]);

/* Any URL as it may be shown to all: "…" stands for user information, and for the query of http and https, which is
 * where passwords and keys stand. Cut to size. */
enum { NET_URL_SHOWN_SIZE = 1024 };
void net_url_shown(struct slice url, char ret[NET_URL_SHOWN_SIZE]);

/* This very machine by name or address: such a URL tells other machines nothing. */
bool net_host_loopback(struct slice host);

#endif
