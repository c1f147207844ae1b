/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenID provider that misbehaves, as real ones can't be made to: what it says is bounded, checked and told. That
 * the requests are right, real providers say in the integration tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "tls_server.h"
#include "web/provider.h"

enum { DAY = 86400 };
#define TOKEN "eyJ0eXAiOiJKV1QifQ.e30.c2ln"

struct fixture {
    struct tls_server *tls;
    EVP_PKEY *key;
    X509 *cert;
    char *ca_pem;
    struct web_http *http;
    struct web_provider p;
    char base[64], document[1024];
    int status;
    const char *body; /* of the next answer of an endpoint */
    char form[4096];  /* what came last */
};

static void answer(void *arg, const struct tls_server_request *r, struct buf *ret)
{
    struct fixture *f = arg;
    bool discovery = slice_eq(r->verb, SLICE("GET"));
    const char *body = discovery ? f->document : f->body;
    int status = discovery ? 200 : f->status;
    if (!discovery)
        (void)!slice_to_cstr(r->body, f->form, sizeof f->form);
    if (buf_printf(ret, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body),
                   body) != OK)
        fail_msg("the answer is too long");
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const char *hosts[] = {"127.0.0.1", NULL};
    int64_t now = clock_wall_s();
    struct error err;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!f)
        return -1;
    f->key = pki_key_new();
    struct pki_request r = {.profile = PKI_TLS_SERVER,
                            .common_name = "idp",
                            .hosts = hosts,
                            .not_before = now - DAY,
                            .not_after = now + DAY,
                            .subject_key = f->key};
    EVP_PKEY *ca_key = pki_key_new();
    struct pki_request ca = {.profile = PKI_TLS_CA,
                             .common_name = "ca",
                             .not_before = now - DAY,
                             .not_after = now + DAY,
                             .subject_key = ca_key};
    X509 *ca_cert;
    if (pki_issue(&ca, &ca_cert, &err) != OK)
        fail_msg("%s", err.text);
    r.issuer = ca_cert;
    r.issuer_key = ca_key;
    if (pki_issue(&r, &f->cert, &err) != OK)
        fail_msg("%s", err.text);
    f->ca_pem = pki_cert_pem(ca_cert);
    X509_free(ca_cert);
    EVP_PKEY_free(ca_key);
    f->tls = tls_server_start(f->cert, f->key, answer, f);
    f->http = web_http_new();
    (void)snprintf(f->base, sizeof f->base, "https://127.0.0.1:%u", tls_server_port(f->tls));
    (void)snprintf(
        f->document, sizeof f->document,
        "{\"issuer\":\"%s/t\",\"token_endpoint\":\"%s/token\",\"device_authorization_endpoint\":\"%s/code\"}", f->base,
        f->base, f->base);
    f->p = (struct web_provider){.http = f->http, .anchors_pem = slice_of(f->ca_pem)};
    (void)snprintf(f->p.issuer, sizeof f->p.issuer, "%s/t", f->base);
    f->status = 200;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    web_provider_done(&f->p);
    web_http_free(f->http);
    tls_server_end(f->tls);
    X509_free(f->cert);
    EVP_PKEY_free(f->key);
    free(f->ca_pem);
    free(f);
    return 0;
}

static void discover(struct fixture *f)
{
    struct web_outcome o;
    if (!web_provider_discover(&f->p, &o))
        fail_msg("%s: %s", o.reason, o.detail);
}

static bool grant(struct fixture *f, const char *body, int status, struct web_outcome *o, struct web_grant *ret)
{
    struct web_wanted w = {.client = "app", .scope = "a b/.default", .resource = "api://x?y=1&z"};
    f->body = body;
    f->status = status;
    return web_provider_by_refresh(&f->p, &w, "r+/=&", ret, o);
}

static void a_document_of_another_issuer_or_without_https_is_refused(void **state)
{
    static const char *const bad[] = {
        "{\"issuer\":\"https://evil.example\",\"token_endpoint\":\"https://evil.example/token\"}",
        "{\"issuer\":\"%s/t\",\"token_endpoint\":\"http://127.0.0.1/token\"}",
        "{\"issuer\":\"%s/t\"}",
        "[]",
        "<html>",
        "",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct web_outcome o;
        (void)snprintf(f->document, sizeof f->document, bad[i], f->base);
        if (web_provider_discover(&f->p, &o))
            fail_msg("taken: %s", bad[i]);
        assert_string_equal(o.reason, "provider_answer");
        assert_true(*o.detail && *o.remedy);
    }
}

static void a_provider_that_is_not_there_or_not_trusted_is_told_with_its_cause(void **state)
{
    struct fixture *f = *state;
    struct web_outcome o;
    f->p.anchors_pem = SLICE_NONE;
    assert_false(web_provider_discover(&f->p, &o));
    assert_string_equal(o.reason, "provider_unreachable");
    assert_non_null(strstr(o.detail, "tls_untrusted"));
    (void)snprintf(f->p.issuer, sizeof f->p.issuer, "https://127.0.0.1:1/t");
    assert_false(web_provider_discover(&f->p, &o));
    assert_non_null(strstr(o.detail, "connection_refused"));
    assert_int_equal(o.ending, WEB_UNREACHABLE);
}

static void values_are_encoded_in_the_form_and_nothing_can_slip_out_of_its_field(void **state)
{
    struct fixture *f = *state;
    struct web_outcome o;
    struct web_grant g;
    discover(f);
    assert_true(
        grant(f, "{\"access_token\":\"" TOKEN "\",\"expires_in\":300,\"refresh_token\":\"next\"}", 200, &o, &g));
    assert_string_equal(f->form, "grant_type=refresh_token&client_id=app&scope=a%20b%2F.default&resource="
                                 "api%3A%2F%2Fx%3Fy%3D1%26z&refresh_token=r%2B%2F%3D%26");
    assert_string_equal(g.token, TOKEN);
    assert_string_equal(g.refresh, "next");
    assert_int_equal(g.lifetime, 300);
    web_grant_done(&g);
}

static void what_is_no_token_is_refused_and_lifetimes_are_bounded(void **state)
{
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "x",
                                      "{\"access_token\":7}",
                                      "{\"access_token\":\"a b\"}",
                                      "{\"access_token\":\"a\\r\\nX: y\"}",
                                      "{\"access_token\":\"\"}"};
    struct fixture *f = *state;
    struct web_outcome o;
    struct web_grant g;
    discover(f);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (grant(f, bad[i], 200, &o, &g))
            fail_msg("taken: %s", bad[i]);
        assert_null(g.token);
    }
    assert_true(grant(f, "{\"access_token\":\"" TOKEN "\",\"expires_in\":9223372036854775807}", 200, &o, &g));
    assert_int_equal(g.lifetime, 90 * DAY);
    web_grant_done(&g);
    assert_true(grant(f, "{\"access_token\":\"" TOKEN "\",\"expires_in\":-5}", 200, &o, &g));
    assert_int_equal(g.lifetime, 3600);
    assert_null(g.refresh);
    web_grant_done(&g);
}

static void a_refusal_is_told_in_the_providers_words_that_cannot_pass_for_the_sites(void **state)
{
    struct fixture *f = *state;
    struct web_outcome o;
    struct web_grant g;
    discover(f);
    assert_false(
        grant(f, "{\"error\":\"revoked\",\"error_description\":\"AADSTS700027: bad\\u001b[31m key\"}", 401, &o, &g));
    assert_string_equal(o.reason, "entra_revoked");
    assert_false(web_outcome_final(&o));
    assert_non_null(strstr(o.detail, "AADSTS700027: bad?[31m key"));
    assert_int_equal(o.status, 401);
    char text[1100] = "{\"error\":\"e\",\"error_description\":\"x", *at = text + strlen(text);
    for (size_t i = 0; i < 300; i++, at += 3)
        memcpy(at, "\xe2\x82\xac", 4); /* cut within one of them */
    memcpy(at, "\"}", 3);
    assert_false(grant(f, text, 400, &o, &g));
    json_t *detail = json_string(o.detail);
    assert_non_null(detail);
    json_decref(detail);
    assert_false(grant(f, "<html>oops</html>", 502, &o, &g));
    assert_string_equal(o.reason, "entra_refused");
}

static bool code(struct fixture *f, const char *body, struct web_device_code *ret, struct web_outcome *o)
{
    struct web_wanted w = {.client = "app"};
    f->body = body;
    f->status = 200;
    return web_provider_device_code(&f->p, &w, ret, o);
}

static void a_device_code_is_checked_and_its_times_are_bounded(void **state)
{
    static const char *const bad[] = {
        "{\"device_code\":\"d\",\"user_code\":\"U\",\"verification_uri\":\"http://idp.example\"}",
        "{\"device_code\":\"d\",\"user_code\":\"U\",\"verification_uri\":\"javascript:alert(1)\"}",
        "{\"user_code\":\"U\",\"verification_uri\":\"https://idp.example\"}",
        "{\"device_code\":\"d\",\"verification_uri\":\"https://idp.example\"}"};
    struct fixture *f = *state;
    struct web_outcome o;
    struct web_device_code c;
    discover(f);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (code(f, bad[i], &c, &o))
            fail_msg("taken: %s", bad[i]);
        assert_null(c.code);
    }
    assert_true(code(f,
                     "{\"device_code\":\"d\",\"user_code\":\"A\\u001bB\",\"verification_uri\":\"https://i\","
                     "\"expires_in\":99999999,\"interval\":0}",
                     &c, &o));
    assert_string_equal(c.user_code, "A?B");
    assert_int_equal(c.expires_in, 3600);
    assert_int_equal(c.interval, 5);
    web_device_code_done(&c);
}

static void polling_goes_on_slows_down_or_ends_as_rfc_8628_says(void **state)
{
    static const struct {
        const char *body;
        int status;
        enum web_poll want;
    } cases[] = {{"{\"error\":\"authorization_pending\"}", 400, WEB_POLL_AGAIN},
                 {"{\"error\":\"slow_down\"}", 400, WEB_POLL_SLOWER},
                 {"{\"error\":\"access_denied\"}", 400, WEB_POLL_ENDED},
                 {"{\"error\":\"expired_token\"}", 400, WEB_POLL_ENDED},
                 {"{}", 400, WEB_POLL_ENDED},
                 {"{\"access_token\":\"" TOKEN "\"}", 200, WEB_POLL_GRANTED}};
    struct fixture *f = *state;
    struct web_device_code c = {.code = (char *)(uintptr_t) "d"};
    struct web_wanted w = {.client = "app"};
    struct web_outcome o;
    struct web_grant g;
    discover(f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        f->body = cases[i].body;
        f->status = cases[i].status;
        assert_int_equal(web_provider_poll(&f->p, &w, &c, &g, &o), cases[i].want);
        web_grant_done(&g);
    }
    (void)snprintf(f->p.token_endpoint, sizeof f->p.token_endpoint, "https://127.0.0.1:1/token");
    assert_int_equal(web_provider_poll(&f->p, &w, &c, &g, &o), WEB_POLL_SLOWER); /* it may come back */
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_document_of_another_issuer_or_without_https_is_refused),
        CASE(a_provider_that_is_not_there_or_not_trusted_is_told_with_its_cause),
        CASE(values_are_encoded_in_the_form_and_nothing_can_slip_out_of_its_field),
        CASE(what_is_no_token_is_refused_and_lifetimes_are_bounded),
        CASE(a_refusal_is_told_in_the_providers_words_that_cannot_pass_for_the_sites),
        CASE(a_device_code_is_checked_and_its_times_are_bounded),
        CASE(polling_goes_on_slows_down_or_ends_as_rfc_8628_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
