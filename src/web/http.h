/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTPS request after the other over libcurl: TLS 1.2 and up, peer and host always verified, no redirects, bounded
 * in time and size; credentials come from memory. A failure without an answer becomes a named cause. */
#ifndef WEB_HTTP_H
#define WEB_HTTP_H

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/error.h"

enum { WEB_ANSWER_MAX = 16 * 1024 * 1024, WEB_HEADERS_MAX = 12 };

/* X(symbol, word, what it means, what to do) */
#define WEB_FAULTS(X)                                                                                                  \
    X(NAME_NOT_FOUND, "name_not_found", "the name does not resolve",                                                   \
      "check CMGFQDNs, the DNS record of the gateway and the device's name servers")                                   \
    X(CONNECT_REFUSED, "connection_refused", "nothing takes connections at this address and port",                     \
      "check that cmg-gateway runs, the port, and firewalls in between")                                               \
    X(NO_ROUTE, "no_route", "the address can't be reached",                                                            \
      "check that the gateway's name leads to its address (getent hosts NAME), and the device's network (ip route "    \
      "get "                                                                                                           \
      "ADDRESS)")                                                                                                      \
    X(TIMED_OUT, "timeout", "there was no answer in time",                                                             \
      "check firewalls in between (TCP 443) and the gateway's load")                                                   \
    X(PROXY, "proxy", "the proxy could not be used",                                                                   \
      "check that the proxy that is named runs and lets CONNECT to the gateway's name and port pass; or name the "     \
      "gateway in no_proxy, where the device needs no proxy")                                                          \
    X(NOT_TLS, "not_tls", "what answers at this port does not speak TLS",                                              \
      "check the gateway's name and port in CMGFQDNs and what listens there; if it is a proxy, name it in "            \
      "https_proxy "                                                                                                   \
      "instead; if it stands before the gateway, let it pass TCP on as it is")                                         \
    X(TLS_UNTRUSTED, "tls_untrusted", "the server certificate comes from an issuer that is not trusted",               \
      "with an internal CA give the device its root: cmg-client set GatewayCA=FILE; an issuer that is not yours is a " \
      "proxy that breaks TLS open: exclude the gateway's name there")                                                  \
    X(TLS_WRONG_HOST, "tls_wrong_host", "the server certificate is for another name",                                  \
      "use a name of the certificate in CMGFQDNs, or issue one with this name")                                        \
    X(TLS_EXPIRED, "tls_expired", "the server certificate or an issuer of it has expired",                             \
      "renew the gateway's certificate; if it is valid, correct the device's clock")                                   \
    X(TLS_NOT_YET_VALID, "tls_not_yet_valid", "the server certificate is not valid yet", "correct the device's clock") \
    X(CLOCK, "clock_wrong", "the clocks of this machine and of the other side differ too much",                        \
      "set the clock that is wrong, and let both follow a time service (timedatectl set-ntp true)")                    \
    X(TLS_FAILED, "tls_failed", "device and server did not agree on TLS",                                              \
      "check what answers at this address; TLS 1.2 is the least")                                                      \
    X(CREDENTIAL, "credential_unusable", "TLS could not use the device's certificate or key",                          \
      "check Certificate and Key; keys must be PEM without a passphrase")                                              \
    X(ANCHORS, "anchors_unusable", "the anchors for the server's certificate can't be read",                           \
      "check the file that GatewayCA names")                                                                           \
    X(TOO_LARGE, "too_large", "the answer is larger than 16 MiB", "check what answers at this address")                \
    X(BROKEN, "broken_off", "the connection ended before the whole answer was there",                                  \
      "try again; if it persists, see the server's log, and what proxies and firewalls in between cut off")            \
    X(STOPPED, "stopped", "stopped by a signal", "start it again and let it end by itself")                            \
    X(OTHER, "transport", "the request failed on its way", "see what CcmMessaging.log says of it, then try again")

enum web_fault {
    WEB_FAULT_NONE,
#define WEB_X(symbol, word, text, remedy) WEB_FAULT_##symbol,
    WEB_FAULTS(WEB_X)
#undef WEB_X
        WEB_FAULT_COUNT
};
struct web_fault_info {
    const char *word, *text, *remedy;
};
const struct web_fault_info *web_fault_info(enum web_fault fault);

/* Everything borrowed for the time of the call. */
struct web_request {
    const char *method, *url;
    const char *headers[WEB_HEADERS_MAX];  /* "Name: value", NULL-terminated unless full */
    struct slice body;                     /* .ptr NULL: none */
    struct slice certificate_pem, key_pem; /* .ptr NULL: present none */
    struct slice anchors_pem;              /* .ptr NULL: the system's */
    long timeout_ms;                       /* 0: 15 s to connect, 60 s in all */
    long wait_ms; /* so much longer the other side may take to answer; it is noticed when it is gone meanwhile */
    /* The peer's certificate is not judged: for reading the clock of one whose certificate seems to have ended. Such a
     * request may carry nothing of worth, and nothing in its answer is to be believed. */
    bool unverified;
    /* Nor is it judged here: what goes and what comes is signed from end to end and holds no secret, so that whoever
     * stands between can do no more than keep it back. */
    bool sealed;
    /* Asked before the anchors are, for peers that another authority certifies; the name is compared in any case. OK:
     * it is who it must be; R_NOTFOUND: the anchors decide; anything else refuses it. NULL: the anchors alone decide.
     */
    enum result (*vouch)(void *arg, X509 *leaf, STACK_OF(X509) * chain, struct error *err);
    void *vouch_arg;
};

struct web_answer {
    long status;
    struct buf body;
    char status_text[128]; /* CMG-Status-Text */
    char etag[64];
    char content_range[80]; /* "" when absent */
    char location[256];     /* Location, cut; "" when absent */
    int64_t date;           /* wall seconds of Date; 0 when absent */
    long millis;            /* how long it took */
};
void web_answer_free(struct web_answer *a);

struct web_http; /* keeps connections between requests */
struct web_http *web_http_new(void);
void web_http_free(struct web_http *h); /* NULL allowed */

/* WEB_FAULT_NONE: an answer of whatever status is in *ret, which the caller frees (in every case). Otherwise *err
 * says what happened, without secrets, and what helps in this case where its .remedy is not NULL. */
MUST_USE enum web_fault web_http_do(struct web_http *h, const struct web_request *r, struct web_answer *ret,
                                    struct error *err);

struct web_endpoint {
    const char *host; /* IPv6 without brackets */
    unsigned port;
};

/* Connects to a server, through the proxy (web/proxy.h) when one applies, and sends
 * nothing. *ret_fd is non-blocking and belongs to `h` until its next request or end; `peer` is who was connected to. */
MUST_USE enum web_fault web_http_connect(struct web_http *h, const struct web_endpoint *at, long timeout_ms,
                                         int *ret_fd, char peer[64], struct error *err);

/* The time by the other side ("host:port"), from an answer that is believed in nothing else; 0: it tells none. */
int64_t web_http_peer_time(const char *authority, long timeout_ms);
enum { WEB_SKEW_S = 60 };
/* Do they differ by more? Then *ret says which time it is here and there. `there` 0: nothing is known of it. */
bool web_clocks_differ(int64_t there, int64_t here, char *ret, size_t size);

/* From a signal handler: a running request ends soon with WEB_FAULT_STOPPED. */
void web_http_stop(void);
bool web_http_stopped(void);

#endif
