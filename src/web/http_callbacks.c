/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl and OpenSSL call back during a transfer: the answer is taken in, the peer's certificate noted or judged
 * by who vouches, a stop obeyed. Runs within web_http_do(). */
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "der/shown.h"
#include "pki/cert/cert.h"
#include "web/http_curl.h"
#include "web/outcome.h"

static volatile sig_atomic_t stop_asked;

void web_http_stop(void)
{
    stop_asked = 1;
}

bool web_http_stopped(void)
{
    return stop_asked != 0;
}

size_t web_curl_on_body(char *data, size_t size, size_t count, void *arg)
{
    struct web_transfer *t = arg;
    if (buf_append(&t->answer->body, slice_make(data, size * count)) == OK)
        return size * count;
    t->http->too_large = true;
    return 0;
}

static bool read_field(struct slice line, struct slice name, char *ret, size_t size)
{
    if (!slice_starts_nocase(line, name))
        return false;
    struct slice value = slice_trim(slice_skip(line, name.len));
    web_text_clean(value, ret, size);
    return true;
}

/* A proxy's answer to CONNECT comes here first, and others before the final one: none of their fields is the peer's. */
static bool begins_answer(struct web_answer *a, struct slice line)
{
    if (!slice_starts(line, SLICE("HTTP/")))
        return false;
    a->status_text[0] = a->etag[0] = a->location[0] = '\0';
    a->date = 0;
    return true;
}

/* The logins that a proxy takes, each with its realm, ", " between. */
static void note_challenge(struct web_http *h, struct slice line)
{
    size_t used = strlen(h->challenges);
    char one[sizeof h->challenges];
    if (read_field(line, SLICE("Proxy-Authenticate:"), one, sizeof one))
        (void)snprintf(h->challenges + used, sizeof h->challenges - used, "%s%s", used ? ", " : "", one);
}

size_t web_curl_on_header(char *data, size_t size, size_t count, void *arg)
{
    struct web_transfer *t = arg;
    struct slice line = slice_make(data, size * count);
    char date[64];
    while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    note_challenge(t->http, line);
    if (begins_answer(t->answer, line) ||
        read_field(line, SLICE("CMG-Status-Text:"), t->answer->status_text, sizeof t->answer->status_text) ||
        read_field(line, SLICE("ETag:"), t->answer->etag, sizeof t->answer->etag) ||
        read_field(line, SLICE("Content-Range:"), t->answer->content_range, sizeof t->answer->content_range) ||
        read_field(line, SLICE("Location:"), t->answer->location, sizeof t->answer->location))
        return size * count;
    if (read_field(line, SLICE("Date:"), date, sizeof date)) {
        time_t when = curl_getdate(date, NULL);
        t->answer->date = when > 0 ? (int64_t)when : 0;
    }
    return size * count;
}

int web_curl_on_progress(void *arg, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
    (void)arg, (void)dt, (void)dn, (void)ut, (void)un;
    return stop_asked != 0;
}

/* Only notes which certificate failed and why: the decision stays OpenSSL's. */
static int on_verify(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct web_http *h = ssl ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
    X509 *cert = X509_STORE_CTX_get_current_cert(store);
    if (h && ok && cert && X509_STORE_CTX_get_error_depth(store) == 0)
        pki_cert_issuer(cert, h->leaf_issuer, sizeof h->leaf_issuer);
    if (ok || !h)
        return ok;
    h->tls_error = X509_STORE_CTX_get_error(store);
    if (cert) {
        pki_cert_subject(cert, h->tls_subject, sizeof h->tls_subject);
        pki_cert_issuer(cert, h->tls_issuer, sizeof h->tls_issuer);
        h->tls_not_before = pki_cert_not_before(cert);
        h->tls_not_after = pki_cert_not_after(cert);
    }
    return ok;
}

/* Instead of OpenSSL's own verification, which still decides when nobody vouches. */
static int on_chain(X509_STORE_CTX *store, void *arg)
{
    struct web_http *h = arg;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    struct error err = {0};
    enum result r = h->request->vouch(h->request->vouch_arg, leaf, X509_STORE_CTX_get0_untrusted(store), &err);
    if (r == R_NOTFOUND)
        return X509_verify_cert(store);
    X509_STORE_CTX_set_error(store, r == OK ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
    if (r == OK)
        return 1;
    h->tls_error = X509_V_ERR_CERT_UNTRUSTED;
    (void)snprintf(h->tls_text, sizeof h->tls_text, "%.255s", err.text);
    return 0;
}

CURLcode web_curl_on_tls(CURL *curl, void *ssl_ctx, void *arg)
{
    struct web_http *h = arg;
    const struct web_request *r = h->request;
    (void)curl;
    der_shown_guard(ssl_ctx, &h->certificates);
    if (web_curl_is_kept(r) && web_curl_use_kept(ssl_ctx, r, &h->identity) != OK)
        return CURLE_SSL_CERTPROBLEM;
    if (r->unverified || r->sealed) /* it would ask OpenSSL to verify after all */
        return CURLE_OK;
    if (r->vouch)
        SSL_CTX_set_cert_verify_callback(ssl_ctx, on_chain, arg);
    SSL_CTX_set_app_data(ssl_ctx, arg);
    SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, on_verify);
    return CURLE_OK;
}

/* OpenSSL reads the first five bytes of what is no TLS; what follows is still there. */
int web_curl_on_close(void *arg, curl_socket_t fd)
{
    struct web_http *h = arg;
    char rest[sizeof h->clear - 8];
    ssize_t n = recv(fd, rest, sizeof rest, MSG_DONTWAIT);
    struct slice text = slice_make(rest, n > 0 ? (size_t)n : 0), line = slice_cut(&text, '\r');
    if (slice_starts(line, SLICE("1.")) && line.len > 3 && line.ptr[3] == ' ') {
        memcpy(h->clear, "HTTP/", 6);
        web_text_clean(line, h->clear + 5, sizeof h->clear - 5);
    }
    return close(fd);
}
