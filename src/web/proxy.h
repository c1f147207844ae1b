/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy that the environment names, for telling causes: what is done, libcurl decides by the same variables. */
#ifndef WEB_PROXY_H
#define WEB_PROXY_H

#include "base/error.h"
#include "base/slice.h"

/* The proxy for https to this host: "https_proxy=http://proxy:3128", without user and password, cut to size. false:
 * none is set, or no_proxy names the host (by itself, a domain above it, or "*"). */
MUST_USE bool web_proxy_of(const char *host, char *ret, size_t size);

/* What to tell of a proxy (as above) that answers CONNECT by 407 (RFC 9110 15.5.8). `methods`: CURLAUTH_… of its
 * Proxy-Authenticate, of which we know Basic alone. */
void web_proxy_tell_login(const char *proxy, long methods, struct error *ret);

#endif
