/* SPDX-License-Identifier: Apache-2.0 */
/* A socket, a handshake and its end, by poll with one deadline. Blocks; what was shown is looked at in certificate.c.
 * */
#include "analyze/probe.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "web/outcome.h"

static const struct {
    int min, max;
    const char *ciphers; /* up to TLS 1.2 */
    unsigned char alpn[16];
    unsigned alpn_len;
} kinds[] = {
    [ANALYZE_PROBE_CLIENT] = {TLS1_2_VERSION, TLS1_3_VERSION, "DEFAULT:@SECLEVEL=0", "\x08http/1.1", 9},
    [ANALYZE_PROBE_OLD] = {TLS1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0", "", 0},
    [ANALYZE_PROBE_TUNNEL] = {TLS1_3_VERSION, TLS1_3_VERSION, "DEFAULT", "\x03rh2", 4},
};

enum analyze_cause analyze_connect_cause(enum web_fault fault)
{
    static const struct {
        enum web_fault fault;
        enum analyze_cause cause;
    } table[] = {{WEB_FAULT_NONE, ANALYZE_CAUSE_NONE},
                 {WEB_FAULT_NAME_NOT_FOUND, ANALYZE_CAUSE_NAME_NOT_FOUND},
                 {WEB_FAULT_CONNECT_REFUSED, ANALYZE_CAUSE_REFUSED},
                 {WEB_FAULT_NO_ROUTE, ANALYZE_CAUSE_NO_ROUTE},
                 {WEB_FAULT_TIMED_OUT, ANALYZE_CAUSE_FILTERED},
                 {WEB_FAULT_PROXY, ANALYZE_CAUSE_PROXY},
                 {WEB_FAULT_STOPPED, ANALYZE_CAUSE_STOPPED}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].fault == fault)
            return table[i].cause;
    }
    return ANALYZE_CAUSE_REFUSED;
}

static SSL *new_ssl(const struct web_endpoint *at, enum analyze_probe_kind kind, SSL_CTX **ret_ctx)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, kinds[kind].min) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, kinds[kind].max) != 1 ||
        SSL_CTX_set_cipher_list(ctx, kinds[kind].ciphers) != 1)
        fatal("OpenSSL can't make a TLS client");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* judged afterwards, by certificate.h */
    SSL *ssl = SSL_new(ctx);
    if (!ssl || (kinds[kind].alpn_len && SSL_set_alpn_protos(ssl, kinds[kind].alpn, kinds[kind].alpn_len) != 0))
        fatal("OpenSSL can't make a TLS client");
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(at->host);
    if (!address && SSL_set_tlsext_host_name(ssl, at->host) != 1)
        fatal("OpenSSL does not take the name '%s'", at->host);
    ASN1_OCTET_STRING_free(address);
    ERR_clear_error(); /* a name is no address */
    *ret_ctx = ctx;
    return ssl;
}

/* 1: go on; 0: time is up. */
static int wait_for(int fd, int ssl_error, uint64_t until)
{
    uint64_t now = clock_mono_ms();
    struct pollfd p = {.fd = fd, .events = ssl_error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN};
    if (now >= until)
        return 0;
    uint64_t left = until - now < 250 ? until - now : 250; /* to see signals */
    (void)poll(&p, 1, (int)left);
    return !web_http_stopped();
}

/* OpenSSL reads the first five bytes of what is no TLS; what follows is still there: "HTTP/1.1 407 …" at best. */
static void tell_clear(int fd, struct error *ret)
{
    char rest[80], line[80];
    ssize_t n = recv(fd, rest, sizeof rest, MSG_DONTWAIT);
    struct slice text = slice_make(rest, n > 0 ? (size_t)n : 0);
    web_text_clean(slice_cut(&text, '\r'), line, sizeof line);
    if (strncmp(line, "1.", 2) == 0 && line[2] && line[3] == ' ')
        (void)error_set(ret, R_IO, "it says 'HTTP/%s'", line);
}

static void explain(SSL *ssl, int ssl_error, struct analyze_peer *ret)
{
    static const struct {
        int reason;
        enum analyze_cause cause;
    } table[] = {{SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, ANALYZE_CAUSE_TLS_VERSION},
                 {SSL_R_UNSUPPORTED_PROTOCOL, ANALYZE_CAUSE_TLS_VERSION},
                 {SSL_R_WRONG_SSL_VERSION, ANALYZE_CAUSE_TLS_VERSION},
                 {SSL_R_WRONG_VERSION_NUMBER, ANALYZE_CAUSE_NOT_TLS},
                 {SSL_R_HTTP_REQUEST, ANALYZE_CAUSE_NOT_TLS},
                 {SSL_R_PACKET_LENGTH_TOO_LONG, ANALYZE_CAUSE_NOT_TLS},
                 {SSL_R_UNEXPECTED_EOF_WHILE_READING, ANALYZE_CAUSE_TLS_CUT}};
    unsigned long error = ERR_peek_error();
    const char *text = error ? ERR_reason_error_string(error) : NULL;
    ret->cause = ssl_error == SSL_ERROR_SYSCALL ? ANALYZE_CAUSE_TLS_CUT : ANALYZE_CAUSE_TLS_FAILED;
    for (size_t i = 0; error && i < ARRAY_LEN(table); i++) {
        if (ERR_GET_REASON(error) == table[i].reason && ERR_GET_LIB(error) == ERR_LIB_SSL)
            ret->cause = table[i].cause;
    }
    (void)error_set(&ret->detail, R_IO, "%s", text ? text : "the connection was closed or reset");
    if (ret->cause == ANALYZE_CAUSE_NOT_TLS)
        tell_clear(SSL_get_fd(ssl), &ret->detail);
}

static void shake(SSL *ssl, int fd, uint64_t until, struct analyze_peer *ret)
{
    for (;;) {
        ERR_clear_error();
        int r = SSL_connect(ssl), error = SSL_get_error(ssl, r);
        if (r == 1)
            break;
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
            explain(ssl, error, ret);
            break;
        }
        if (!wait_for(fd, error, until)) {
            ret->cause = web_http_stopped() ? ANALYZE_CAUSE_STOPPED : ANALYZE_CAUSE_TLS_CUT;
            (void)error_set(&ret->detail, R_TIMEOUT, "the connection stands, but no answer to the TLS greeting came");
            break;
        }
    }
    (void)snprintf(ret->version, sizeof ret->version, "%s", SSL_get_version(ssl));
    ret->leaf = SSL_get1_peer_certificate(ssl);
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    ret->sent = chain ? X509_chain_up_ref(chain) : NULL;
    ERR_clear_error();
}

void analyze_probe(const struct web_endpoint *at, enum analyze_probe_kind kind, long timeout_ms,
                   struct analyze_peer *ret)
{
    struct web_http *http = web_http_new();
    char address[64];
    int fd;
    *ret = (struct analyze_peer){.cause = ANALYZE_CAUSE_NONE};
    enum web_fault fault = web_http_connect(http, at, timeout_ms, &fd, address, &ret->detail);
    if (fault == WEB_FAULT_NONE) {
        SSL_CTX *ctx;
        SSL *ssl = new_ssl(at, kind, &ctx);
        if (SSL_set_fd(ssl, fd) != 1)
            fatal("OpenSSL does not take a socket");
        shake(ssl, fd, clock_mono_ms() + (uint64_t)timeout_ms, ret);
        SSL_free(ssl);
        SSL_CTX_free(ctx);
    } else {
        ret->cause = analyze_connect_cause(fault);
    }
    web_http_free(http);
}

void analyze_peer_done(struct analyze_peer *p)
{
    X509_free(p->leaf);
    sk_X509_pop_free(p->sent, X509_free);
    *p = (struct analyze_peer){.cause = ANALYZE_CAUSE_NONE};
}
