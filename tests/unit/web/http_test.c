/* SPDX-License-Identifier: Apache-2.0 */
/* The transport against a small TLS server in a thread: certificates from memory, named causes, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "tls_server.h"
#include "web/http.h"
#include "web/http_curl.h"

enum { DAY = 86400 };

/* --- a PKI and a server that takes one connection and answers with fixed bytes --- */

static struct {
    EVP_PKEY *ca_key, *key, *client_key;
    X509 *ca, *client;
    char *ca_pem, *client_pem, *client_key_pem;
} pki;

static X509 *issue(enum pki_profile profile, const char *host, EVP_PKEY *key, int64_t from, int64_t to)
{
    const char *hosts[] = {host, NULL};
    X509 *ret;
    struct error err;
    struct pki_request r = {.profile = profile,
                            .common_name = "test",
                            .hosts = profile == PKI_TLS_SERVER ? hosts : NULL,
                            .not_before = from,
                            .not_after = to,
                            .subject_key = key,
                            .issuer = pki.ca,
                            .issuer_key = pki.ca ? pki.ca_key : NULL};
    if (pki_issue(&r, &ret, &err) != OK)
        fail_msg("%s", err.text);
    return ret;
}

/* Its Date is that of the certificates' own clock: an answer of another day would tell of a wrong clock instead. */
static char good_answer[256];
static int64_t answered_at;

static void make_good_answer(void)
{
    char date[CLOCK_TEXT_SIZE];
    answered_at = clock_wall_s();
    clock_http_date(answered_at, date);
    (void)snprintf(good_answer, sizeof good_answer,
                   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"7\"\r\nCMG-Status-Text: Fine\r\n"
                   "Date: %s\r\n\r\nok",
                   date);
}

static int make_pki(void **state)
{
    int64_t now = clock_wall_s();
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    pki.ca_key = pki_key_new();
    pki.key = pki_key_new();
    make_good_answer();
    pki.client_key = pki_key_new();
    pki.ca = issue(PKI_TLS_CA, NULL, pki.ca_key, now - 100 * DAY, now + 100 * DAY);
    pki.client = issue(PKI_TLS_CLIENT, NULL, pki.client_key, now - DAY, now + DAY);
    pki.ca_pem = pki_cert_pem(pki.ca);
    pki.client_pem = pki_cert_pem(pki.client);
    pki.client_key_pem = pki_key_pem(pki.client_key);
    return 0;
}

static int drop_pki(void **state)
{
    (void)state;
    X509_free(pki.ca);
    X509_free(pki.client);
    EVP_PKEY_free(pki.ca_key);
    EVP_PKEY_free(pki.key);
    EVP_PKEY_free(pki.client_key);
    free(pki.ca_pem);
    free(pki.client_pem);
    free(pki.client_key_pem);
    return 0;
}

/* Answers every request with fixed bytes and remembers what came. */
struct server {
    struct tls_server *tls;
    const char *answer;
    size_t filler; /* bytes of 'x' behind the answer */
    X509 *cert;
    char verb[16], target[128], content_type[64], body[64];
    char peer[256]; /* subject of the client's certificate */
};

static void remember(struct server *s, const struct tls_server_request *r)
{
    if (!slice_to_cstr(r->verb, s->verb, sizeof s->verb) || !slice_to_cstr(r->target, s->target, sizeof s->target) ||
        !slice_to_cstr(tls_server_field(r, "Content-Type"), s->content_type, sizeof s->content_type) ||
        !slice_to_cstr(r->body, s->body, sizeof s->body))
        fatal("the test's request is too long");
    if (r->peer)
        pki_cert_subject(r->peer, s->peer, sizeof s->peer);
}

static void answer(void *arg, const struct tls_server_request *r, struct buf *ret)
{
    struct server *s = arg;
    remember(s, r);
    char *filler = mem_zalloc(s->filler + 1);
    if (buf_append_str(ret, s->answer) != OK || buf_append(ret, slice_make(filler, s->filler)) != OK)
        fatal("the test's answer is too long");
    free(filler);
}

static void server_start(struct server *s, X509 *cert, const char *text)
{
    s->cert = cert;
    s->answer = text;
    s->tls = tls_server_start(cert, pki.key, answer, s);
}

static void server_end(struct server *s)
{
    tls_server_end(s->tls);
    X509_free(s->cert);
}

static X509 *good_certificate(void)
{
    return issue(PKI_TLS_SERVER, "127.0.0.1", pki.key, clock_wall_s() - DAY, clock_wall_s() + DAY);
}

static enum web_fault ask(const struct server *s, struct web_request *r, struct web_answer *ret, struct error *err)
{
    char url[128];
    struct web_http *h = web_http_new();
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/SMS_MP/.sms_aut?MPLIST", tls_server_port(s->tls));
    r->url = url;
    if (!r->method)
        r->method = "GET";
    enum web_fault fault = web_http_do(h, r, ret, err);
    web_http_free(h);
    return fault;
}

static enum web_fault fault_of(X509 *cert, const char *anchors, const char *answer, struct error *err)
{
    struct server s = {0};
    struct web_request r = {.anchors_pem = slice_of(anchors)};
    struct web_answer a;
    server_start(&s, cert, answer);
    enum web_fault fault = ask(&s, &r, &a, err);
    web_answer_free(&a);
    server_end(&s);
    return fault;
}

/* --- */

static void an_answer_comes_with_its_fields_and_the_certificate_was_shown(void **state)
{
    struct server s = {0};
    struct web_answer a;
    struct error err;
    struct web_request r = {.method = "POST",
                            .headers = {"Content-Type: text/plain"},
                            .body = SLICE("body"),
                            .certificate_pem = slice_of(pki.client_pem),
                            .key_pem = slice_of(pki.client_key_pem),
                            .anchors_pem = slice_of(pki.ca_pem)};
    (void)state;
    server_start(&s, good_certificate(), good_answer);
    enum web_fault fault = ask(&s, &r, &a, &err);
    server_end(&s);
    if (fault != WEB_FAULT_NONE)
        fail_msg("%s", err.text);
    assert_int_equal(a.status, 200);
    assert_true(slice_eq(buf_data(&a.body), SLICE("ok")));
    assert_string_equal(a.etag, "\"7\"");
    assert_string_equal(a.status_text, "Fine");
    assert_int_equal(a.date, answered_at);
    assert_non_null(strstr(s.peer, "CN=test"));
    assert_string_equal(s.verb, "POST");
    assert_string_equal(s.target, "/SMS_MP/.sms_aut?MPLIST");
    assert_string_equal(s.content_type, "text/plain");
    assert_string_equal(s.body, "body");
    web_answer_free(&a);
}

static void a_server_certificate_that_is_wrong_has_its_own_cause(void **state)
{
    int64_t now = clock_wall_s();
    EVP_PKEY *other_key = pki_key_new();
    struct pki_request o = {.profile = PKI_TLS_CA,
                            .common_name = "Proxy CA",
                            .not_before = now - DAY,
                            .not_after = now + DAY,
                            .subject_key = other_key};
    X509 *other;
    struct error err;
    (void)state;
    assert_int_equal(pki_issue(&o, &other, &err), OK);
    char *other_pem = pki_cert_pem(other);
    assert_int_equal(fault_of(good_certificate(), other_pem, good_answer, &err), WEB_FAULT_TLS_UNTRUSTED);
    assert_non_null(strstr(err.text, "issued by"));
    assert_int_equal(fault_of(good_certificate(), NULL, good_answer, &err), WEB_FAULT_TLS_UNTRUSTED);
    assert_int_equal(
        fault_of(issue(PKI_TLS_SERVER, "gw.example", pki.key, now - DAY, now + DAY), pki.ca_pem, good_answer, &err),
        WEB_FAULT_TLS_WRONG_HOST);
    assert_int_equal(
        fault_of(issue(PKI_TLS_SERVER, "127.0.0.1", pki.key, now - 9 * DAY, now - DAY), pki.ca_pem, good_answer, &err),
        WEB_FAULT_TLS_EXPIRED);
    assert_int_equal(
        fault_of(issue(PKI_TLS_SERVER, "127.0.0.1", pki.key, now + DAY, now + 9 * DAY), pki.ca_pem, good_answer, &err),
        WEB_FAULT_TLS_NOT_YET_VALID);
    free(other_pem);
    X509_free(other);
    EVP_PKEY_free(other_key);
}

static void what_a_server_shows_is_not_read_when_that_takes_long(void **state)
{
    struct server s = {0};
    struct error err;
    struct web_answer a;
    char url[64];
    (void)state;
    server_start(&s, good_certificate(), good_answer);
    tls_server_show_slow(s.tls);
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/", tls_server_port(s.tls));
    const struct web_request asked[] = {
        {.method = "GET", .url = url, .anchors_pem = slice_of(pki.ca_pem)},
        {.method = "GET", .url = url, .unverified = true},
        {.method = "GET", .url = url, .sealed = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        struct web_http *h = web_http_new();
        assert_int_equal(web_http_do(h, &asked[i], &a, &err), WEB_FAULT_TLS_FAILED);
        assert_non_null(strstr(err.text, "certificate 2 of those that the peer shows has a key on a curve of its own"));
        web_answer_free(&a);
        web_http_free(h);
    }
    server_end(&s);
}

static void nobody_there_and_no_such_name_are_told_apart(void **state)
{
    char url[128]; /* a label over 63 letters is no name: no name server is asked */
    struct web_answer a;
    struct error err;
    struct web_request r = {.method = "GET", .url = "https://127.0.0.1:1/"}; /* tcpmux: nobody listens there */
    struct web_http *h = web_http_new();
    (void)state;
    assert_int_equal(web_http_do(h, &r, &a, &err), WEB_FAULT_CONNECT_REFUSED);
    web_answer_free(&a);
    (void)snprintf(url, sizeof url, "https://%064d.example/", 0);
    r = (struct web_request){.method = "GET", .url = url};
    assert_int_equal(web_http_do(h, &r, &a, &err), WEB_FAULT_NAME_NOT_FOUND);
    web_answer_free(&a);
    r.url = "http://127.0.0.1/"; /* never without TLS */
    assert_int_equal(web_http_do(h, &r, &a, &err), WEB_FAULT_OTHER);
    web_answer_free(&a);
    web_http_free(h);
}

static void redirects_are_not_followed(void **state)
{
    struct server s = {0};
    struct web_answer a;
    struct error err;
    struct web_request r = {.anchors_pem = slice_of(pki.ca_pem)};
    (void)state;
    server_start(&s, good_certificate(),
                 "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(ask(&s, &r, &a, &err), WEB_FAULT_NONE);
    assert_int_equal(a.status, 302);
    web_answer_free(&a);
    server_end(&s);
}

static void an_answer_that_is_too_large_or_cut_off_is_no_answer(void **state)
{
    struct server s = {.filler = WEB_ANSWER_MAX + 1};
    struct web_answer a;
    struct error err;
    struct web_request r = {.anchors_pem = slice_of(pki.ca_pem)};
    (void)state;
    server_start(&s, good_certificate(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    assert_int_equal(ask(&s, &r, &a, &err), WEB_FAULT_TOO_LARGE);
    web_answer_free(&a);
    server_end(&s);
    assert_int_equal(
        fault_of(good_certificate(), pki.ca_pem, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", &err),
        WEB_FAULT_TOO_LARGE);
    assert_int_equal(fault_of(good_certificate(), pki.ca_pem, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", &err),
                     WEB_FAULT_BROKEN);
    assert_int_equal(fault_of(good_certificate(), pki.ca_pem, "", &err), WEB_FAULT_BROKEN);
}

static void a_key_that_does_not_fit_is_the_devices_own_fault(void **state)
{
    struct server s = {0};
    struct web_answer a;
    struct error err;
    struct web_request r = {
        .certificate_pem = slice_of(pki.client_pem), .key_pem = SLICE("no key"), .anchors_pem = slice_of(pki.ca_pem)};
    (void)state;
    server_start(&s, good_certificate(), good_answer);
    assert_int_equal(ask(&s, &r, &a, &err), WEB_FAULT_CREDENTIAL);
    web_answer_free(&a);
    server_end(&s);
}

static void put_line(struct web_transfer *t, const char *line)
{
    char copy[128];
    (void)snprintf(copy, sizeof copy, "%s\r\n", line);
    assert_int_equal(web_curl_on_header(copy, 1, strlen(copy), t), strlen(copy));
}

static void what_a_proxy_says_to_connect_is_not_taken_for_the_servers(void **state)
{
    static const char *const proxys[] = {"HTTP/1.1 200 OK",
                                         "ETag: \"proxy\"",
                                         "Location: https://proxy/",
                                         "CMG-Status-Text: CMGService_Proxy",
                                         "Date: Thu, 01 Jan 2015 00:00:00 GMT",
                                         "",
                                         "HTTP/1.1 204 No Content",
                                         ""};
    struct web_http h = {0};
    struct web_answer a = {0};
    struct web_transfer t = {&h, &a};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(proxys); i++)
        put_line(&t, proxys[i]);
    assert_string_equal(a.etag, "");
    assert_string_equal(a.location, "");
    assert_string_equal(a.status_text, "");
    assert_int_equal(a.date, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_proxy_says_to_connect_is_not_taken_for_the_servers),
        cmocka_unit_test(an_answer_comes_with_its_fields_and_the_certificate_was_shown),
        cmocka_unit_test(a_server_certificate_that_is_wrong_has_its_own_cause),
        cmocka_unit_test(what_a_server_shows_is_not_read_when_that_takes_long),
        cmocka_unit_test(nobody_there_and_no_such_name_are_told_apart),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(an_answer_that_is_too_large_or_cut_off_is_no_answer),
        cmocka_unit_test(a_key_that_does_not_fit_is_the_devices_own_fault),
    };
    return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
