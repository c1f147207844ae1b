/* SPDX-License-Identifier: Apache-2.0 */
/* The transport over libcurl. */
#include "web/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "web/outcome.h"
#include "web/proxy.h"

enum { CONNECT_MS = 15000, WHOLE_MS = 60000, CLOCK_MS = 5000 };

static volatile sig_atomic_t stop_asked;

struct web_http {
    CURL *curl;
    char curl_error[CURL_ERROR_SIZE];
    int tls_error;         /* X509_V_ERR_… of the last verification, X509_V_OK when it passed */
    char tls_subject[256]; /* of the certificate it failed at */
    char tls_issuer[256];
    int64_t tls_not_before, tls_not_after; /* its time */
    char proxy[256];                       /* the one that the running request goes through; "": none */
    bool too_large;
    const struct web_request *request; /* the running one, for on_chain */
    char tls_text[256];                /* why its `vouch` refused the peer; "" when it did not */
    char clear[96];                    /* the first line of an answer in clear to our ClientHello; "": none */
};

static const struct web_fault_info faults[WEB_FAULT_COUNT] = {[WEB_FAULT_NONE] = {"ok", "", ""},
#define WEB_X(symbol, word, text, remedy) [WEB_FAULT_##symbol] = {word, text, remedy},
                                                              WEB_FAULTS(WEB_X)
#undef WEB_X
};

const struct web_fault_info *web_fault_info(enum web_fault fault)
{
    return &faults[fault];
}

void web_http_stop(void)
{
    stop_asked = 1;
}

bool web_http_stopped(void)
{
    return stop_asked != 0;
}

struct web_http *web_http_new(void)
{
    struct web_http *h = mem_zalloc(sizeof *h);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(h->curl = curl_easy_init()))
        fatal("libcurl can't be started");
    return h;
}

void web_http_free(struct web_http *h)
{
    if (!h)
        return;
    curl_easy_cleanup(h->curl);
    curl_global_cleanup();
    free(h);
}

void web_answer_free(struct web_answer *a)
{
    buf_free(&a->body);
}

/* --- what libcurl calls back --- */

struct transfer {
    struct web_http *http;
    struct web_answer *answer;
};

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    if (buf_append(&t->answer->body, slice_make(data, size * count)) == OK)
        return size * count;
    t->http->too_large = true;
    return 0;
}

static bool field(struct slice line, struct slice name, char *ret, size_t size)
{
    if (!slice_starts_nocase(line, name))
        return false;
    struct slice value = slice_trim(slice_skip(line, name.len));
    web_text_clean(value, ret, size);
    return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    struct slice line = slice_make(data, size * count);
    char date[64];
    while (line.len && (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r'))
        line.len--;
    if (field(line, SLICE("CMG-Status-Text:"), t->answer->status_text, sizeof t->answer->status_text) ||
        field(line, SLICE("ETag:"), t->answer->etag, sizeof t->answer->etag) ||
        field(line, SLICE("Location:"), t->answer->location, sizeof t->answer->location))
        return size * count;
    if (field(line, SLICE("Date:"), date, sizeof date)) {
        time_t when = curl_getdate(date, NULL);
        t->answer->date = when > 0 ? (int64_t)when : 0;
    }
    return size * count;
}

static int on_progress(void *arg, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
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

static CURLcode on_tls(CURL *curl, void *ssl_ctx, void *arg)
{
    struct web_http *h = arg;
    (void)curl;
    if (h->request->vouch)
        SSL_CTX_set_cert_verify_callback(ssl_ctx, on_chain, arg);
    SSL_CTX_set_app_data(ssl_ctx, arg);
    SSL_CTX_set_verify(ssl_ctx, SSL_VERIFY_PEER, on_verify);
    return CURLE_OK;
}

/* OpenSSL reads the first five bytes of what is no TLS; what follows is still there. */
static int on_socket_close(void *arg, curl_socket_t fd)
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

/* --- setting up --- */

/* An option that libcurl does not take is a fault of the build, and none of them may be missing silently. */
#define SETOPT(curl, option, value)                                                                                    \
    do {                                                                                                               \
        if (curl_easy_setopt((curl), (option), (value)) != CURLE_OK)                                                   \
            fatal("libcurl does not take " #option);                                                                   \
    } while (0)

static struct curl_blob blob(struct slice data)
{
    return (struct curl_blob){.data = (void *)(uintptr_t)data.ptr, .len = data.len, .flags = CURL_BLOB_COPY};
}

static void set_tls(struct web_http *h, const struct web_request *r)
{
    SETOPT(h->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SETOPT(h->curl, CURLOPT_SSL_VERIFYPEER, r->unverified ? 0L : 1L);
    SETOPT(h->curl, CURLOPT_SSL_VERIFYHOST, r->unverified ? 0L : 2L);
    if (!r->unverified) { /* it would ask OpenSSL to verify after all */
        SETOPT(h->curl, CURLOPT_SSL_CTX_FUNCTION, on_tls);
        SETOPT(h->curl, CURLOPT_SSL_CTX_DATA, h);
    }
    if (r->anchors_pem.ptr) {
        struct curl_blob anchors = blob(r->anchors_pem);
        SETOPT(h->curl, CURLOPT_CAINFO_BLOB, &anchors);
    }
    if (r->certificate_pem.ptr) {
        struct curl_blob cert = blob(r->certificate_pem), key = blob(r->key_pem);
        SETOPT(h->curl, CURLOPT_SSLCERT_BLOB, &cert);
        SETOPT(h->curl, CURLOPT_SSLKEY_BLOB, &key);
    }
}

static void set_limits(struct web_http *h, long timeout_ms)
{
    SETOPT(h->curl, CURLOPT_PROTOCOLS_STR, "https");
    SETOPT(h->curl, CURLOPT_FOLLOWLOCATION, 0L);
    SETOPT(h->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SETOPT(h->curl, CURLOPT_PATH_AS_IS, 1L);
    SETOPT(h->curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms ? timeout_ms : (long)CONNECT_MS);
    SETOPT(h->curl, CURLOPT_TIMEOUT_MS, timeout_ms ? timeout_ms : (long)WHOLE_MS);
    SETOPT(h->curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)WEB_ANSWER_MAX);
    SETOPT(h->curl, CURLOPT_NOSIGNAL, 1L);
    SETOPT(h->curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SETOPT(h->curl, CURLOPT_USERAGENT, "OpenCMG-client/" CMG_VERSION);
    SETOPT(h->curl, CURLOPT_NOPROGRESS, 0L);
    SETOPT(h->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    SETOPT(h->curl, CURLOPT_ERRORBUFFER, h->curl_error);
    SETOPT(h->curl, CURLOPT_CLOSESOCKETFUNCTION, on_socket_close);
    SETOPT(h->curl, CURLOPT_CLOSESOCKETDATA, h);
}

static struct curl_slist *set_request(struct web_http *h, const struct web_request *r)
{
    struct curl_slist *headers = NULL;
    SETOPT(h->curl, CURLOPT_URL, r->url);
    if (r->body.ptr) {
        SETOPT(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
        SETOPT(h->curl, CURLOPT_POSTFIELDS, r->body.ptr);
    }
    SETOPT(h->curl, CURLOPT_CUSTOMREQUEST, r->method);
    for (size_t i = 0; i < WEB_HEADERS_MAX && r->headers[i]; i++) {
        struct curl_slist *more = curl_slist_append(headers, r->headers[i]);
        if (!more)
            fatal("out of memory");
        headers = more;
    }
    SETOPT(h->curl, CURLOPT_HTTPHEADER, headers);
    return headers;
}

/* --- causes --- */

static enum web_fault of_verification(const struct web_http *h)
{
    switch (h->tls_error) {
    case X509_V_OK: /* the chain passed, so libcurl's comparison of names did not */
        return WEB_FAULT_TLS_WRONG_HOST;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return WEB_FAULT_TLS_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return WEB_FAULT_TLS_NOT_YET_VALID;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
        return WEB_FAULT_TLS_UNTRUSTED;
    default:
        return WEB_FAULT_TLS_FAILED;
    }
}

static enum web_fault of_connect(const struct web_http *h)
{
    static const struct {
        const char *text;
        enum web_fault fault;
    } known[] = {{"refused", WEB_FAULT_CONNECT_REFUSED},
                 {"No route", WEB_FAULT_NO_ROUTE},
                 {"unreachable", WEB_FAULT_NO_ROUTE},
                 {"timed out", WEB_FAULT_TIMED_OUT}};
    long number = 0;
    if (curl_easy_getinfo(h->curl, CURLINFO_OS_ERRNO, &number) == CURLE_OK) {
        if (number == ECONNREFUSED)
            return WEB_FAULT_CONNECT_REFUSED;
        if (number == ENETUNREACH || number == EHOSTUNREACH)
            return WEB_FAULT_NO_ROUTE;
        if (number == ETIMEDOUT)
            return WEB_FAULT_TIMED_OUT;
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strstr(h->curl_error, known[i].text))
            return known[i].fault;
    }
    return WEB_FAULT_CONNECT_REFUSED;
}

/* Nothing came of the way that leads through a proxy: it did not get as far as TLS with the server itself. */
static bool is_proxy(const struct web_http *h, CURLcode code)
{
    curl_off_t tls = 0;
    long connects = 0;
    if (!*h->proxy || code == CURLE_COULDNT_CONNECT)
        return *h->proxy != '\0';
    if (curl_easy_getinfo(h->curl, CURLINFO_APPCONNECT_TIME_T, &tls) != CURLE_OK || tls > 0 ||
        curl_easy_getinfo(h->curl, CURLINFO_NUM_CONNECTS, &connects) != CURLE_OK || connects == 0)
        return false; /* a connection that was there already says nothing of the proxy */
    return code == CURLE_OPERATION_TIMEDOUT || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
           code == CURLE_GOT_NOTHING;
}

static enum web_fault of_code(const struct web_http *h, CURLcode code)
{
    static const struct {
        CURLcode code;
        enum web_fault fault;
    } table[] = {{CURLE_COULDNT_RESOLVE_HOST, WEB_FAULT_NAME_NOT_FOUND},
                 {CURLE_COULDNT_RESOLVE_PROXY, WEB_FAULT_PROXY},
                 {CURLE_PROXY, WEB_FAULT_PROXY},
                 {CURLE_OPERATION_TIMEDOUT, WEB_FAULT_TIMED_OUT},
                 {CURLE_SSL_CONNECT_ERROR, WEB_FAULT_TLS_FAILED},
                 {CURLE_SSL_CERTPROBLEM, WEB_FAULT_CREDENTIAL},
                 {CURLE_SSL_CACERT_BADFILE, WEB_FAULT_ANCHORS},
                 {CURLE_FILESIZE_EXCEEDED, WEB_FAULT_TOO_LARGE},
                 {CURLE_GOT_NOTHING, WEB_FAULT_BROKEN},
                 {CURLE_PARTIAL_FILE, WEB_FAULT_BROKEN},
                 {CURLE_RECV_ERROR, WEB_FAULT_BROKEN},
                 {CURLE_SEND_ERROR, WEB_FAULT_BROKEN},
                 {CURLE_ABORTED_BY_CALLBACK, WEB_FAULT_STOPPED}};
    if (h->too_large)
        return WEB_FAULT_TOO_LARGE;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return of_verification(h);
    if (is_proxy(h, code))
        return WEB_FAULT_PROXY;
    if (code == CURLE_COULDNT_CONNECT)
        return of_connect(h);
    if (code == CURLE_SSL_CONNECT_ERROR && strstr(h->curl_error, "wrong version number"))
        return WEB_FAULT_NOT_TLS;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].code == code)
            return table[i].fault;
    }
    return WEB_FAULT_OTHER;
}

static void explain(const struct web_http *h, enum web_fault fault, CURLcode code, struct error *err)
{
    const char *text = *h->curl_error ? h->curl_error : curl_easy_strerror(code);
    char clean[CURL_ERROR_SIZE];
    long connected = 0, methods = 0; /* what the proxy said to CONNECT */
    (void)curl_easy_getinfo(h->curl, CURLINFO_HTTP_CONNECTCODE, &connected);
    (void)curl_easy_getinfo(h->curl, CURLINFO_PROXYAUTH_AVAIL, &methods);
    web_text_clean(slice_of(text), clean, sizeof clean);
    if (*h->tls_text)
        (void)error_set(err, R_IO, "%s: %s", faults[fault].text, h->tls_text);
    else if (h->tls_error != X509_V_OK && *h->tls_subject)
        (void)error_set(err, R_IO, "%s: certificate '%.120s' issued by '%.120s': %s", faults[fault].text,
                        h->tls_subject, h->tls_issuer, X509_verify_cert_error_string(h->tls_error));
    else if (fault == WEB_FAULT_PROXY && connected == 407)
        web_proxy_tell_login(h->proxy, methods, err);
    else if (fault == WEB_FAULT_NOT_TLS && *h->clear)
        (void)error_set(err, R_IO, "%s: it says '%s'", faults[fault].text, h->clear);
    else if (fault == WEB_FAULT_PROXY)
        (void)error_set(err, R_IO, "%s: %s (%s)", faults[fault].text, h->proxy, clean);
    else
        (void)error_set(err, R_IO, "%s (%s)", faults[fault].text, clean);
}

/* The host of "https://host:port/…", IPv6 without brackets. */
static void host_of(const char *url, char *ret, size_t size)
{
    struct slice rest = slice_of(url);
    size_t at = slice_find_slice(rest, SLICE("://"));
    rest = slice_skip(rest, at == SIZE_MAX ? 0 : at + 3);
    rest = slice_cut(&rest, '/');
    bool bracket = rest.len && rest.ptr[0] == '[';
    rest = bracket ? slice_skip(rest, 1) : rest;
    if (!slice_to_cstr(slice_cut(&rest, bracket ? ']' : ':'), ret, size))
        ret[0] = '\0';
}

static void begin(struct web_http *h, const char *host, long timeout_ms)
{
    curl_easy_reset(h->curl); /* connections stay */
    h->tls_not_before = h->tls_not_after = 0;
    (void)!web_proxy_of(host, h->proxy, sizeof h->proxy); /* "": none */
    h->curl_error[0] = h->tls_subject[0] = h->tls_issuer[0] = h->tls_text[0] = h->clear[0] = '\0';
    h->tls_error = X509_V_OK;
    h->too_large = false;
    set_limits(h, timeout_ms);
}

/* What libcurl, which takes this for plain HTTP, does not look for by itself. */
static const char *proxy_url(void)
{
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return value;
    }
    return "";
}

enum web_fault web_http_connect(struct web_http *h, const struct web_endpoint *at, long timeout_ms, int *ret_fd,
                                char peer[64], struct error *err)
{
    char url[320];
    const char *ip = NULL;
    curl_socket_t fd = CURL_SOCKET_BAD;
    long port = 0;
    (void)snprintf(url, sizeof url, strchr(at->host, ':') ? "http://[%.255s]:%u/" : "http://%.255s:%u/", at->host,
                   at->port);
    begin(h, at->host, timeout_ms);
    SETOPT(h->curl, CURLOPT_PROTOCOLS_STR, "http"); /* nothing of it is sent: the caller speaks */
    SETOPT(h->curl, CURLOPT_URL, url);
    SETOPT(h->curl, CURLOPT_CONNECT_ONLY, 1L);
    SETOPT(h->curl, CURLOPT_FRESH_CONNECT, 1L);
    SETOPT(h->curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
    SETOPT(h->curl, CURLOPT_PROXY, proxy_url());
    CURLcode code = curl_easy_perform(h->curl);
    if (code == CURLE_OK && curl_easy_getinfo(h->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD) {
        (void)curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_IP, &ip);
        (void)curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_PORT, &port);
        (void)snprintf(peer, 64, ip && strchr(ip, ':') ? "[%s]:%ld" : "%s:%ld", ip ? ip : "?", port);
        *ret_fd = (int)fd;
        return WEB_FAULT_NONE;
    }
    enum web_fault fault = code == CURLE_OK ? WEB_FAULT_BROKEN : of_code(h, code);
    explain(h, fault, code, err);
    return fault;
}

/* A certificate that is out of its time here but not by the other side's clock: then a clock is wrong. The answer to
 * the question is believed in nothing else. */
static enum web_fault compare_clocks(const struct web_http *h, const struct web_request *r, enum web_fault fault,
                                     struct error *err)
{
    char authority[272], differ[128];
    struct slice rest = slice_skip(slice_of(r->url), strlen("https://"));
    if (r->unverified || !slice_to_cstr(slice_cut(&rest, '/'), authority, sizeof authority))
        return fault;
    int64_t there = web_http_peer_time(authority, r->timeout_ms && r->timeout_ms < CLOCK_MS ? r->timeout_ms : CLOCK_MS);
    if (!web_clocks_differ(there, clock_wall_s(), differ, sizeof differ) || there < h->tls_not_before ||
        there > h->tls_not_after)
        return fault;
    (void)error_set(err, R_IO, "%s: %s, and by that clock the certificate '%.120s' is in its time",
                    faults[WEB_FAULT_CLOCK].text, differ, h->tls_subject);
    return WEB_FAULT_CLOCK;
}

enum web_fault web_http_do(struct web_http *h, const struct web_request *r, struct web_answer *ret, struct error *err)
{
    struct transfer t = {h, ret};
    char host[256];
    *ret = (struct web_answer){0};
    buf_init_secret(&ret->body, WEB_ANSWER_MAX); /* tokens */
    if (r->unverified && (r->certificate_pem.ptr || r->headers[0] || r->body.ptr))
        fatal("a request to a peer that is not verified carries something");
    host_of(r->url, host, sizeof host);
    begin(h, host, r->timeout_ms);
    h->request = r;
    set_tls(h, r);
    struct curl_slist *headers = set_request(h, r);
    SETOPT(h->curl, CURLOPT_WRITEFUNCTION, on_body);
    SETOPT(h->curl, CURLOPT_WRITEDATA, &t);
    SETOPT(h->curl, CURLOPT_HEADERFUNCTION, on_header);
    SETOPT(h->curl, CURLOPT_HEADERDATA, &t);
    CURLcode code = curl_easy_perform(h->curl);
    curl_off_t micros = 0;
    (void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &ret->status);
    (void)curl_easy_getinfo(h->curl, CURLINFO_TOTAL_TIME_T, &micros);
    ret->millis = (long)(micros / 1000);
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        return WEB_FAULT_NONE;
    enum web_fault fault = of_code(h, code);
    explain(h, fault, code, err);
    return fault == WEB_FAULT_TLS_EXPIRED || fault == WEB_FAULT_TLS_NOT_YET_VALID ? compare_clocks(h, r, fault, err)
                                                                                  : fault;
}

int64_t web_http_peer_time(const char *authority, long timeout_ms)
{
    struct web_http *h = web_http_new();
    struct web_answer answer;
    struct error err;
    char url[400];
    (void)snprintf(url, sizeof url, "https://%s/CCM_Proxy_ServerAuth/ServiceMetadata", authority);
    struct web_request q = {.method = "GET", .url = url, .timeout_ms = timeout_ms, .unverified = true};
    int64_t date = web_http_do(h, &q, &answer, &err) == WEB_FAULT_NONE ? answer.date : 0;
    web_answer_free(&answer);
    web_http_free(h);
    return date;
}

bool web_clocks_differ(int64_t there, int64_t here, char *ret, size_t size)
{
    char text_there[CLOCK_TEXT_SIZE], text_here[CLOCK_TEXT_SIZE];
    ret[0] = '\0';
    if (there == 0 || (there - here <= WEB_SKEW_S && here - there <= WEB_SKEW_S))
        return false;
    clock_rfc3339(there, text_there);
    clock_rfc3339(here, text_here);
    (void)snprintf(ret, size, "here it is %s, there %s", text_here, text_there);
    return true;
}
