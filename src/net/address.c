/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text, both ways. */
#include "net/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/ascii.h"

static enum result parse_port(struct slice text, uint16_t *ret, struct error *err)
{
    uint64_t port;
    if (!slice_to_u64(text, &port) || port > 65535)
        return error_set(err, R_INVALID, "'%" PRIslice "' is not a port (0 to 65535)", SLICE_ARG(text));
    *ret = (uint16_t)port;
    return OK;
}

/* "host:port", "[v6]:port", "[v6]", "host", ":port" → its two parts; ret_port->ptr is NULL without a colon. */
static enum result split(struct slice text, struct slice *ret_host, struct slice *ret_port, bool *ret_v6,
                         struct error *err)
{
    *ret_v6 = text.len && text.ptr[0] == '[';
    if (!*ret_v6) {
        *ret_host = slice_cut(&text, ':');
        *ret_port = text;
        if (slice_find(text, ':') != SIZE_MAX)
            return error_set(err, R_INVALID, "an IPv6 address stands in brackets: [::1]:443");
        return OK;
    }
    struct slice rest = slice_skip(text, 1);
    *ret_host = slice_cut(&rest, ']');
    if (!rest.ptr || (rest.len && rest.ptr[0] != ':'))
        return error_set(err, R_INVALID, "'%" PRIslice "': expected [IPv6 address]:port", SLICE_ARG(text));
    *ret_port = rest.len ? slice_skip(rest, 1) : SLICE_NONE;
    return OK;
}

static void set_v6(struct net_address *ret, struct in6_addr host, uint16_t port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = host, .sin6_port = htons(port)};
    *ret = (struct net_address){.len = sizeof a};
    memcpy(&ret->storage, &a, sizeof a);
}

static void set_v4(struct net_address *ret, struct in_addr host, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = host, .sin_port = htons(port)};
    *ret = (struct net_address){.len = sizeof a};
    memcpy(&ret->storage, &a, sizeof a);
}

enum result net_address_parse(struct slice text, struct net_address *ret, struct error *err)
{
    struct slice host, port_text;
    struct in6_addr six;
    struct in_addr four;
    uint16_t port = 0;
    bool v6;
    char host_text[INET6_ADDRSTRLEN];
    enum result r = split(text, &host, &port_text, &v6, err);
    if (r != OK)
        return r;
    if (!port_text.ptr && !v6 && slice_find(host, '.') == SIZE_MAX) { /* "443" */
        port_text = host;
        host = SLICE_NONE;
    }
    if (!port_text.ptr)
        return error_set(err, R_INVALID, "'%" PRIslice "': the port is missing (address:port)", SLICE_ARG(text));
    r = parse_port(port_text, &port, err);
    if (r != OK)
        return r;
    if (!v6 && host.len == 0) {
        set_v6(ret, in6addr_any, port);
        return OK;
    }
    if (slice_to_cstr(host, host_text, sizeof host_text)) {
        if (v6 && inet_pton(AF_INET6, host_text, &six) == 1) {
            set_v6(ret, six, port);
            return OK;
        }
        if (!v6 && inet_pton(AF_INET, host_text, &four) == 1) {
            set_v4(ret, four, port);
            return OK;
        }
    }
    return error_set(err, R_INVALID, "'%" PRIslice "' is not a numeric address", SLICE_ARG(host));
}

void net_address_format_host(const struct net_address *a, char ret[NET_ADDRESS_TEXT])
{
    const void *host = NULL;
    ret[0] = '\0';
    if (a->storage.ss_family == AF_INET)
        host = &((const struct sockaddr_in *)&a->storage)->sin_addr;
    else if (a->storage.ss_family == AF_INET6)
        host = &((const struct sockaddr_in6 *)&a->storage)->sin6_addr;
    if (!host || !inet_ntop(a->storage.ss_family, host, ret, NET_ADDRESS_TEXT))
        (void)snprintf(ret, NET_ADDRESS_TEXT, "unknown");
}

void net_address_format_group(const struct net_address *a, char ret[NET_ADDRESS_TEXT])
{
    enum { KEPT = 8, SUFFIX = 4 };
    if (a->storage.ss_family != AF_INET6) {
        net_address_format_host(a, ret);
        return;
    }
    struct in6_addr six = ((const struct sockaddr_in6 *)&a->storage)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        (void)inet_ntop(AF_INET, six.s6_addr + sizeof six - sizeof(struct in_addr), ret, NET_ADDRESS_TEXT);
        return;
    }
    memset(six.s6_addr + KEPT, 0, sizeof six.s6_addr - KEPT);
    if (inet_ntop(AF_INET6, &six, ret, NET_ADDRESS_TEXT - SUFFIX))
        memcpy(ret + strlen(ret), "/64", SUFFIX);
}

struct net_group net_group_of(const char *host)
{
    struct net_group ret;
    struct net_address a;
    struct in6_addr six;
    cstr_copy(ret.text, sizeof ret.text, host);
    if (inet_pton(AF_INET6, host, &six) != 1)
        return ret;
    set_v6(&a, six, 0);
    net_address_format_group(&a, ret.text);
    return ret;
}

void net_address_format(const struct net_address *a, char ret[NET_ADDRESS_TEXT])
{
    char host[NET_ADDRESS_TEXT];
    net_address_format_host(a, host);
    if (a->storage.ss_family == AF_INET6)
        (void)snprintf(ret, NET_ADDRESS_TEXT, "[%s]:%u", host, net_address_port(a));
    else if (a->storage.ss_family == AF_INET)
        (void)snprintf(ret, NET_ADDRESS_TEXT, "%s:%u", host, net_address_port(a));
    else
        (void)snprintf(ret, NET_ADDRESS_TEXT, "%s", host);
}

uint16_t net_address_port(const struct net_address *a)
{
    if (a->storage.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->storage)->sin_port);
    if (a->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->storage)->sin6_port);
    return 0;
}

/* --- hosts --- */

static bool is_name(struct slice host)
{
    return host.len > 0 && ascii_all_alnum_or(host, "-._") && host.ptr[0] != '-' && host.ptr[0] != '.';
}

/* Forms that people write where a host is asked for. */
static const char *wanted_form(struct slice host)
{
    static const struct {
        const char *holds, *wanted;
    } forms[] = {
        {"://", ": write it without https://"},
        {"[", ": write an address without brackets here"},
        {"/", ": write it without a path"},
        {":", ": write it without its port, which is given apart"},
    };
    for (size_t i = 0; i < host.len; i++) {
        if ((unsigned char)host.ptr[i] >= 0x80)
            return ": write other letters in their xn-- form, as xn--bcher-kva.example for bücher.example";
    }
    size_t colons = 0;
    for (size_t i = 0; i < host.len; i++)
        colons += host.ptr[i] == ':';
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        bool is_colon = *forms[i].holds == ':' && !forms[i].holds[1];
        if (slice_find_slice(host, slice_of(forms[i].holds)) != SIZE_MAX && (!is_colon || colons == 1))
            return forms[i].wanted;
    }
    return "";
}

static enum result no_host(struct slice host, struct error *err)
{
    return error_set(err, R_INVALID, "'%" PRIslice "' is neither a host name nor an address%s", SLICE_ARG(host),
                     wanted_form(host));
}

enum result net_host_check(struct slice host, struct error *err)
{
    char text[NET_HOST_MAX];
    struct in6_addr six;
    bool fits = slice_to_cstr(host, text, sizeof text);
    return fits && (is_name(host) || inet_pton(AF_INET6, text, &six) == 1) ? OK : no_host(host, err);
}

enum result net_host_parse(struct slice text, uint16_t default_port, char ret_host[NET_HOST_MAX], uint16_t *ret_port,
                           struct error *err)
{
    struct slice host, port;
    struct in6_addr six;
    bool v6;
    enum result r = split(text, &host, &port, &v6, err);
    if (r != OK)
        return r;
    *ret_port = default_port;
    if (port.ptr && (r = parse_port(port, ret_port, err)) != OK)
        return r;
    if (!slice_to_cstr(host, ret_host, NET_HOST_MAX) ||
        (v6 ? inet_pton(AF_INET6, ret_host, &six) != 1 : !is_name(host)))
        return no_host(host, err);
    return OK;
}

static enum net_scope scope_v4(uint32_t a)
{
    if (a >> 24 == 127 || a >> 24 == 0)
        return NET_SCOPE_LOOPBACK;
    return a >> 16 == 0xa9fe ? NET_SCOPE_LINK_LOCAL : NET_SCOPE_OTHER;
}

/* The address of IPv4 that one of IPv6 leads to: mapped (RFC 4291 2.5.5.2), translated (RFC 6052 2.1), 6to4
 * (RFC 3056). */
static bool embedded_v4(const unsigned char *six, uint32_t *ret)
{
    static const struct {
        unsigned char prefix[12];
        size_t len, at;
    } forms[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12, 12}, {{0, 0x64, 0xff, 0x9b}, 12, 12}, {{0x20, 0x02}, 2, 2}};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (memcmp(six, forms[i].prefix, forms[i].len) != 0)
            continue;
        memcpy(ret, six + forms[i].at, sizeof *ret);
        *ret = ntohl(*ret);
        return true;
    }
    return false;
}

enum net_scope net_address_scope(const struct net_address *a)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    uint32_t four_in_it;
    if (a->storage.ss_family == AF_INET) {
        memcpy(&four, &a->storage, sizeof four);
        return scope_v4(ntohl(four.sin_addr.s_addr));
    }
    memcpy(&six, &a->storage, sizeof six);
    if (IN6_IS_ADDR_LOOPBACK(&six.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr))
        return NET_SCOPE_LOOPBACK;
    if (IN6_IS_ADDR_LINKLOCAL(&six.sin6_addr))
        return NET_SCOPE_LINK_LOCAL;
    return embedded_v4(six.sin6_addr.s6_addr, &four_in_it) ? scope_v4(four_in_it) : NET_SCOPE_OTHER;
}

const char *net_scope_name(enum net_scope scope)
{
    static const char *const names[] = {
        [NET_SCOPE_OTHER] = "other", [NET_SCOPE_LOOPBACK] = "loopback", [NET_SCOPE_LINK_LOCAL] = "link-local"};
    return names[scope];
}
