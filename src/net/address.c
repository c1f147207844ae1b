/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>

/* Cuts "host:port", "[v6]:port", ":port", "port" and "host"; *ret_port.ptr NULL: none written. */
static bool split(struct slice text, bool bare_is_port, struct slice *ret_host, struct slice *ret_port)
{
    *ret_port = SLICE_NONE;
    if (slice_starts(text, SLICE("["))) {
        size_t end = slice_find(text, ']');
        if (end == SIZE_MAX)
            return false;
        *ret_host = slice_make(text.ptr + 1, end - 1);
        struct slice rest = slice_skip(text, end + 1);
        if (rest.len == 0)
            return true;
        *ret_port = slice_skip(rest, 1);
        return rest.ptr[0] == ':';
    }
    struct slice rest = text;
    *ret_host = slice_cut(&rest, ':');
    if (rest.ptr) {
        *ret_port = rest;
        return slice_find(rest, ':') == SIZE_MAX; /* an IPv6 address wants brackets */
    }
    if (bare_is_port) {
        *ret_port = *ret_host;
        *ret_host = SLICE("");
    }
    return true;
}

static bool parse_port(struct slice text, uint16_t *ret)
{
    uint64_t number;
    if (!slice_to_u64(text, &number) || number > 65535)
        return false;
    *ret = (uint16_t)number;
    return true;
}

static void set_v4(struct net_address *a, struct in_addr host, uint16_t port)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&a->storage;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};
    a->len = sizeof *in;
}

static void set_v6(struct net_address *a, struct in6_addr host, uint16_t port)
{
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)&a->storage;
    *in = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = host};
    a->len = sizeof *in;
}

enum result net_address_parse(struct slice text, struct net_address *ret, struct error *err)
{
    struct slice host, port_text;
    char name[NET_ADDRESS_TEXT];
    uint16_t port;
    struct in_addr v4;
    struct in6_addr v6;
    *ret = (struct net_address){.len = 0};
    bool only_port = slice_find(text, ':') == SIZE_MAX;
    if (!split(text, only_port, &host, &port_text) || !port_text.ptr || !parse_port(port_text, &port) ||
        !slice_to_cstr(host, name, sizeof name))
        return error_set(err, R_INVALID,
                         "'%" PRIslice "' is not an address with a port, such as 127.0.0.1:443, [::1]:443 or :443",
                         SLICE_ARG(text));
    if (name[0] == '\0')
        set_v6(ret, in6addr_any, port);
    else if (inet_pton(AF_INET, name, &v4) == 1)
        set_v4(ret, v4, port);
    else if (inet_pton(AF_INET6, name, &v6) == 1)
        set_v6(ret, v6, port);
    else
        return error_set(err, R_INVALID, "'%s' is not a numeric IPv4 or IPv6 address", name);
    return OK;
}

void net_address_format_host(const struct net_address *a, char ret[NET_ADDRESS_TEXT])
{
    ret[0] = '\0';
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->storage;
    if (a->len == 0)
        return;
    if (a->storage.ss_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)&a->storage)->sin_addr, ret, NET_ADDRESS_TEXT);
    else if (a->storage.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        (void)inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, ret, NET_ADDRESS_TEXT);
    else if (a->storage.ss_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, ret, NET_ADDRESS_TEXT);
}

uint16_t net_address_port(const struct net_address *a)
{
    if (a->storage.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->storage)->sin_port);
    return a->storage.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&a->storage)->sin6_port) : 0;
}

void net_address_format(const struct net_address *a, char ret[NET_ADDRESS_TEXT])
{
    char host[NET_ADDRESS_TEXT];
    net_address_format_host(a, host);
    (void)snprintf(ret, NET_ADDRESS_TEXT, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, (unsigned)net_address_port(a));
}

enum result net_host_parse(struct slice text, uint16_t default_port, char ret_host[NET_HOST_MAX], uint16_t *ret_port,
                           struct error *err)
{
    struct slice host, port;
    if (!split(text, false, &host, &port) || host.len == 0 || !slice_to_cstr(host, ret_host, NET_HOST_MAX))
        return error_set(err, R_INVALID, "'%" PRIslice "' is not a host with an optional port", SLICE_ARG(text));
    *ret_port = default_port;
    if (port.ptr && (!parse_port(port, ret_port) || *ret_port == 0))
        return error_set(err, R_INVALID, "'%" PRIslice "' is not a port between 1 and 65535", SLICE_ARG(port));
    return OK;
}
