/* SPDX-License-Identifier: Apache-2.0 */
/* The setting CMGFQDNs (PROTOCOL 6): which gateways the device may use, in the order in which it tries them.
 * `FQDN[:port][/CCM_Proxy_MutualAuth/<role id>]`, several of them with `;` between. */
#ifndef CLIENT_STATE_FQDNS_H
#define CLIENT_STATE_FQDNS_H

#include "base/error.h"
#include "base/slice.h"
#include "web/roles.h"

enum { CLIENT_FQDNS_MAX = 16 };

struct client_fqdn {
    char host[256]; /* a name or an IP literal; IPv6 without brackets */
    unsigned port;
    char role[WEB_ROLE_MAX + 1]; /* "" when it names none */
};
struct client_fqdns {
    struct client_fqdn items[CLIENT_FQDNS_MAX];
    size_t count;
};

/* Empty items between the semicolons are skipped; an empty text gives no gateway. R_INVALID names the item and what is
 * wrong with it, R_LIMIT more than CLIENT_FQDNS_MAX. */
MUST_USE enum result client_fqdns_parse(struct slice text, struct client_fqdns *ret, struct error *err);

/* A management point's URL: "https://host[:port]", a slash behind it allowed. R_INVALID says what is wrong. */
MUST_USE enum result client_fqdn_parse_url(struct slice url, struct client_fqdn *ret, struct error *err);
bool client_fqdn_same(const struct client_fqdn *a, const struct client_fqdn *b); /* host and port */

/* "host:port", IPv6 in brackets: as it stands in a URL. */
#define CLIENT_AUTHORITY_SIZE 272
void client_fqdn_authority(const struct client_fqdn *f, char ret[CLIENT_AUTHORITY_SIZE]);

#endif
