/* SPDX-License-Identifier: Apache-2.0 */
/* Which HTTP proxy a connection goes through, by the variables that libcurl reads and as it reads them, so that a
 * machine's programs agree whether they use it or not. Pure but for getenv. */
#ifndef NET_PROXY_H
#define NET_PROXY_H

#include "net/address.h"

enum { NET_PROXY_PORT = 1080 /* where its URL names none: libcurl's */ };

#define NET_PROXY_NONE "none" /* in a configuration: straight, whatever the environment says */

struct net_proxy {
    char host[NET_HOST_MAX]; /* "": none */
    uint16_t port;
    char user[128], password[256]; /* of the URL; "": none. A secret */
};

/* "http://[USER[:PASSWORD]@]HOST[:PORT][/]", the scheme may be missing. R_INVALID for anything else, another scheme
 * included; no password is told in *err. */
MUST_USE enum result net_proxy_parse(struct slice url, struct net_proxy *ret, struct error *err);

/* The same for a configuration, which others may read: NET_PROXY_NONE (host ""), and no login in it. */
MUST_USE enum result net_proxy_configured(struct slice url, struct net_proxy *ret, struct error *err);

/* The proxy for TLS in the environment: the value of https_proxy, HTTPS_PROXY, all_proxy or ALL_PROXY, and which of
 * them. NULL: none is set. */
const char *net_proxy_variable(const char **ret_name);
const char *net_no_proxy_variable(void); /* no_proxy or NO_PROXY; "": none */

/* Does a list with commas or blanks between name this host (without brackets)? By itself, as a domain above it, as a
 * network that its address is in, or by "*" alone. */
bool net_no_proxy_has(const char *list, const char *host);

#endif
