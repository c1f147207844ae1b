/* SPDX-License-Identifier: Apache-2.0 */
/* From libcurl's and OpenSSL's words for a failure to a named cause, and to a sentence that tells it without secrets.
 */
#include <errno.h>
#include <string.h>

#include "web/http_curl.h"
#include "web/outcome.h"
#include "web/proxy.h"

static const struct web_fault_info faults[WEB_FAULT_COUNT] = {[WEB_FAULT_NONE] = {"ok", "", ""},
#define WEB_X(symbol, word, text, remedy) [WEB_FAULT_##symbol] = {word, text, remedy},
                                                              WEB_FAULTS(WEB_X)
#undef WEB_X
};

const struct web_fault_info *web_fault_info(enum web_fault fault)
{
    return &faults[fault];
}

static enum web_fault fault_of_verification(const struct web_http *h)
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

static enum web_fault fault_of_connect(const struct web_http *h)
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

enum web_fault web_curl_fault(const struct web_http *h, CURLcode code)
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
    if (h->certificates.code != OK)
        return WEB_FAULT_TLS_FAILED;
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return fault_of_verification(h);
    if (is_proxy(h, code))
        return WEB_FAULT_PROXY;
    if (code == CURLE_COULDNT_CONNECT)
        return fault_of_connect(h);
    if (code == CURLE_SSL_CONNECT_ERROR && strstr(h->curl_error, "wrong version number"))
        return WEB_FAULT_NOT_TLS;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].code == code)
            return table[i].fault;
    }
    return WEB_FAULT_OTHER;
}

void web_curl_explain(const struct web_http *h, enum web_fault fault, CURLcode code, struct error *err)
{
    const char *text = *h->curl_error ? h->curl_error : curl_easy_strerror(code);
    char clean[CURL_ERROR_SIZE];
    long connected = 0; /* what the proxy said to CONNECT */
    (void)curl_easy_getinfo(h->curl, CURLINFO_HTTP_CONNECTCODE, &connected);
    web_text_clean(slice_of(text), clean, sizeof clean);
    if (h->identity.code != OK)
        (void)error_set(err, R_IO, "%s: %s", faults[fault].text, h->identity.text);
    else if (h->certificates.code != OK)
        (void)error_set(err, R_IO, "%s: %s", faults[fault].text, h->certificates.text);
    else if (*h->tls_text)
        (void)error_set(err, R_IO, "%s: %s", faults[fault].text, h->tls_text);
    else if (h->tls_error != X509_V_OK && *h->tls_subject)
        (void)error_set(err, R_IO, "%s: certificate '%.120s' issued by '%.120s': %s", faults[fault].text,
                        h->tls_subject, h->tls_issuer, X509_verify_cert_error_string(h->tls_error));
    else if (fault == WEB_FAULT_TLS_WRONG_HOST && *h->leaf_issuer)
        (void)error_set(err, R_IO, "%s: certificate issued by '%.120s' (%s)", faults[fault].text, h->leaf_issuer,
                        clean);
    else if (fault == WEB_FAULT_PROXY && connected == 407)
        web_proxy_tell_login(h->proxy, h->challenges, err);
    else if (fault == WEB_FAULT_NOT_TLS && *h->clear)
        (void)error_set(err, R_IO, "%s: it says '%s'", faults[fault].text, h->clear);
    else if (fault == WEB_FAULT_PROXY)
        (void)error_set(err, R_IO, "%s: %s (%s)", faults[fault].text, h->proxy, clean);
    else
        (void)error_set(err, R_IO, "%s (%s)", faults[fault].text, clean);
}
