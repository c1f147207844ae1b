/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's options in one place, and its outcome as a result. In a thread of the pool; address by address it asks
 * whether it may connect. */
#include "source/http.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "der/shown.h"
#include "source/freshness.h"
#include "source/transfer.h"

static size_t on_data(char *data, size_t size, size_t count, void *arg)
{
    struct source_transfer *t = arg;
    t->too_large = buf_append(t->body, slice_make(data, size * count)) != OK;
    return t->too_large ? 0 : size * count;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct source_transfer *t = arg;
    struct net_address address = {.len = to->addrlen};
    (void)purpose;
    if (to->addrlen <= sizeof address.storage)
        memcpy(&address.storage, &to->addr, to->addrlen);
    if (t->what->may && !t->what->may(t->what->arg, &address)) {
        t->not_allowed = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static CURLcode on_tls(CURL *curl, void *context, void *arg)
{
    struct source_transfer *t = arg;
    (void)curl;
    der_shown_guard(context, &t->certificates);
    der_judged_note(context, &t->judged);
    return CURLE_OK;
}

static void init_library(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        fatal("libcurl can't be started");
}

static void set_all(struct source_transfer *t)
{
    const struct source_http *w = t->what;
    CURL *c = t->easy;
    CURLcode bad = curl_easy_setopt(c, CURLOPT_URL, w->url);
    bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    bad |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    bad |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    bad |= curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    bad |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    bad |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)SOURCE_CONNECT_S);
    bad |= curl_easy_setopt(c, CURLOPT_TIMEOUT, w->whole_s ? w->whole_s : (long)SOURCE_WHOLE_S);
    bad |= curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->body->max);
    bad |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    bad |= curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    bad |= curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open);
    bad |= curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, t);
    bad |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    bad |= curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    bad |= curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, t);
    if (w->ca_pem) {
        struct curl_blob ca = {(void *)(uintptr_t)w->ca_pem, strlen(w->ca_pem), CURL_BLOB_COPY};
        bad |= curl_easy_setopt(c, CURLOPT_CAINFO_BLOB, &ca);
        bad |= curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    }
    if (w->may) /* what a proxy connects to could not be judged */
        bad |= curl_easy_setopt(c, CURLOPT_PROXY, "");
    if (w->post.ptr) {
        bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)w->post.len);
        bad |= curl_easy_setopt(c, CURLOPT_POSTFIELDS, w->post.ptr);
    }
    if (bad)
        fatal("libcurl lacks an option that is needed");
}

/* The last one of this name. */
static struct slice field(CURL *c, const char *name)
{
    struct curl_header *h;
    return curl_easy_header(c, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? slice_of(h->value) : SLICE_NONE;
}

static enum result judge(const struct source_transfer *t, CURLcode code, struct error *err)
{
    CURL *c = t->easy;
    char why[DER_JUDGED_SIZE];
    long status = 0;
    if (t->not_allowed)
        return error_set(err, R_DENIED,
                         "its address is loopback or link-local, which is not allowed here (allow_targets)");
    if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
        return error_set(err, R_LIMIT, "it is larger than %zu bytes", t->body->max);
    if (t->certificates.code != OK)
        return error_set(err, R_DENIED, "%s", t->certificates.text);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(err, R_TIMEOUT, "the server did not answer in time");
    der_judged_text(&t->judged, curl_easy_strerror(code), why);
    if (code != CURLE_OK)
        return error_set(err, R_IO, "it can't be fetched: %s",
                         code == CURLE_PEER_FAILED_VERIFICATION ? why : curl_easy_strerror(code));
    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200) {
        if (t->what->fresh_s)
            *t->what->fresh_s = freshness(field(c, "Cache-Control"), field(c, "Age"));
        return OK;
    }
    return error_set(err, status == 404 || status == 410 ? R_NOTFOUND : R_INVALID, "the server answered %ld%s", status,
                     status >= 300 && status < 400 ? " (redirects are not followed)" : "");
}

void source_http_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_library);
}

void source_transfer_begin(struct source_transfer *t, const struct source_http *what, struct buf *body)
{
    char type[96];
    *t = (struct source_transfer){.what = what, .body = body, .easy = curl_easy_init()};
    if (what->post.ptr) {
        (void)snprintf(type, sizeof type, "Content-Type: %s", what->type);
        t->headers = curl_slist_append(NULL, type);
    }
    if (!t->easy || (what->post.ptr && !t->headers))
        fatal("out of memory (libcurl)");
    set_all(t);
}

enum result source_transfer_end(struct source_transfer *t, CURLcode code, struct error *err)
{
    enum result r = judge(t, code, err);
    curl_slist_free_all(t->headers);
    curl_easy_cleanup(t->easy);
    t->headers = NULL;
    t->easy = NULL;
    return r;
}

enum result source_http(const struct source_http *what, struct buf *ret, struct error *err)
{
    struct source_transfer t;
    source_http_init();
    source_transfer_begin(&t, what, ret);
    return source_transfer_end(&t, curl_easy_perform(t.easy), err);
}
