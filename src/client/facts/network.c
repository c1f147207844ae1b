/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces: hardware address, addresses, state. */
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>

#include "client/facts/part.h"

enum { INTERFACES_MAX = 64, ADDRESSES_MAX = 32 };

static json_t *interface_of(json_t *all, const struct ifaddrs *i)
{
    json_t *o = json_object_get(all, i->ifa_name);
    if (!o && json_object_size(all) < INTERFACES_MAX) {
        o = json_pack("{s:b, s:[]}", "up", (i->ifa_flags & IFF_UP) != 0, "addresses");
        client_facts_put(all, i->ifa_name, o);
    }
    return o;
}

static void put_hardware(json_t *o, const struct sockaddr_ll *a)
{
    char text[18];
    const unsigned char *b = a->sll_addr;
    if (a->sll_halen != 6)
        return;
    (void)snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
    client_facts_put_text(o, "mac", slice_of(text));
}

static void put_address(json_t *o, const struct sockaddr *a)
{
    char text[NI_MAXHOST];
    json_t *list = json_object_get(o, "addresses");
    socklen_t size = a->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (json_array_size(list) < ADDRESSES_MAX && getnameinfo(a, size, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
        (void)json_array_append_new(list, json_string(text));
}

json_t *client_facts_network(const struct client_facts_of *of UNUSED)
{
    struct ifaddrs *list;
    json_t *all = json_object();
    if (getifaddrs(&list) != 0)
        return all;
    for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
        json_t *o = i->ifa_addr && !(i->ifa_flags & IFF_LOOPBACK) ? interface_of(all, i) : NULL;
        if (o && i->ifa_addr->sa_family == AF_PACKET)
            put_hardware(o, (const struct sockaddr_ll *)(const void *)i->ifa_addr);
        else if (o && (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6))
            put_address(o, i->ifa_addr);
    }
    freeifaddrs(list);
    return all;
}
