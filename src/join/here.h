/* SPDX-License-Identifier: Apache-2.0 */
/* Does a name lead to this very machine? */
#ifndef JOIN_HERE_H
#define JOIN_HERE_H

#include <ifaddrs.h>
#include <netdb.h>

enum join_here {
    JOIN_HERE,     /* an address of it is one of this machine's */
    JOIN_LOOPBACK, /* … a loopback address, as connectors judge their targets (NET_SCOPE_LOOPBACK) */
    JOIN_ELSEWHERE,
    JOIN_UNKNOWN /* it does not resolve */
};
/* Asks the resolver; waits for it. `host`: a name or an address. */
enum join_here join_here(const char *host);
/* The same of what the resolver found, on a machine of these interfaces. */
enum join_here join_here_among(const struct addrinfo *found, const struct ifaddrs *own);

#endif
