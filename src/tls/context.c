/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts: what is the same for all of them, what a server's and a client's add, and the way from the first to the
 * chosen one. */
#include "tls/context_internal.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/mem.h"
#include "base/rand.h"
#include "der/shown.h"
#include "tls/library.h"
#include "tls/verify.h"

enum {
    SESSIONS_MAX = 5000,       /* of the process: about 12 kB each, most of it the certificate as OpenSSL reads it */
    SESSION_SECONDS = 20 * 60, /* who comes later makes a whole handshake */
    SESSION_CHAIN_MAX = 8192,  /* bytes: strangers get sessions too, that of more certificates is not kept */
    CERT_LIST_MAX = 64 * 1024, /* bytes of a peer's chain */
    CHAIN_MAX = 16,
};

static const char ciphers_tls12[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-"
                                    "SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-"
                                    "CHACHA20-POLY1305";

static const char ciphers_tls13[] = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

const char *tls_openssl_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    return reason ? reason : "unknown error";
}

/* Compressed certificates (DER_SHOWN_OPTIONS) are not taken: a few hundred octets of a peer would become 30 kB of
 * certificates that nobody charged for. */
static void set_common(SSL_CTX *ctx, bool tls13_only)
{
    (void)SSL_CTX_set_min_proto_version(ctx, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                       SSL_OP_PRIORITIZE_CHACHA | DER_SHOWN_OPTIONS);
    /* no auto chain: what an identity shows is what it was given, and nothing is built at each handshake */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    if (SSL_CTX_set_cipher_list(ctx, ciphers_tls12) != 1 || SSL_CTX_set_ciphersuites(ctx, ciphers_tls13) != 1 ||
        SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384:P-521") != 1)
        fatal("OpenSSL: %s", tls_openssl_reason());
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
    SSL_CTX_set_security_level(ctx, 2); /* 112 bits */
}

static SSL_CTX *new_ctx(const SSL_METHOD *method, bool tls13_only)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(tls_library(), NULL, method);
    if (!ctx)
        fatal("OpenSSL: %s", tls_openssl_reason());
    set_common(ctx, tls13_only);
    return ctx;
}

/* --- the first context of server connections --- */

static SSL_CTX *first;
static pthread_once_t first_once = PTHREAD_ONCE_INIT;

static size_t chain_size(SSL *ssl, SSL_SESSION *session)
{
    const STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int size = i2d_X509(SSL_SESSION_get0_peer(session), NULL);
    for (int i = 0; i < sk_X509_num(chain); i++)
        size += i2d_X509(sk_X509_value(chain, i), NULL);
    return (size_t)size;
}

/* It was kept before this is called. */
static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    if (chain_size(ssl, session) > SESSION_CHAIN_MAX)
        (void)SSL_CTX_remove_session(first, session);
    return 0; /* no reference of ours */
}

static void make_first(void)
{
    first = new_ctx(TLS_server_method(), false);
    (void)SSL_CTX_set_session_cache_mode(first, SSL_SESS_CACHE_SERVER);
    (void)SSL_CTX_sess_set_cache_size(first, SESSIONS_MAX);
    (void)SSL_CTX_set_timeout(first, SESSION_SECONDS);
    SSL_CTX_sess_set_new_cb(first, on_new_session);
}

SSL_CTX *tls_context_first(void)
{
    (void)pthread_once(&first_once, make_first);
    return first;
}

size_t tls_sessions_end(int64_t now)
{
    SSL_CTX_flush_sessions(tls_context_first(), (long)now);
    return (size_t)SSL_CTX_sess_number(tls_context_first());
}

void tls_context_apply(const struct tls_context *c, SSL *ssl)
{
    static const int modes[] = {
        [TLS_CLIENT_CERT_NONE] = SSL_VERIFY_NONE,
        [TLS_CLIENT_CERT_ASK] = SSL_VERIFY_PEER,
        [TLS_CLIENT_CERT_REQUIRE] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    unsigned char id[SSL_MAX_SID_CTX_LENGTH];
    (void)SSL_set_SSL_CTX(ssl, c->ssl);
    SSL_set_verify(ssl, modes[c->client_cert], NULL);
    (void)SSL_set_min_proto_version(ssl, c->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    (void)SSL_set_num_tickets(ssl, c->resumption ? 1 : 0);
    if (c->resumption)
        memcpy(id, c->session_id, sizeof id);
    else
        rand_bytes(id, sizeof id); /* nobody's: no session is ever found */
    (void)SSL_set_session_id_context(ssl, id, sizeof id);
}

/* --- making contexts --- */

static enum result set_alpn(struct tls_context *c, const char *list, struct error *err)
{
    struct slice rest = slice_of(list);
    while (rest.ptr) {
        struct slice name = slice_cut(&rest, ',');
        if (name.len == 0 || name.len > 255 || c->alpn_len + 1 + name.len > sizeof c->alpn)
            return error_set(err, R_INVALID, "ALPN list '%s' is malformed or too long", list);
        c->alpn[c->alpn_len++] = (unsigned char)name.len;
        memcpy(c->alpn + c->alpn_len, name.ptr, name.len);
        c->alpn_len += (unsigned)name.len;
    }
    return OK;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                       unsigned in_len, void *arg)
{
    const struct tls_context *c = arg;
    unsigned char *chosen;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_len, c->alpn, c->alpn_len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2: no_application_protocol */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static BIO *bio_of(struct slice text)
{
    BIO *bio = BIO_new_mem_buf(text.ptr, (int)text.len);
    if (!bio)
        fatal("OpenSSL: out of memory");
    return bio;
}

static int no_password(char *buf, int size, int rwflag, void *arg)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)arg;
    return -1; /* encrypted keys are refused, never asked about on a terminal */
}

/* PEM_read_bio_X509 gave NULL: was it the end of the text, or a certificate that is broken? Empties the queue. */
static bool at_end_of_pem(void)
{
    bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

static enum result use_certificates(SSL_CTX *ctx, struct slice pem, struct error *err)
{
    BIO *bio = bio_of(pem);
    X509 *cert = PEM_read_bio_X509(bio, NULL, no_password, NULL);
    enum result r = OK;
    if (!cert || SSL_CTX_use_certificate(ctx, cert) != 1)
        r = error_set(err, R_INVALID, "the certificate can't be used: %s", tls_openssl_reason());
    X509_free(cert);
    for (int i = 0; r == OK && (cert = PEM_read_bio_X509(bio, NULL, no_password, NULL)); i++) {
        if (i == CHAIN_MAX || SSL_CTX_add1_chain_cert(ctx, cert) != 1)
            r = error_set(err, R_INVALID, "intermediate %d can't be used", i + 1);
        X509_free(cert);
    }
    if (r == OK && !at_end_of_pem())
        r = error_set(err, R_INVALID, "a certificate behind the first can't be read: %s", tls_openssl_reason());
    ERR_clear_error();
    BIO_free(bio);
    return r;
}

static enum result use_key(SSL_CTX *ctx, struct slice pem, struct error *err)
{
    BIO *bio = bio_of(pem);
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_password, NULL, tls_library(), NULL);
    BIO_free(bio);
    enum result r = OK;
    if (!key)
        r = error_set(err, R_INVALID, "the private key can't be read (PEM, unencrypted, is wanted): %s",
                      tls_openssl_reason());
    else if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
        r = error_set(err, R_INVALID, "the private key is not the certificate's: %s", tls_openssl_reason());
    EVP_PKEY_free(key);
    return r;
}

static enum result use_identity(SSL_CTX *ctx, const struct tls_identity *identity, struct error *err)
{
    enum result r = use_certificates(ctx, identity->certificate_pem, err);
    return r == OK ? use_key(ctx, identity->key_pem, err) : r;
}

static enum result done(struct tls_context *c, enum result r, struct tls_context **ret)
{
    if (r == OK)
        *ret = c;
    else
        tls_context_unref(c);
    return r;
}

enum result tls_context_server(const struct tls_server_options *o, struct tls_context **ret, struct error *err)
{
    if (o->client_cert == TLS_CLIENT_CERT_REQUIRE && (!o->verify || o->resumption))
        return error_set(err, R_INVALID, "a required certificate wants a judge, and one at each handshake");
    struct tls_context *c = mem_zalloc(sizeof *c);
    *c = (struct tls_context){.refs = 1,
                              .is_server = true,
                              .client_cert = o->client_cert,
                              .verify = o->client_cert == TLS_CLIENT_CERT_NONE ? NULL : o->verify,
                              .verify_arg = o->verify_arg,
                              .tls13_only = o->tls13_only,
                              .resumption = o->resumption};
    rand_bytes(c->session_id, sizeof c->session_id);
    c->ssl = new_ctx(TLS_server_method(), o->tls13_only);
    if (o->resumption)
        (void)SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_cert_verify_callback(c->ssl, tls_verify, c);
    enum result r = o->alpn ? set_alpn(c, o->alpn, err) : OK;
    if (r == OK && c->alpn_len)
        SSL_CTX_set_alpn_select_cb(c->ssl, select_alpn, c);
    if (r == OK)
        r = use_identity(c->ssl, &o->identity, err);
    for (size_t i = 0; r == OK && i < o->more_count; i++)
        r = use_identity(c->ssl, &o->more[i], err);
    return done(c, r, ret);
}

static enum result use_anchors(SSL_CTX *ctx, struct slice pem, struct error *err)
{
    if (!pem.ptr)
        return SSL_CTX_set_default_verify_paths(ctx) == 1
                   ? OK
                   : error_set(err, R_IO, "the system's trusted certificates can't be loaded");
    BIO *bio = bio_of(pem);
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509 *cert;
    size_t count = 0;
    while ((cert = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
        count += X509_STORE_add_cert(store, cert) == 1;
        X509_free(cert);
    }
    BIO_free(bio);
    if (!at_end_of_pem())
        return error_set(err, R_INVALID, "trusted certificate %zu can't be read: %s", count + 1, tls_openssl_reason());
    return count ? OK : error_set(err, R_INVALID, "there is no certificate in the PEM of trusted anchors");
}

enum result tls_context_client(const struct tls_client_options *o, struct tls_context **ret, struct error *err)
{
    struct tls_context *c = mem_zalloc(sizeof *c);
    *c = (struct tls_context){.refs = 1, .verify = o->verify, .verify_arg = o->verify_arg, .tls13_only = o->tls13_only};
    c->ssl = new_ctx(TLS_client_method(), o->tls13_only);
    SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(c->ssl, tls_verify, c);
    enum result r = o->verify ? OK : use_anchors(c->ssl, o->anchors_pem, err);
    if (r == OK && o->alpn)
        r = set_alpn(c, o->alpn, err);
    if (r == OK && c->alpn_len && SSL_CTX_set_alpn_protos(c->ssl, c->alpn, c->alpn_len) != 0)
        r = error_set(err, R_INVALID, "ALPN list '%s' is malformed", o->alpn);
    if (r == OK && o->identity.certificate_pem.len)
        r = use_identity(c->ssl, &o->identity, err);
    return done(c, r, ret);
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
    c->refs++;
    return c;
}

void tls_context_unref(struct tls_context *c)
{
    if (!c || --c->refs)
        return;
    SSL_CTX_free(c->ssl);
    free(c);
}
