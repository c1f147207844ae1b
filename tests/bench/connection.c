/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: connect, TLS handshake, then bytes for the protocol. Level-triggered and read-ahead, so that an
 * answer costs one read. From 127.0.0.1 and its neighbours in turn: thousands of handshakes a second would else run out
 * of ports that wait in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "load.h"

enum { READ_SIZE = 64 * 1024, SOURCES = 250 };

static void fault_text(struct load *l, const char *text)
{
    if (l->first_fault[0] == '\0')
        (void)snprintf(l->first_fault, sizeof l->first_fault, "%s", text);
}

void connection_fail(struct load_connection *c, const char *fmt, ...)
{
    char text[LOAD_FAULT_SIZE];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    fault_text(c->load, text);
    c->load->errors++;
    connection_close(c);
}

static void fail_tls(struct load_connection *c, const char *what, int got)
{
    char reason[128] = "closed by the server";
    if (SSL_get_error(c->ssl, got) == SSL_ERROR_SYSCALL && errno != 0)
        (void)snprintf(reason, sizeof reason, "%s", strerror(errno));
    if (ERR_peek_error() != 0)
        ERR_error_string_n(ERR_peek_error(), reason, sizeof reason);
    ERR_clear_error();
    connection_fail(c, "%s: %s", what, reason);
}

static void poll_for(struct load_connection *c, bool write, int op)
{
    struct epoll_event ev = {.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    if (op == EPOLL_CTL_MOD && c->wants_write == write)
        return;
    c->wants_write = write;
    if (epoll_ctl(c->load->epoll, op, c->fd, &ev) != 0)
        fatal("epoll_ctl: %s", strerror(errno));
}

static bool bind_source(const struct load_connection *c)
{
    static unsigned next;
    struct sockaddr_in from = {.sin_family = AF_INET};
    int yes = 1;
    if (ntohl(c->load->server.sin_addr.s_addr) >> 24 != 127)
        return true;
    from.sin_addr.s_addr = htonl(0x7f000001 + next++ % SOURCES);
    return setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) == 0 &&
           bind(c->fd, (const struct sockaddr *)&from, sizeof from) == 0;
}

/* TLS 1.3 sends its sessions after the handshake, one after another. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct load_connection *c = SSL_get_app_data(ssl);
    SSL_SESSION_free(c->session);
    c->session = session;
    return 1;
}

static enum result unusable(struct error *err, const char *path)
{
    char reason[128];
    ERR_error_string_n(ERR_peek_error(), reason, sizeof reason);
    return error_set(err, R_INVALID, "%s can't be used: %s", path, reason);
}

/* The key belongs to all of them: what differs is who the client is. */
enum result connection_add_certificates(struct load *l, const char *file, const char *key, struct error *err)
{
    BIO *in = BIO_new_file(file, "r");
    X509 *one;
    while (in && l->certificate_count < LOAD_CERTIFICATES_MAX && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)))
        l->certificates[l->certificate_count++] = one;
    BIO_free(in);
    ERR_clear_error(); /* the end of the file is one */
    if (l->certificate_count == 0 || SSL_CTX_use_certificate(l->tls, l->certificates[0]) != 1)
        return unusable(err, file);
    return SSL_CTX_use_PrivateKey_file(l->tls, key, SSL_FILETYPE_PEM) == 1 ? OK : unusable(err, key);
}

SSL_CTX *connection_context(const char *ca, bool h2, bool tls12, struct error *err)
{
    static const unsigned char h1_name[] = "\x08http/1.1", h2_name[] = "\x02h2";
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls || SSL_CTX_load_verify_file(tls, ca) != 1) {
        (void)unusable(err, ca);
        SSL_CTX_free(tls);
        return NULL;
    }
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(tls, 1);
    (void)SSL_CTX_set_max_proto_version(tls, tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
    (void)SSL_CTX_set_alpn_protos(tls, h2 ? h2_name : h1_name, h2 ? 3 : 9);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls, keep_session);
    return tls;
}

void connection_open(struct load_connection *c)
{
    int yes = 1;
    c->began = load_now();
    c->renew = false;
    c->state = LOAD_CONNECTING;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || !bind_source(c))
        fatal("no socket: %s", strerror(errno));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    poll_for(c, true, EPOLL_CTL_ADD);
    buf_init(&c->out, LOAD_OUT_MAX);
    c->ssl = SSL_new(c->load->tls);
    if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_tlsext_host_name(c->ssl, c->load->name) != 1 ||
        SSL_set1_host(c->ssl, c->load->name) != 1)
        fatal("out of memory (TLS)");
    if (c->load->certificate_count > 1 &&
        SSL_use_certificate(c->ssl, c->load->certificates[c->number % c->load->certificate_count]) != 1)
        fatal("a certificate does not fit the key");
    SSL_set_app_data(c->ssl, c);
    SSL_set_connect_state(c->ssl);
    if (c->load->mode == LOAD_RESUME && c->session)
        (void)SSL_set_session(c->ssl, c->session);
    if (connect(c->fd, (const struct sockaddr *)&c->load->server, sizeof c->load->server) != 0 && errno != EINPROGRESS)
        connection_fail(c, "connect: %s", strerror(errno));
}

void connection_close(struct load_connection *c)
{
    if (c->state == LOAD_CLOSED)
        return;
    if (c->state == LOAD_OPEN) {
        c->load->established--;
        ERR_clear_error();
        (void)SSL_shutdown(c->ssl); /* close_notify; its answer is not waited for */
    }
    if (c->protocol)
        (c->load->h2 ? h2_free : h1_free)(c->protocol);
    c->protocol = NULL;
    load_gone(c);
    SSL_free(c->ssl);
    c->ssl = NULL;
    (void)close(c->fd);
    buf_free(&c->out);
    c->state = LOAD_CLOSED;
}

void connection_write(struct load_connection *c, struct slice data)
{
    if (c->state == LOAD_OPEN && buf_append(&c->out, data) != OK)
        connection_fail(c, "the server does not read");
}

void connection_flush(struct load_connection *c)
{
    while (c->state == LOAD_OPEN && buf_len(&c->out) > 0) {
        struct slice data = buf_data(&c->out);
        ERR_clear_error();
        int n = SSL_write(c->ssl, data.ptr, (int)data.len);
        if (n > 0) {
            buf_consume(&c->out, (size_t)n);
        } else if (SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_WRITE) {
            poll_for(c, true, EPOLL_CTL_MOD);
            return;
        } else {
            fail_tls(c, "write", n);
        }
    }
    if (c->state == LOAD_OPEN)
        poll_for(c, false, EPOLL_CTL_MOD);
}

static void opened(struct load_connection *c)
{
    struct load *l = c->load;
    c->state = LOAD_OPEN;
    l->established++;
    if (l->measuring) {
        l->opened++;
        l->resumed += SSL_session_reused(c->ssl) == 1;
    }
    c->protocol = (l->h2 ? h2_new : h1_new)(c);
    load_ready(c);
}

static void shake(struct load_connection *c)
{
    c->state = LOAD_SHAKING;
    ERR_clear_error();
    int r = SSL_do_handshake(c->ssl);
    if (r == 1) {
        opened(c);
        return;
    }
    int why = SSL_get_error(c->ssl, r);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        poll_for(c, why == SSL_ERROR_WANT_WRITE, EPOLL_CTL_MOD);
    else
        fail_tls(c, "handshake", r);
}

static void take(struct load_connection *c)
{
    static char space[READ_SIZE];
    do {
        ERR_clear_error();
        int n = SSL_read(c->ssl, space, sizeof space);
        if (n > 0)
            (c->load->h2 ? h2_feed : h1_feed)(c->protocol, slice_make(space, (size_t)n));
        else if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
            fail_tls(c, "read", n);
        else
            return;
    } while (c->state == LOAD_OPEN && SSL_has_pending(c->ssl) == 1);
}

void connection_event(struct load_connection *c, uint32_t events)
{
    if (c->state == LOAD_CONNECTING) {
        int fault = 0;
        socklen_t len = sizeof fault;
        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &fault, &len) != 0 || fault != 0) {
            connection_fail(c, "connect: %s", strerror(fault));
            return;
        }
    }
    if (c->state == LOAD_CONNECTING || c->state == LOAD_SHAKING)
        shake(c);
    else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        take(c);
    if (c->state == LOAD_OPEN && c->renew)
        connection_close(c);
    else
        connection_flush(c);
}
