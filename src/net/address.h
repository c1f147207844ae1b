/* SPDX-License-Identifier: Apache-2.0 */
/* Numeric addresses, CIDR lists, and "host:port" as people write it. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/slice.h"

struct net_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

#define NET_ADDRESS_TEXT 64
#define NET_HOST_MAX 256

/* "127.0.0.1:443", "[::1]:443", ":443" (any address, both families through one IPv6 socket), "443". Numeric only. */
MUST_USE enum result net_address_parse(struct slice text, struct net_address *ret, struct error *err);
void net_address_format(const struct net_address *a, char ret[NET_ADDRESS_TEXT]); /* "1.2.3.4:5", "[::1]:5" */
/* Without the port. */
void net_address_format_host(const struct net_address *a, char ret[NET_ADDRESS_TEXT]);
/* Who counts as one: an IPv4 address "1.2.3.4", or the network that an IPv6 host picks its addresses from,
 * "2001:db8::/64". "::ffff:1.2.3.4" is the first kind in another form. */
void net_address_format_group(const struct net_address *a, char ret[NET_ADDRESS_TEXT]);
/* The same for a host's text; another text is what it is. */
struct net_group {
    char text[NET_ADDRESS_TEXT];
};
struct net_group net_group_of(const char *host);
uint16_t net_address_port(const struct net_address *a);

/* Addresses that mean this machine (loopback, unspecified; also as IPv4 in IPv6) or its link. */
enum net_scope { NET_SCOPE_OTHER, NET_SCOPE_LOOPBACK, NET_SCOPE_LINK_LOCAL };
enum net_scope net_address_scope(const struct net_address *a);
const char *net_scope_name(enum net_scope scope); /* "other", "loopback", "link-local" */

/* A DNS name or an address alone: neither brackets nor scheme, port or path. R_INVALID tells the form that is wanted.
 */
MUST_USE enum result net_host_check(struct slice host, struct error *err);

/* "host[:port]", "[v6][:port]" → host without brackets and port (default_port when absent). */
MUST_USE enum result net_host_parse(struct slice text, uint16_t default_port, char ret_host[NET_HOST_MAX],
                                    uint16_t *ret_port, struct error *err);

#endif
