/* SPDX-License-Identifier: Apache-2.0 */
/* The limits of every transfer, and its outcome in words. */
#include "notify/notify.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "der/shown.h"
#include "notify/internal.h"

enum { HEADER_MAX = 8192 };

void notify_add(struct curl_slist **list, const char *fmt, ...)
{
    char line[HEADER_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    struct curl_slist *more = curl_slist_append(*list, line);
    OPENSSL_cleanse(line, sizeof line);
    if (!more)
        fatal("out of memory (libcurl)");
    *list = more;
}

static void free_list(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at; at = at->next)
        OPENSSL_cleanse(at->data, strlen(at->data)); /* a header may hold the secret */
    curl_slist_free_all(list);
}

/* --- what libcurl calls back --- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct notify_transfer *t = arg;
    (void)data;
    t->answered += size * count;
    return t->answered > NOTIFY_ANSWER_MAX ? 0 : size * count;
}

/* Of a mail: each line that the server says. */
static size_t on_line(char *data, size_t size, size_t count, void *arg)
{
    struct notify_transfer *t = arg;
    size_t len = size * count, used = 0;
    for (size_t i = 0; i < len && used + 1 < sizeof t->last; i++) {
        if (data[i] >= ' ' && data[i] < 127)
            t->last[used++] = data[i];
    }
    t->last[used] = '\0';
    return len;
}

static int on_progress(void *arg, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
    const struct notify_transfer *t = arg;
    (void)dt, (void)dn, (void)ut, (void)un;
    return t->stop && atomic_load(t->stop);
}

static CURLcode on_tls(CURL *curl, void *context, void *arg)
{
    struct notify_transfer *t = arg;
    (void)curl;
    der_shown_guard(context, &t->certificates);
    der_judged_note(context, &t->judged);
    return CURLE_OK;
}

/* --- one transfer --- */

static void set_limits(struct notify_transfer *t)
{
    NOTIFY_SET(t, CURLOPT_URL, t->to->url);
    NOTIFY_SET(t, CURLOPT_FOLLOWLOCATION, 0L);
    NOTIFY_SET(t, CURLOPT_NOSIGNAL, 1L);
    NOTIFY_SET(t, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    NOTIFY_SET(t, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    NOTIFY_SET(t, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    NOTIFY_SET(t, CURLOPT_SSL_CTX_DATA, t);
    NOTIFY_SET(t, CURLOPT_CONNECTTIMEOUT, (long)NOTIFY_CONNECT_S);
    NOTIFY_SET(t, CURLOPT_TIMEOUT, (long)NOTIFY_WHOLE_S);
    NOTIFY_SET(t, CURLOPT_USERAGENT, "OpenCMG/" CMG_VERSION);
    NOTIFY_SET(t, CURLOPT_WRITEFUNCTION, on_body);
    NOTIFY_SET(t, CURLOPT_WRITEDATA, t);
    NOTIFY_SET(t, CURLOPT_HEADERFUNCTION, on_line);
    NOTIFY_SET(t, CURLOPT_HEADERDATA, t);
    NOTIFY_SET(t, CURLOPT_NOPROGRESS, 0L);
    NOTIFY_SET(t, CURLOPT_XFERINFOFUNCTION, on_progress);
    NOTIFY_SET(t, CURLOPT_XFERINFODATA, t);
    NOTIFY_SET(t, CURLOPT_ERRORBUFFER, t->detail);
    if (t->to->ca_pem[0]) {
        struct curl_blob ca = {(void *)(uintptr_t)t->to->ca_pem, strlen(t->to->ca_pem), CURL_BLOB_COPY};
        NOTIFY_SET(t, CURLOPT_CAINFO_BLOB, &ca);
        NOTIFY_SET(t, CURLOPT_CAPATH, NULL);
    }
}

/* Of the transport; what libcurl says is kept printable. */
static enum result explain(struct notify_transfer *t, CURLcode code, struct error *err)
{
    const char *why = t->detail[0] ? t->detail : curl_easy_strerror(code);
    bool mail = strcmp(t->to->kind, "mail") == 0;
    const char *before = mail && t->last[0] ? "; the server's last line: " : "";
    char judged[DER_JUDGED_SIZE];
    if (t->certificates.code != OK)
        return error_set(err, R_DENIED, "%s", t->certificates.text);
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        der_judged_text(&t->judged, why, judged);
        why = judged;
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(err, R_TIMEOUT, "the server did not answer in time");
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return error_set(err, R_AGAIN, "broken off, for this program ends");
    if (code == CURLE_LOGIN_DENIED)
        return error_set(err, R_DENIED, "the server does not take the login%s%s", before, t->last);
    if (code == CURLE_USE_SSL_FAILED)
        return error_set(err, R_IO,
                         "the server offers no STARTTLS (smtps:// is TLS from the start; --plain sends "
                         "without)");
    return error_set(err, R_IO, "%s%s%s", why, before, mail ? t->last : "");
}

static enum result judge(struct notify_transfer *t, CURLcode code, char told[NOTIFY_TOLD_SIZE], struct error *err)
{
    long status = 0;
    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && t->answered > NOTIFY_ANSWER_MAX))
        return explain(t, code, err);
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    bool mail = strcmp(t->to->kind, "mail") == 0;
    (void)snprintf(told, NOTIFY_TOLD_SIZE, "%ld", status);
    if (mail)
        (void)snprintf(told, NOTIFY_TOLD_SIZE, "%s", t->last);
    if (mail || (status >= 200 && status < 300))
        return OK;
    return error_set(err, status == 401 || status == 403 ? R_DENIED : R_INVALID, "the server answered %ld%s", status,
                     status >= 300 && status < 400 ? " (redirects are not followed)" : "");
}

static void init_library(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        fatal("libcurl can't be started");
}

enum result notify_send(const struct notify_receiver *to, const struct notify_message *m, const atomic_bool *stop,
                        char told[NOTIFY_TOLD_SIZE], struct error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, init_library);
    struct notify_transfer t = {.to = to, .stop = stop, .easy = curl_easy_init()};
    if (!t.easy)
        fatal("out of memory (libcurl)");
    told[0] = '\0';
    set_limits(&t);
    if (strcmp(to->kind, "mail") == 0)
        notify_mail_prepare(&t, m);
    else
        notify_webhook_prepare(&t, m);
    enum result r = judge(&t, curl_easy_perform(t.easy), told, err);
    curl_mime_free(t.mime);
    curl_easy_cleanup(t.easy);
    free_list(t.headers);
    free_list(t.recipients);
    return r;
}
