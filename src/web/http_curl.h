/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the transport: the transfer that runs, what libcurl calls back, and what its failures mean. For http*.c
 * alone. */
#ifndef WEB_HTTP_CURL_H
#define WEB_HTTP_CURL_H

#include <curl/curl.h>

#include "pki/cert/cert.h"
#include "web/http.h"

struct web_http {
    CURL *curl;
    char curl_error[CURL_ERROR_SIZE];
    int tls_error;         /* X509_V_ERR_… of the last verification, X509_V_OK when it passed */
    char tls_subject[256]; /* of the certificate it failed at */
    char tls_issuer[256];
    char leaf_issuer[256];                 /* of a certificate that passed, but for its names; "": none did */
    int64_t tls_not_before, tls_not_after; /* its time */
    char proxy[256];                       /* the one that the running request goes through; "": none */
    char challenges[160];                  /* what it takes for one, its own words; "": it does not say */
    struct curl_slist *login;              /* what this request shows to it; NULL: nothing */
    bool too_large;
    const struct web_request *request; /* the running one, for on_chain */
    char tls_text[256];                /* why its `vouch` refused the peer; "" when it did not */
    struct error certificates;         /* why those of the peer were not even read */
    struct error identity;             /* why ours can't be shown */
    unsigned char kept[PKI_SHA256]; /* of the certificate whose key is kept elsewhere, that connections show; 0: none */
    char clear[96];                 /* the first line of an answer in clear to our ClientHello; "": none */
};

struct web_transfer {
    struct web_http *http;
    struct web_answer *answer;
};

/* --- http_callbacks.c; `arg` is the struct web_transfer, else the struct web_http --- */

size_t web_curl_on_body(char *data, size_t size, size_t count, void *arg);
size_t web_curl_on_header(char *data, size_t size, size_t count, void *arg);
int web_curl_on_progress(void *arg, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un);
CURLcode web_curl_on_tls(CURL *curl, void *ssl_ctx, void *arg);
int web_curl_on_close(void *arg, curl_socket_t fd);

/* --- http_identity.c --- */

bool web_curl_is_kept(const struct web_request *r); /* its key is in a TPM or HSM */
/* Before each request: ends the connections that showed who this one is not. */
void web_curl_part_identities(struct web_http *h, const struct web_request *r);
MUST_USE enum result web_curl_use_kept(SSL_CTX *ctx, const struct web_request *r, struct error *err);

/* --- http.c --- */

void web_curl_renew(struct web_http *h); /* ends all connections */

/* --- http_fault.c --- */

enum web_fault web_curl_fault(const struct web_http *h, CURLcode code);
void web_curl_explain(const struct web_http *h, enum web_fault fault, CURLcode code, struct error *err);

/* --- http_clock.c --- */

/* Is a certificate that is out of its time here in its time by the other side's clock? WEB_FAULT_CLOCK, else `fault`.
 */
enum web_fault web_curl_compare_clocks(const struct web_http *h, const struct web_request *r, enum web_fault fault,
                                       struct error *err);

#endif
