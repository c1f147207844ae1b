/* SPDX-License-Identifier: Apache-2.0 */
/* The server of the client's tests. */
#include "tls_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/core_names.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

enum { REQUEST_MAX = 1 << 20, ANSWER_MAX = 64 << 20 };

struct tls_server {
    SSL_CTX *ctx;
    int listener;
    unsigned port;
    pthread_t thread;
    void (*answer)(void *arg, const struct tls_server_request *r, struct buf *ret);
    void *arg;
};

struct slice tls_server_field(const struct tls_server_request *r, const char *name)
{
    struct slice rest = r->head;
    while (rest.ptr) {
        struct slice value = slice_trim(slice_cut(&rest, '\n'));
        if (value.len && value.ptr[value.len - 1] == '\r')
            value.len--;
        struct slice field = slice_cut(&value, ':');
        if (value.ptr && slice_eq_nocase(field, slice_of(name)))
            return slice_trim(value);
    }
    return SLICE_NONE;
}

static int any_certificate(int ok, X509_STORE_CTX *ctx)
{
    (void)ok, (void)ctx;
    return 1;
}

static bool read_more(SSL *ssl, struct buf *in)
{
    char *at = buf_reserve(in, 4096);
    int n = at ? SSL_read(ssl, at, 4096) : 0;
    if (n > 0)
        buf_commit(in, (size_t)n);
    return n > 0;
}

static bool read_request(SSL *ssl, struct buf *in, struct tls_server_request *r)
{
    size_t end;
    uint64_t length = 0;
    while ((end = slice_find_slice(buf_data(in), SLICE("\r\n\r\n"))) == SIZE_MAX) {
        if (!read_more(ssl, in))
            return false;
    }
    r->head = slice_make(buf_data(in).ptr, end + 2);
    struct slice text = tls_server_field(r, "Content-Length");
    if (text.ptr && !slice_to_u64(text, &length))
        return false;
    while (buf_len(in) < end + 4 + length) {
        if (!read_more(ssl, in))
            return false;
    }
    struct slice head = slice_make(buf_data(in).ptr, end + 2); /* the buffer may have moved */
    r->verb = slice_cut(&head, ' ');
    r->target = slice_cut(&head, ' ');
    (void)slice_cut(&head, '\n');
    r->head = head;
    r->body = slice_make(buf_data(in).ptr + end + 4, (size_t)length);
    return true;
}

static void serve_one(struct tls_server *s, int fd)
{
    SSL *ssl = SSL_new(s->ctx);
    struct buf in, out;
    struct tls_server_request r = {0};
    buf_init(&in, REQUEST_MAX);
    buf_init(&out, ANSWER_MAX);
    if (ssl && SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1 && read_request(ssl, &in, &r)) {
        r.peer = SSL_get1_peer_certificate(ssl);
        s->answer(s->arg, &r, &out);
        X509_free(r.peer);
        struct slice data = buf_data(&out);
        for (int n = 1; data.len && n > 0; data = slice_skip(data, (size_t)n))
            n = SSL_write(ssl, data.ptr, (int)(data.len < 16384 ? data.len : 16384));
        (void)SSL_shutdown(ssl);
    }
    buf_free(&in);
    buf_free(&out);
    SSL_free(ssl);
}

static void *serve(void *arg)
{
    struct tls_server *s = arg;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0) {
        serve_one(s, fd);
        (void)close(fd);
    }
    return NULL;
}

struct tls_server *tls_server_start(X509 *cert, EVP_PKEY *key,
                                    void (*answer)(void *arg, const struct tls_server_request *r, struct buf *ret),
                                    void *arg)
{
    struct tls_server *s = mem_zalloc(sizeof *s);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    s->answer = answer;
    s->arg = arg;
    s->ctx = SSL_CTX_new(TLS_server_method());
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!s->ctx || SSL_CTX_use_certificate(s->ctx, cert) != 1 || SSL_CTX_use_PrivateKey(s->ctx, key) != 1 ||
        s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(s->listener, 16) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&a, &len) != 0)
        fatal("the test server can't start");
    SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, any_certificate);
    if (SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"test", 4) != 1) /* else no resumption with it */
        fatal("the test server can't resume sessions");
    s->port = ntohs(a.sin_port);
    if (pthread_create(&s->thread, NULL, serve, s) != 0)
        fatal("the test server has no thread");
    return s;
}

struct tls_server *tls_server_start_self_signed(void (*answer)(void *arg, const struct tls_server_request *r,
                                                               struct buf *ret),
                                                void *arg, char **ret_pem)
{
    static const char *const hosts[] = {"127.0.0.1", NULL};
    const int64_t hour = 3600, now = clock_wall_s();
    EVP_PKEY *key = pki_key_new();
    X509 *cert;
    const struct pki_request wanted = {.profile = PKI_TLS_SERVER,
                                       .common_name = "test",
                                       .hosts = hosts,
                                       .not_before = now - hour,
                                       .not_after = now + hour,
                                       .subject_key = key};
    if (pki_issue(&wanted, &cert, NULL) != OK)
        fatal("the test server has no certificate");
    struct tls_server *s = tls_server_start(cert, key, answer, arg);
    *ret_pem = pki_cert_pem(cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    return s;
}

void tls_server_show_slow(struct tls_server *s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    if (!key || !cert || EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit") != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) != 1 || !X509_gmtime_adj(X509_getm_notBefore(cert), 0) ||
        !X509_gmtime_adj(X509_getm_notAfter(cert), 3600) || X509_set_pubkey(cert, key) != 1 ||
        X509_sign(cert, key, EVP_sha256()) <= 0 || SSL_CTX_add1_chain_cert(s->ctx, cert) != 1)
        fatal("the test server can't show a slow key");
    X509_free(cert);
    EVP_PKEY_free(key);
}

unsigned tls_server_port(const struct tls_server *s)
{
    return s->port;
}

void tls_server_end(struct tls_server *s)
{
    (void)shutdown(s->listener, SHUT_RDWR); /* wakes accept() */
    (void)pthread_join(s->thread, NULL);
    (void)close(s->listener);
    SSL_CTX_free(s->ctx);
    free(s);
}
