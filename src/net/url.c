/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the URL of a server into scheme, host, port and path, more narrowly than RFC 3986 would let it. Pure. */
#include "net/url.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/ascii.h"

static const struct {
    struct slice prefix;
    const char *scheme;
    uint16_t port;
} schemes[] = {{{"https://", 8}, "https", 443}, {{"http://", 7}, "http", 80}};

static enum result parse_rest(struct slice rest, uint16_t default_port, struct net_url *ret, struct error *err)
{
    static const char *const forbidden = "@?#\\ \"<>";
    for (const char *c = forbidden; *c; c++) {
        if (slice_find(rest, *c) != SIZE_MAX)
            return error_set(err, R_INVALID, "a URL here is scheme, host, port and path alone; found '%c'", *c);
    }
    size_t at = slice_find(rest, '/');
    struct slice host = at == SIZE_MAX ? rest : slice_make(rest.ptr, at);
    struct slice path = at == SIZE_MAX ? SLICE("/") : slice_skip(rest, at);
    if (!slice_to_cstr(path, ret->path, sizeof ret->path))
        return error_set(err, R_LIMIT, "the URL's path is longer than %zu bytes", sizeof ret->path - 1);
    return net_host_parse(host, default_port, ret->host, &ret->port, err);
}

enum result net_url_parse(struct slice text, struct net_url *ret, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (!slice_starts_nocase(text, schemes[i].prefix))
            continue;
        (void)snprintf(ret->scheme, sizeof ret->scheme, "%s", schemes[i].scheme);
        return parse_rest(slice_skip(text, schemes[i].prefix.len), schemes[i].port, ret, err);
    }
    return error_set(err, R_INVALID, "'%" PRIslice "' is not an http:// or https:// URL", SLICE_ARG(text));
}

/* The authority ends at the first '?' too (RFC 3986 3.2), so that what stands behind it never names a host. */
enum result net_url_parse_with_query(struct slice text, struct net_url *ret, struct error *err)
{
    struct slice query = text, rest = slice_cut(&query, '?');
    for (size_t i = 0; i < query.len; i++) {
        if (query.ptr[i] <= 0x20 || query.ptr[i] > 0x7e || strchr("#\\\"<>", query.ptr[i]))
            return error_set(err, R_INVALID, "the URL's query holds what no query holds (RFC 3986 3.4)");
    }
    return net_url_parse(rest, ret, err);
}

/* Where the authority begins and ends (RFC 3986 3.2); the end at the beginning: there is none. */
static void find_authority(struct slice url, size_t *ret_begin, size_t *ret_end)
{
    size_t at = slice_find_slice(url, SLICE("://"));
    *ret_begin = *ret_end = at == SIZE_MAX ? 0 : at + 3;
    while (at != SIZE_MAX && *ret_end < url.len && !strchr("/?#\\", url.ptr[*ret_end]))
        ++*ret_end;
}

void net_url_shown(struct slice url, char ret[NET_URL_SHOWN_SIZE])
{
    size_t begin, end, host;
    find_authority(url, &begin, &end);
    for (host = end; host > begin && url.ptr[host - 1] != '@'; host--)
        ;
    bool has_user = host > begin, is_http = slice_starts_nocase(url, SLICE("http"));
    size_t query = slice_find(slice_skip(url, end), '?');
    struct slice rest = slice_skip(url, has_user ? host : begin);
    bool has_query = is_http && query != SIZE_MAX;
    if (has_query)
        rest.len = (size_t)(url.ptr + end + query - rest.ptr);
    (void)snprintf(ret, NET_URL_SHOWN_SIZE, "%" PRIslice "%s%" PRIslice "%s", (int)begin, url.ptr ? url.ptr : "",
                   has_user ? "…@" : "", SLICE_ARG(rest), has_query ? "?…" : "");
}

void net_url_host(const struct net_url *url, char ret[NET_URL_HOST_SIZE])
{
    uint16_t own = 0;
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        own = strcmp(schemes[i].scheme, url->scheme) == 0 ? schemes[i].port : own;
    if (url->port == own)
        (void)snprintf(ret, NET_URL_HOST_SIZE, "%s", url->host);
    else
        (void)snprintf(ret, NET_URL_HOST_SIZE, "%s:%u", url->host, url->port);
    ascii_lower_all(ret, strlen(ret));
}

bool net_host_loopback(struct slice host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr v4;
    bool is_v4 = slice_to_cstr(host, text, sizeof text) && inet_pton(AF_INET, text, &v4) == 1;
    return slice_eq_nocase(host, SLICE("localhost")) || slice_eq(host, SLICE("::1")) ||
           (is_v4 && ntohl(v4.s_addr) >> 24 == 127); /* 127.example.com is a name */
}
