/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of a name beside those of this machine's interfaces. */
#include "join/here.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "net/address.h"

static bool same(const struct sockaddr *a, const struct sockaddr *b)
{
    if (!b || a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr,
                  sizeof(struct in6_addr)) == 0;
}

static bool is_loopback(const struct addrinfo *a)
{
    struct net_address address = {.len = a->ai_addrlen};
    memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
    return net_address_scope(&address) == NET_SCOPE_LOOPBACK;
}

enum join_here join_here_among(const struct addrinfo *found, const struct ifaddrs *own)
{
    enum join_here ret = JOIN_ELSEWHERE;
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        if (is_loopback(a))
            return JOIN_LOOPBACK;
        for (const struct ifaddrs *i = own; i; i = i->ifa_next) {
            if (same(a->ai_addr, i->ifa_addr))
                ret = JOIN_HERE;
        }
    }
    return ret;
}

enum join_here join_here(const char *host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    struct ifaddrs *own = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return JOIN_UNKNOWN;
    (void)getifaddrs(&own);
    enum join_here ret = join_here_among(found, own);
    freeifaddrs(own);
    freeaddrinfo(found);
    return ret;
}
