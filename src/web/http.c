/* SPDX-License-Identifier: Apache-2.0 */
/* Requests over libcurl, one after the other: setting up, sending, and the bare connection for what speaks itself. */
#include "web/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/proxy.h"
#include "net/proxy_login.h"
#include "web/http_curl.h"
#include "web/proxy.h"

enum { CONNECT_MS = 15000, WHOLE_MS = 60000, PROBE_S = 50 };

struct web_http *web_http_new(void)
{
    struct web_http *h = mem_zalloc(sizeof *h);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0 || !(h->curl = curl_easy_init()))
        fatal("libcurl can't be started");
    return h;
}

void web_curl_renew(struct web_http *h)
{
    curl_easy_cleanup(h->curl);
    if (!(h->curl = curl_easy_init()))
        fatal("libcurl can't be started");
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
    bool judged = !r->unverified && !r->sealed;
    SETOPT(h->curl, CURLOPT_SSL_VERIFYPEER, judged ? 1L : 0L);
    SETOPT(h->curl, CURLOPT_SSL_VERIFYHOST, judged ? 2L : 0L);
    SETOPT(h->curl, CURLOPT_SSL_CTX_FUNCTION, web_curl_on_tls);
    SETOPT(h->curl, CURLOPT_SSL_CTX_DATA, h);
    if (r->anchors_pem.ptr) {
        struct curl_blob anchors = blob(r->anchors_pem);
        SETOPT(h->curl, CURLOPT_CAINFO_BLOB, &anchors);
    }
    if (r->certificate_pem.ptr && !web_curl_is_kept(r)) {
        struct curl_blob cert = blob(r->certificate_pem), key = blob(r->key_pem);
        SETOPT(h->curl, CURLOPT_SSLCERT_BLOB, &cert);
        SETOPT(h->curl, CURLOPT_SSLKEY_BLOB, &key);
    }
}

/* Probes keep what stands between from forgetting the connection, and tell when the other side is gone. */
static void set_wait(struct web_http *h, const struct web_request *r)
{
    long timeout_ms = r->timeout_ms ? r->timeout_ms : (long)WHOLE_MS;
    SETOPT(h->curl, CURLOPT_TIMEOUT_MS, timeout_ms + r->wait_ms);
    SETOPT(h->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    SETOPT(h->curl, CURLOPT_TCP_KEEPIDLE, (long)PROBE_S);
    SETOPT(h->curl, CURLOPT_TCP_KEEPINTVL, (long)PROBE_S / 2);
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
    SETOPT(h->curl, CURLOPT_XFERINFOFUNCTION, web_curl_on_progress);
    SETOPT(h->curl, CURLOPT_ERRORBUFFER, h->curl_error);
    SETOPT(h->curl, CURLOPT_CLOSESOCKETFUNCTION, web_curl_on_close);
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

/* --- the proxy --- */

static const char *proxy_url(void)
{
    const char *name, *chosen = web_proxy_used()->url, *value = chosen ? chosen : net_proxy_variable(&name);
    return value ? value : "";
}

static void wipe_login(struct web_http *h)
{
    for (struct curl_slist *l = h->login; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(h->login);
    h->login = NULL;
}

/* The field goes to the proxy alone. */
static enum result log_in(struct web_http *h, struct error *err)
{
    const struct web_proxy *used = web_proxy_used();
    char *value = NULL;
    struct error why;
    struct buf field;
    if (!*h->proxy || !used->authorize)
        return OK;
    if (used->authorize(used->arg, &value, &why) != OK)
        return error_set(err, why.code, "there is no login for the proxy %s: %s", h->proxy, why.text);
    buf_init_secret(&field, 2 * NET_PROXY_LOGIN_MAX);
    if (buf_printf(&field, "Proxy-Authorization: %s", value) == OK && buf_append(&field, slice_make("", 1)) == OK)
        h->login = curl_slist_append(NULL, buf_data(&field).ptr);
    buf_free(&field);
    mem_free_secret(value, strlen(value));
    if (!h->login)
        fatal("out of memory");
    SETOPT(h->curl, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SETOPT(h->curl, CURLOPT_PROXYHEADER, h->login);
    return OK;
}

/* The environment's is libcurl's to choose; what was chosen in its stead, ours. */
static enum result set_proxy(struct web_http *h, const char *host, struct error *err)
{
    const struct web_proxy *used = web_proxy_used();
    bool through = web_proxy_of(host, h->proxy, sizeof h->proxy);
    if (used->url || used->no_proxy) {
        SETOPT(h->curl, CURLOPT_PROXY, through ? proxy_url() : "");
        SETOPT(h->curl, CURLOPT_NOPROXY, "");
    }
    return log_in(h, err);
}

/* WEB_FAULT_PROXY: there is no login for it. */
static enum web_fault begin_request(struct web_http *h, const char *host, long timeout_ms, struct error *err)
{
    curl_easy_reset(h->curl); /* connections stay */
    h->tls_not_before = h->tls_not_after = 0;
    h->curl_error[0] = h->tls_subject[0] = h->tls_issuer[0] = h->tls_text[0] = h->leaf_issuer[0] = h->clear[0] =
        h->challenges[0] = '\0';
    h->tls_error = X509_V_OK;
    h->certificates = h->identity = (struct error){0};
    h->too_large = false;
    set_limits(h, timeout_ms);
    return set_proxy(h, host, err) == OK ? WEB_FAULT_NONE : WEB_FAULT_PROXY;
}

static CURLcode perform(struct web_http *h)
{
    CURLcode code = curl_easy_perform(h->curl);
    wipe_login(h);
    return code;
}

enum web_fault web_http_connect(struct web_http *h, const struct web_endpoint *at, long timeout_ms, int *ret_fd,
                                char peer[64], struct error *err)
{
    char url[320];
    struct web_answer unused = {0}; /* nobody answers but a proxy */
    struct web_transfer t = {h, &unused};
    const char *ip = NULL;
    curl_socket_t fd = CURL_SOCKET_BAD;
    long port = 0;
    (void)snprintf(url, sizeof url, strchr(at->host, ':') ? "http://[%.255s]:%u/" : "http://%.255s:%u/", at->host,
                   at->port);
    enum web_fault fault = begin_request(h, at->host, timeout_ms, err);
    if (fault != WEB_FAULT_NONE)
        return fault;
    SETOPT(h->curl, CURLOPT_PROTOCOLS_STR, "http"); /* nothing of it is sent: the caller speaks */
    SETOPT(h->curl, CURLOPT_URL, url);
    SETOPT(h->curl, CURLOPT_HEADERFUNCTION, web_curl_on_header);
    SETOPT(h->curl, CURLOPT_HEADERDATA, &t);
    SETOPT(h->curl, CURLOPT_CONNECT_ONLY, 1L);
    SETOPT(h->curl, CURLOPT_FRESH_CONNECT, 1L);
    SETOPT(h->curl, CURLOPT_HTTPPROXYTUNNEL, 1L);
    if (*h->proxy) /* libcurl, which takes this for plain HTTP, does not look for it by itself */
        SETOPT(h->curl, CURLOPT_PROXY, proxy_url());
    CURLcode code = perform(h);
    if (code == CURLE_OK && curl_easy_getinfo(h->curl, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD) {
        (void)curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_IP, &ip);
        (void)curl_easy_getinfo(h->curl, CURLINFO_PRIMARY_PORT, &port);
        (void)snprintf(peer, 64, ip && strchr(ip, ':') ? "[%s]:%ld" : "%s:%ld", ip ? ip : "?", port);
        *ret_fd = (int)fd;
        return WEB_FAULT_NONE;
    }
    fault = code == CURLE_OK ? WEB_FAULT_BROKEN : web_curl_fault(h, code);
    web_curl_explain(h, fault, code, err);
    return fault;
}

enum web_fault web_http_do(struct web_http *h, const struct web_request *r, struct web_answer *ret, struct error *err)
{
    struct web_transfer t = {h, ret};
    char host[256];
    *ret = (struct web_answer){0};
    buf_init_secret(&ret->body, WEB_ANSWER_MAX); /* tokens */
    if (r->unverified && (r->certificate_pem.ptr || r->headers[0] || r->body.ptr))
        fatal("a request to a peer that is not verified carries something");
    host_of(r->url, host, sizeof host);
    web_curl_part_identities(h, r);
    enum web_fault fault = begin_request(h, host, r->timeout_ms, err);
    if (fault != WEB_FAULT_NONE)
        return fault;
    h->request = r;
    set_wait(h, r);
    set_tls(h, r);
    struct curl_slist *headers = set_request(h, r);
    SETOPT(h->curl, CURLOPT_WRITEFUNCTION, web_curl_on_body);
    SETOPT(h->curl, CURLOPT_WRITEDATA, &t);
    SETOPT(h->curl, CURLOPT_HEADERFUNCTION, web_curl_on_header);
    SETOPT(h->curl, CURLOPT_HEADERDATA, &t);
    CURLcode code = perform(h);
    curl_off_t micros = 0;
    (void)curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &ret->status);
    (void)curl_easy_getinfo(h->curl, CURLINFO_TOTAL_TIME_T, &micros);
    ret->millis = (long)(micros / 1000);
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        return WEB_FAULT_NONE;
    fault = web_curl_fault(h, code);
    web_curl_explain(h, fault, code, err);
    return fault == WEB_FAULT_TLS_EXPIRED || fault == WEB_FAULT_TLS_NOT_YET_VALID
               ? web_curl_compare_clocks(h, r, fault, err)
               : fault;
}
