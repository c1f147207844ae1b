/* SPDX-License-Identifier: Apache-2.0 */
/* Reads CMGFQDNs. */
#include "client/state/fqdns.h"

#include <stdio.h>

#include "base/ascii.h"
#include "base/text/name.h"
#include "net/url.h"

enum { PORT_DEFAULT = 443, PORT_MAX = 65535 };

static bool only(struct slice s, const char *extra)
{
    return s.len > 0 && ascii_all_alnum_or(s, extra);
}

/* Cuts host and port of "name", "name:port", "[v6]", "[v6]:port". */
static bool cut_authority(struct slice text, struct slice *host, struct slice *port)
{
    *port = SLICE_NONE;
    if (slice_starts(text, SLICE("["))) {
        *port = slice_skip(text, 1);
        *host = slice_cut(port, ']');
        if (!port->ptr || !only(*host, ":."))
            return false;
        if (port->len == 0) {
            *port = SLICE_NONE;
            return true;
        }
        if (port->ptr[0] != ':')
            return false;
        *port = slice_skip(*port, 1);
        return true;
    }
    *port = text;
    *host = slice_cut(port, ':');
    return only(*host, ".-_") && host->ptr[0] != '-' && host->ptr[0] != '.';
}

static enum result parse_role(struct slice item, struct slice path, struct client_fqdn *ret, struct error *err)
{
    struct slice word = slice_cut(&path, '/');
    if (!slice_eq_nocase(word, SLICE("CCM_Proxy_MutualAuth")) || !path.ptr)
        return error_set(err, R_INVALID,
                         "'%" PRIslice "': after the name only /CCM_Proxy_MutualAuth/<role id> may stand",
                         SLICE_ARG(item));
    if (!name_valid(NAME_ROLE, path) || !slice_to_cstr(path, ret->role, sizeof ret->role))
        return error_set(err, R_INVALID, "'%" PRIslice "': a role id is 1 to 40 of A-Z a-z 0-9 . _ -", SLICE_ARG(item));
    return OK;
}

static enum result parse_item(struct slice item, struct client_fqdn *ret, struct error *err)
{
    struct slice path = item, host, port;
    struct slice authority = slice_cut(&path, '/');
    uint64_t number = PORT_DEFAULT;
    *ret = (struct client_fqdn){.port = PORT_DEFAULT};
    if (slice_find_slice(item, SLICE("://")) != SIZE_MAX)
        return error_set(err, R_INVALID, "'%" PRIslice "': give the name alone, without https://", SLICE_ARG(item));
    if (!cut_authority(authority, &host, &port) || !slice_to_cstr(host, ret->host, sizeof ret->host))
        return error_set(err, R_INVALID,
                         "'%" PRIslice "': this is no host name or address (several gateways: ';' between them)",
                         SLICE_ARG(item));
    if (port.ptr && (!slice_to_u64(port, &number) || number == 0 || number > PORT_MAX))
        return error_set(err, R_INVALID,
                         "'%" PRIslice "': the port is not between 1 and 65535 (several gateways: ';' between them)",
                         SLICE_ARG(item));
    ret->port = (unsigned)number;
    return path.ptr ? parse_role(item, path, ret, err) : OK;
}

enum result client_fqdns_parse(struct slice text, struct client_fqdns *ret, struct error *err)
{
    ret->count = 0;
    while (text.ptr) {
        struct slice item = slice_trim(slice_cut(&text, ';'));
        if (item.len == 0)
            continue;
        if (ret->count == CLIENT_FQDNS_MAX)
            return error_set(err, R_LIMIT, "CMGFQDNs names more than %d gateways", CLIENT_FQDNS_MAX);
        enum result r = parse_item(item, &ret->items[ret->count], err);
        if (r != OK)
            return r;
        ret->count++;
    }
    return OK;
}

enum result client_fqdn_parse_url(struct slice url, struct client_fqdn *ret, struct error *err)
{
    struct net_url u = {.port = 0};
    enum result r = net_url_parse(url, &u, err);
    if (r != OK || strcmp(u.scheme, "https") != 0 || strcmp(u.path, "/") != 0)
        r = error_set(err, R_INVALID, "'%" PRIslice "': write https://host[:port], without a path", SLICE_ARG(url));
    *ret = (struct client_fqdn){.port = u.port};
    if (r == OK && !slice_to_cstr(slice_of(u.host), ret->host, sizeof ret->host))
        r = error_set(err, R_INVALID, "'%" PRIslice "': the name is too long", SLICE_ARG(url));
    return r;
}

bool client_fqdn_same(const struct client_fqdn *a, const struct client_fqdn *b)
{
    return a->port == b->port && slice_eq_nocase(slice_of(a->host), slice_of(b->host));
}

void client_fqdn_authority(const struct client_fqdn *f, char ret[CLIENT_AUTHORITY_SIZE])
{
    const char *form = strchr(f->host, ':') ? "[%s]:%u" : "%s:%u";
    (void)snprintf(ret, CLIENT_AUTHORITY_SIZE, form, f->host, f->port);
}
