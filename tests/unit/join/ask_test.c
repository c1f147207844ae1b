/* SPDX-License-Identifier: Apache-2.0 */
/* Asking the site: management points that live in the test answer one after the other. They take the place of
 * web/http.c, whose functions are linked from here. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>

#include "../bundle/roles.h"
#include "../http/fake_clock.h"
#include "../pki/maker.h"
#include "base/text/encode.h"
#include "bundle/join/request.h"
#include "join/ask.h"
#include "jose/jws/private.h"
#include "pki/issue/issue.h"
#include "web/http.h"

/* --- management points --- */

enum { ASKED_MAX = 8 };

struct told {
    enum web_fault fault;
    long status;
    const char *body;
    int64_t date;
};
static struct told answers[ASKED_MAX]; /* in their order */
static char asked[ASKED_MAX][4096];    /* the URLs */
static char request[16 * 1024];        /* the last one */
static size_t asked_count;
static bool sealed;

static struct web_http *const session = (struct web_http *)&answers;

struct web_http *web_http_new(void)
{
    return session;
}

void web_http_free(struct web_http *h)
{
    assert_ptr_equal(h, session);
}

void web_answer_free(struct web_answer *a)
{
    buf_free(&a->body);
}

enum web_fault web_http_do(struct web_http *h, const struct web_request *r, struct web_answer *ret, struct error *err)
{
    const struct told *t = &answers[asked_count];
    assert_ptr_equal(h, session);
    assert_string_equal(r->method, "POST");
    assert_string_equal(r->headers[0], "Content-Type: application/jose");
    assert_true(slice_to_cstr(r->body, request, sizeof request));
    sealed = r->sealed;
    (void)snprintf(asked[asked_count++], sizeof *asked, "%s", r->url);
    *ret = (struct web_answer){.status = t->status, .date = t->date};
    buf_init(&ret->body, WEB_ANSWER_MAX);
    if (t->body)
        assert_int_equal(buf_append_str(&ret->body, t->body), OK);
    if (t->fault != WEB_FAULT_NONE)
        (void)error_set(err, R_IO, "%s: nobody is there", r->url);
    return t->fault;
}

/* --- the site --- */

static struct roles site;
static EVP_PKEY *one_time, *machine;
static struct join_string string;
static char *good, *of_others; /* answers: for this machine, and for another */

static char *answer_for(EVP_PKEY *key)
{
    char *certificate = roles_certify(&site, machine, "connector", "cp1", NOW - 10, NOW + 1000), *text;
    unsigned char spki[PKI_SHA256];
    struct document d = {.type = DOCUMENT_JOIN,
                         .site = "LAB",
                         .audience = "connector.cp1",
                         .sequence = 1,
                         .issued = NOW,
                         .expires = NOW + 60};
    pki_key_spki_sha256(key, spki);
    (void)encode_hex(slice_make(spki, sizeof spki), d.key);
    d.content = json_pack("{s:{s:s, s:i, s:s, s:s, s:s, s:s, s:[s], s:[]}}", "bootstrap", "opencmg",
                          "connector-bootstrap", "version", 1, "site", "LAB", "id", "cp1", "root_pem", site.root_pem,
                          "certificate_pem", certificate, "site_urls", "https://mp", "gateways");
    assert_int_equal(document_sign(site.signer, &d, &text, NULL), OK);
    json_decref(d.content);
    free(certificate);
    return text;
}

static int make_site(void **state)
{
    (void)state;
    roles_make(&site, NOW);
    one_time = pki_key_new();
    machine = pki_key_new();
    good = answer_for(machine);
    of_others = answer_for(one_time);
    return 0;
}

static int free_site(void **state)
{
    (void)state;
    free(good);
    free(of_others);
    EVP_PKEY_free(machine);
    EVP_PKEY_free(one_time);
    roles_end(&site);
    return 0;
}

static int setup(void **state)
{
    memset(answers, 0, sizeof answers);
    asked_count = 0;
    fake_wall_s = NOW;
    string =
        (struct join_string){.kind = JOIN_CONNECTOR, .site = "LAB", .id = "cp1", .expires = NOW + 60, .key = one_time};
    memcpy(string.pin, site.pin, sizeof string.pin);
    string.content = json_pack("{s:[s, s]}", "urls", "https://one", "https://two/");
    return kit_setup(state);
}

static int teardown(void **state)
{
    json_decref(string.content);
    return kit_teardown(state);
}

static void name_urls(json_t *urls)
{
    (void)json_object_set_new(string.content, "urls", urls);
}

/* True, and the file is the machine's, or *err tells. */
static enum result ask(struct kit *k)
{
    char *file;
    enum result r = join_ask_site(&k->report, &string, machine, &file, &k->err);
    assert_int_equal(r == OK, file != NULL);
    if (file)
        assert_non_null(strstr(file, "PRIVATE KEY"));
    free(file);
    return r;
}

/* --- */

static void the_first_that_answers_is_enough(void **state)
{
    struct kit *k = *state;
    answers[0] = (struct told){.status = 200, .body = good};
    assert_int_equal(ask(k), OK);
    assert_int_equal(asked_count, 1);
    assert_string_equal(asked[0], "https://one/.cmg/join");
    assert_true(sealed);
    assert_string_equal(kit_did(k), "The site LAB answered at https://one, signed by its pinned root");
}

static void the_request_is_the_strings_and_brings_the_machines_key(void **state)
{
    struct kit *k = *state;
    struct join_name name;
    EVP_PKEY *key;
    answers[0] = (struct told){.status = 200, .body = good};
    assert_int_equal(ask(k), OK);
    assert_int_equal(join_request_name(slice_of(request), &name, &k->err), OK);
    assert_string_equal(name.site, "LAB");
    assert_string_equal(name.kind, "connector");
    assert_string_equal(name.id, "cp1");
    json_t *jwk;
    assert_int_equal(jose_public_jwk(one_time, &jwk, NULL), OK);
    char *text = json_text(jwk);
    assert_int_equal(join_request_read(slice_of(request), text, &key, &k->err), OK);
    assert_int_equal(EVP_PKEY_eq(key, machine), 1);
    EVP_PKEY_free(key);
    json_decref(jwk);
    free(text);
}

static void who_is_not_reached_is_passed_over(void **state)
{
    struct kit *k = *state;
    answers[0] = (struct told){.fault = WEB_FAULT_CONNECT_REFUSED};
    answers[1] = (struct told){.status = 200, .body = good};
    assert_int_equal(ask(k), OK);
    assert_int_equal(asked_count, 2);
    assert_string_equal(asked[1], "https://two/.cmg/join"); /* one stroke, not two */
}

static void everybody_is_asked_twice_and_then_it_is_told(void **state)
{
    struct kit *k = *state;
    for (size_t i = 0; i < ASKED_MAX; i++)
        answers[i].fault = WEB_FAULT_TIMED_OUT;
    assert_int_equal(ask(k), R_IO);
    assert_int_equal(asked_count, 4);
    assert_string_equal(asked[2], "https://one/.cmg/join");
    assert_non_null(strstr(k->err.text, "nobody is there"));
    assert_non_null(strstr(k->err.remedy, "the string was not used"));
    assert_string_equal(kit_did(k), "");
}

static void what_answers_as_no_management_point_does_is_passed_over(void **state)
{
    struct kit *k = *state;
    answers[0] = (struct told){.status = 404, .body = "<html>"};
    answers[1] = (struct told){.status = 503, .body = "{\"reason\": \"busy\"}"};
    answers[2] = (struct told){.status = 200, .body = good};
    assert_int_equal(ask(k), OK);
    assert_int_equal(asked_count, 3);
}

/* A proxy's page, another machine's answer: what stands between can keep the site's word back, once. */
static void an_answer_that_the_site_did_not_sign_for_this_key_is_passed_over(void **state)
{
    struct kit *k = *state;
    answers[0] = (struct told){.status = 200, .body = "<html>sign in here</html>"};
    answers[1] = (struct told){.status = 200, .body = of_others};
    answers[2] = (struct told){.status = 200, .body = good};
    assert_int_equal(ask(k), OK);
    assert_int_equal(asked_count, 3);
}

static void a_string_that_the_site_refuses_is_not_shown_to_others(void **state)
{
    struct kit *k = *state;
    answers[0] = (struct told){.status = 403, .body = "{\"reason\": \"join_refused\"}"};
    answers[1] = (struct told){.status = 200, .body = good};
    assert_int_equal(ask(k), R_DENIED);
    assert_int_equal(asked_count, 1);
    assert_non_null(strstr(k->err.text, "the site LAB does not take this join string"));
    assert_string_equal(kit_did(k), "");
    assert_non_null(strstr(k->err.remedy, "--join"));
}

static void a_fault_that_an_answer_had_says_more_than_silence(void **state)
{
    struct kit *k = *state;
    answers[0] = (struct told){.status = 200, .body = of_others};
    answers[1] = answers[2] = answers[3] = (struct told){.fault = WEB_FAULT_NO_ROUTE};
    assert_int_equal(ask(k), R_DENIED);
    assert_int_equal(asked_count, 4);
    assert_non_null(strstr(k->err.text, "the site's answer"));
}

static void a_status_that_is_none_of_ours_is_told_with_the_url(void **state)
{
    struct kit *k = *state;
    for (size_t i = 0; i < ASKED_MAX; i++)
        answers[i].status = 500;
    assert_int_equal(ask(k), R_IO);
    assert_non_null(strstr(k->err.text, "https://two/.cmg/join answered 500"));
}

static void a_clock_that_is_wrong_is_told_with_both_times(void **state)
{
    struct kit *k = *state;
    fake_wall_s = NOW + 86400; /* the answer is of yesterday */
    for (size_t i = 0; i < ASKED_MAX; i++)
        answers[i] = (struct told){.status = 200, .body = good, .date = NOW};
    assert_int_equal(ask(k), R_TIMEOUT);
    assert_non_null(strstr(k->err.text, "here it is"));
    assert_non_null(strstr(k->err.remedy, "set the clock"));
}

static void where_the_clocks_agree_an_answer_out_of_its_time_is_none(void **state)
{
    struct kit *k = *state;
    fake_wall_s = NOW + 86400;
    for (size_t i = 0; i < ASKED_MAX; i++)
        answers[i] = (struct told){.status = 200, .body = good, .date = fake_wall_s + WEB_SKEW_S};
    assert_int_not_equal(ask(k), OK);
    assert_null(strstr(k->err.text, "here it is"));
}

static void a_url_that_is_none_or_too_long_is_told_and_others_are_asked(void **state)
{
    struct kit *k = *state;
    char *longest = mem_zalloc(3000);
    memset(longest, 'a', 2099 - strlen("/.cmg/join"));
    name_urls(json_pack("[i, s]", 1, longest));
    answers[0] = (struct told){.status = 200, .body = good};
    assert_int_equal(ask(k), OK);
    assert_int_equal(strlen(asked[0]), 2099);
    asked_count = 0;
    memset(longest, 'a', 2100 - strlen("/.cmg/join"));
    name_urls(json_pack("[s]", longest));
    assert_int_equal(ask(k), R_IO);
    assert_int_equal(asked_count, 0);
    assert_non_null(strstr(k->err.text, "more than 2099 octets"));
    name_urls(json_pack("[n]"));
    assert_int_equal(ask(k), R_IO);
    assert_non_null(strstr(k->err.text, "is none"));
    free(longest);
}

static void a_string_without_a_management_point_is_told(void **state)
{
    struct kit *k = *state;
    name_urls(json_array());
    assert_int_equal(ask(k), R_IO);
    assert_non_null(strstr(k->err.text, "names no management point"));
}

static void no_more_than_the_maximum_of_urls_is_asked(void **state)
{
    struct kit *k = *state;
    json_t *urls = json_array();
    for (size_t i = 0; i < BOOTSTRAP_LIST_MAX; i++)
        (void)json_array_append_new(urls, json_null());
    (void)json_array_append_new(urls, json_string("https://beyond"));
    name_urls(urls);
    assert_int_equal(ask(k), R_IO);
    assert_int_equal(asked_count, 0);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_that_answers_is_enough),
        TEST(the_request_is_the_strings_and_brings_the_machines_key),
        TEST(who_is_not_reached_is_passed_over),
        TEST(everybody_is_asked_twice_and_then_it_is_told),
        TEST(what_answers_as_no_management_point_does_is_passed_over),
        TEST(an_answer_that_the_site_did_not_sign_for_this_key_is_passed_over),
        TEST(a_string_that_the_site_refuses_is_not_shown_to_others),
        TEST(a_fault_that_an_answer_had_says_more_than_silence),
        TEST(a_status_that_is_none_of_ours_is_told_with_the_url),
        TEST(a_clock_that_is_wrong_is_told_with_both_times),
        TEST(where_the_clocks_agree_an_answer_out_of_its_time_is_none),
        TEST(a_url_that_is_none_or_too_long_is_told_and_others_are_asked),
        TEST(a_string_without_a_management_point_is_told),
        TEST(no_more_than_the_maximum_of_urls_is_asked),
    };
    return cmocka_run_group_tests(tests, make_site, free_site);
}
