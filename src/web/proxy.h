/* SPDX-License-Identifier: Apache-2.0 */
/* Which proxy requests go through, and how it is told. Where the environment names it, libcurl decides by the same
 * variables. */
#ifndef WEB_PROXY_H
#define WEB_PROXY_H

#include "base/error.h"
#include "base/slice.h"

/* In place of the environment's, for all requests of this process: the administrator's own choice. */
struct web_proxy {
    const char *url;      /* NULL: the environment's; "": straight */
    const char *no_proxy; /* as net_no_proxy_has() reads it; NULL: with `url` nobody, without it the environment's */
    /* The value of Proxy-Authorization, for each request that goes through a proxy, malloc'ed, a secret; *ret NULL:
     * none to show. NULL: what the URL says. */
    enum result (*authorize)(void *arg, char **ret, struct error *err);
    void *arg;
};
/* All borrowed, until the next call; NULL: the environment's again. Before there are threads. */
void web_proxy_use(const struct web_proxy *proxy);
const struct web_proxy *web_proxy_used(void); /* never NULL */

/* The proxy for https to this host: "https_proxy=http://proxy:3128" ("Proxy=…" where it is chosen), without user and
 * password, cut to size. false: none is set, or no_proxy names the host. */
MUST_USE bool web_proxy_of(const char *host, char *ret, size_t size);

/* What to tell of a proxy (as above) that answers CONNECT by 407 (RFC 9110 15.5.8). `challenges`: its
 * Proxy-Authenticate, "Basic realm=…, Negotiate", "": none. */
void web_proxy_tell_login(const char *proxy, const char *challenges, struct error *ret);

#endif
