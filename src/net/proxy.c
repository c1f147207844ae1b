/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of proxies, and lists of whom they are not for. */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/text/percent.h"
#include "net/network.h"

/* --- the proxy --- */

static bool decode(struct slice text, char *ret, size_t size)
{
    size_t len = 0;
    unsigned char c;
    while (text.len) {
        if (len + 1 >= size || !percent_take(&text, &c) || c < ' ' || c == 0x7f)
            return false;
        ret[len++] = (char)c;
    }
    ret[len] = '\0';
    return true;
}

static enum result take_login(struct slice login, struct net_proxy *ret, struct error *err)
{
    struct slice rest = login, user = slice_cut(&rest, ':');
    if (decode(user, ret->user, sizeof ret->user) && decode(rest, ret->password, sizeof ret->password))
        return OK;
    return error_set(err, R_INVALID, "user or password in the URL of the proxy is too long, or not percent-encoded");
}

enum result net_proxy_parse(struct slice url, struct net_proxy *ret, struct error *err)
{
    size_t at = slice_find_slice(url, SLICE("://"));
    struct slice scheme = slice_make(url.ptr, at == SIZE_MAX ? 0 : at), rest = url;
    memset(ret, 0, sizeof *ret);
    if (at != SIZE_MAX)
        rest = slice_skip(url, at + 3);
    for (size_t i = rest.len; i > 0; i--) {
        if (rest.ptr[i - 1] != '@')
            continue;
        if (take_login(slice_make(rest.ptr, i - 1), ret, err) != OK)
            return R_INVALID;
        rest = slice_skip(rest, i);
        break;
    }
    if (scheme.len && !slice_eq_nocase(scheme, SLICE("http")))
        return error_set(err, R_INVALID, "the proxy is spoken to by HTTP alone: http://HOST:PORT");
    if (slice_ends(rest, SLICE("/")))
        rest.len--;
    if (net_host_parse(rest, NET_PROXY_PORT, ret->host, &ret->port, err) != OK)
        return R_INVALID;
    return ret->port ? OK : error_set(err, R_INVALID, "the proxy has no port 0");
}

enum result net_proxy_configured(struct slice url, struct net_proxy *ret, struct error *err)
{
    memset(ret, 0, sizeof *ret);
    if (slice_eq(url, SLICE(NET_PROXY_NONE)))
        return OK;
    if (slice_find(url, '@') != SIZE_MAX)
        return error_set(err, R_INVALID,
                         "the URL names a user: give it apart, with the password in a file of its own, "
                         "which others don't read");
    return net_proxy_parse(url, ret, err);
}

static const char *first_of(const char *const *names, size_t count, const char **ret_name)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) {
            *ret_name = names[i];
            return value;
        }
    }
    return NULL;
}

const char *net_proxy_variable(const char **ret_name)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    return first_of(names, ARRAY_LEN(names), ret_name);
}

/* --- whom it is not for --- */

const char *net_no_proxy_variable(void)
{
    static const char *const names[] = {"no_proxy", "NO_PROXY"};
    const char *name, *value = first_of(names, ARRAY_LEN(names), &name);
    return value ? value : "";
}

static struct slice without_end(struct slice name)
{
    return slice_ends(name, SLICE(".")) ? slice_make(name.ptr, name.len - 1) : name;
}

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* "example.com" and ".example.com" both name the domain and every host in it. */
static bool names_host(struct slice entry, struct slice host)
{
    while (entry.len && entry.ptr[0] == '.')
        entry = slice_skip(entry, 1);
    entry = without_end(entry);
    if (entry.len == 0 || entry.len > host.len)
        return false;
    struct slice end = slice_skip(host, host.len - entry.len);
    return slice_eq_nocase(end, entry) && (end.ptr == host.ptr || end.ptr[-1] == '.');
}

static bool names_network(struct slice entry, const char *host)
{
    char network[NET_ADDRESS_TEXT];
    if (entry.len > 2 && entry.ptr[0] == '[' && slice_ends(entry, SLICE("]")))
        entry = slice_make(entry.ptr + 1, entry.len - 2);
    return slice_to_cstr(entry, network, sizeof network) && net_networks_have(network, host);
}

bool net_no_proxy_has(const char *list, const char *host)
{
    struct slice rest = slice_of(list), name = without_end(slice_of(host));
    bool literal = is_address(host);
    if (slice_eq(slice_trim(rest), SLICE("*")))
        return true;
    while (rest.ptr) {
        struct slice some = slice_cut(&rest, ',');
        while (some.ptr) {
            struct slice entry = slice_trim(slice_cut(&some, ' '));
            if (entry.len && (literal ? names_network(entry, host) : names_host(entry, name)))
                return true;
        }
    }
    return false;
}
