/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialling, straight or through an HTTP proxy by CONNECT (RFC 9110 9.3.6): what comes of it is the TCP stream to
 * whoever is dialled, before a byte of TLS. The proxy's answer is bounded like every head; what it says is told in
 * words with its name, and never what was shown to it.
 */
#ifndef HTTP_H1_CONNECT_H
#define HTTP_H1_CONNECT_H

#include "net/tcp.h"

struct http_proxy {
    char host[NET_HOST_MAX]; /* "": straight */
    uint16_t port;
    /* The value of Proxy-Authorization ("Basic …", "Negotiate …"), malloc'ed, a secret; *ret NULL: there is none to
     * show. Asked for each connection, in a thread of its own, which may outlive the dial: `arg` outlives the loop.
     * NULL: none. */
    enum result (*authorize)(const void *arg, char **ret, struct error *err);
    const void *arg;
};

/* "host:port", brackets around IPv6: how the proxy is called in errors. */
enum { HTTP_PROXY_NAME_SIZE = NET_HOST_MAX + 8 };
void http_proxy_name(const struct http_proxy *proxy, char ret[HTTP_PROXY_NAME_SIZE]);

struct http_dial;

/* As net_dial_tcp(), whose events it has: exactly one callback, later, after which the dial is gone. `proxy` is
 * borrowed for the call, NULL: straight. Through one, the proxy resolves the name, timeout_ms counts for all of it, and
 * `may` is not asked. R_DENIED: the proxy wants a login; R_INVALID: it is none. */
struct http_dial *http_dial_tcp(struct loop *loop, const struct http_proxy *proxy, const char *host, uint16_t port,
                                uint64_t timeout_ms, const struct net_dial_events *events, void *ctx);
void http_dial_cancel(struct http_dial *d); /* no callback then; NULL allowed */

#endif
