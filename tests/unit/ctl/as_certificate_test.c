/* SPDX-License-Identifier: Apache-2.0 */
/* cmg analyze --as-certificate: what of a file is taken, which gateways are asked, and how a gateway's verdict reads.
 * The fake management point answers every request alike, with what all of them look for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/check/as_certificate.h"
#include "fake_mp.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "pki/trust.h"

static struct fake_mp mp;
static struct as_certificate as;
static struct analyze_gateway found;
static struct error err;
static const struct ctl_common common;

static void write_file(const char *name, struct slice data)
{
    char *path = file_join(mp.dir, name);
    assert_int_equal(file_write(path, data, 0600, NULL), OK);
    free(path);
}

static char *make_certificate(void)
{
    X509 *cert;
    EVP_PKEY *key = pki_key_new();
    const struct pki_request r = {.profile = PKI_DEVICE,
                                  .common_name = "pc1.example",
                                  .not_before = clock_wall_s() - 10,
                                  .not_after = clock_wall_s() + 1000,
                                  .subject_key = key};
    assert_int_equal(pki_issue(&r, &cert, NULL), OK);
    char *pem = pki_cert_pem(cert);
    X509_free(cert);
    EVP_PKEY_free(key);
    return pem;
}

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    as = (struct as_certificate){.common = &common, .timeout_ms = 5000};
    found = (struct analyze_gateway){.port = 0};
    err = (struct error){0};
    return 0;
}

static int stop(void **state UNUSED)
{
    as_certificate_done(&as);
    fake_mp_stop(&mp);
    return 0;
}

static enum result read_file(const char *name)
{
    char *path = file_join(mp.dir, name);
    enum result r = as_certificate_read(path, &as, &err);
    free(path);
    return r;
}

/* --- the file --- */

static void a_key_that_stands_beside_the_certificate_stays_here(void **state UNUSED)
{
    char *pem = make_certificate(), both[8192];
    (void)snprintf(both, sizeof both, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n%s", pem);
    write_file("both.pem", slice_of(both));
    assert_int_equal(read_file("both.pem"), OK);
    assert_null(strstr(as.pem, "PRIVATE"));
    assert_string_equal(as.pem, pem);
    assert_non_null(strstr(as.subject, "pc1.example"));
    free(pem);
}

static void a_file_without_a_certificate_is_refused_by_the_options_name(void **state UNUSED)
{
    write_file("junk", SLICE("nothing\n"));
    assert_int_not_equal(read_file("junk"), OK);
    assert_true(slice_starts(slice_of(err.text), SLICE("--as-certificate ")));
    assert_non_null(strstr(err.text, "there is no certificate in it (expected PEM or DER)"));
    assert_null(as.pem);
}

static void a_file_that_is_not_there_is_told_so(void **state UNUSED)
{
    assert_int_not_equal(read_file("none"), OK);
    assert_true(slice_starts(slice_of(err.text), SLICE("--as-certificate: ")));
}

static void a_file_has_a_greatest_size(void **state UNUSED)
{
    enum { TOO_LARGE = 128 * 1024 + 1 };
    char *text = mem_array(TOO_LARGE, 1);
    memset(text, 'x', TOO_LARGE);
    write_file("large", slice_make(text, TOO_LARGE));
    free(text);
    assert_int_equal(read_file("large"), R_LIMIT);
    assert_non_null(strstr(err.text, "larger than 131072 bytes"));
}

static void a_chain_has_a_greatest_length(void **state UNUSED)
{
    char *pem = make_certificate();
    size_t len = strlen(pem), count = PKI_SENT_MAX + 1;
    char *many = mem_array(count, len);
    for (size_t i = 0; i < count; i++)
        memcpy(many + i * len, pem, len);
    write_file("many.pem", slice_make(many, count * len));
    free(many);
    free(pem);
    assert_int_equal(read_file("many.pem"), R_LIMIT);
    assert_non_null(strstr(err.text, "give the device's own and its intermediates"));
}

/* --- which gateways --- */

#define GATEWAYS                                                                                                       \
    "\"gateways\":[{\"id\":\"a\",\"host\":\"gw.example\",\"port\":443},{\"id\":\"b\",\"host\":\"gw.example\","         \
    "\"port\":443},{\"id\":\"c\",\"host\":\"other.example\",\"port\":8443}],\"gateway_ca_pem\":\"ROOT\""

/* The ids of those that are asked, in one text. */
static const char *asked(const char *name)
{
    static char text[256];
    int code = CTL_DONE;
    size_t used = 0;
    as_certificate_done(&as);
    as = (struct as_certificate){.common = &common, .timeout_ms = 5000};
    bool any = as_certificate_gateways(&as, name, &found, &code);
    text[0] = '\0';
    for (size_t i = 0; i < as.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", as.gateways[i].id);
    assert_int_equal(any, as.count > 0);
    assert_int_equal(code, any ? CTL_DONE : CTL_USAGE);
    return text;
}

static void a_gateway_is_meant_by_its_id_or_by_the_address_of_all_that_share_it(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{" GATEWAYS "}"));
    assert_string_equal(asked("a"), "a");
    assert_string_equal(asked("gw.example"), "ab");
    assert_string_equal(asked("GW.example:443"), "ab");
    assert_string_equal(asked("other.example:8443"), "c");
    assert_string_equal(asked("other.example"), ""); /* another port is another address */
    assert_string_equal(asked("A"), "");             /* ids are exact */
    assert_string_equal(asked("nobody"), "");
}

static void the_way_to_it_is_the_sites_address_and_root(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{" GATEWAYS "}"));
    assert_string_equal(asked("c"), "c");
    assert_string_equal(found.host, "other.example");
    assert_int_equal(found.port, 8443);
    assert_string_equal(as.root_pem, "ROOT");
}

static void no_more_gateways_are_asked_than_there_is_room_for(void **state UNUSED)
{
    char body[4096] = "{\"gateways\":[";
    for (int i = 0; i < AS_CERTIFICATE_GATEWAYS_MAX + 4; i++)
        (void)snprintf(body + strlen(body), sizeof body - strlen(body),
                       "%s{\"id\":\"g%d\",\"host\":\"gw.example\",\"port\":443}", i ? "," : "", i);
    (void)snprintf(body + strlen(body), sizeof body - strlen(body), "]}");
    fake_mp_set(&mp, fake_mp_answer(200, body));
    (void)asked("gw.example");
    assert_int_equal(as.count, AS_CERTIFICATE_GATEWAYS_MAX);
}

static void a_site_that_does_not_answer_asks_nobody(void **state UNUSED)
{
    int code = CTL_DONE;
    fake_mp_set(&mp, NULL);
    assert_false(as_certificate_gateways(&as, "a", &found, &code));
    assert_int_equal(code, CTL_FAILED);
    assert_int_equal(as.count, 0);
}

/* --- what it answered --- */

/* The one step's result, of a site that answers so. */
static struct analyze_result ask(int status, const char *body)
{
    struct analyze_report report = {0};
    struct analyze_watch watch = {NULL, NULL, NULL};
    fake_mp_set(&mp, fake_mp_answer(status, body));
    as.pem = mem_strdup("PEM");
    as.answers = json_array();
    as.count = 1;
    (void)snprintf(as.gateways[0].id, sizeof as.gateways[0].id, "a");
    as_certificate_steps(&as, &report, &watch);
    assert_int_equal(report.count, 1);
    struct analyze_result r = report.items[0];
    analyze_report_free(&report);
    return r;
}

#define ANSWER(members) "{\"id\":7,\"answers\":[{\"at\":0,\"bundle\":12," members "}]}"

static void who_is_let_in_is_told_with_the_bundle_and_the_lists_that_were_looked_at(void **state UNUSED)
{
    struct analyze_result r =
        ask(200, ANSWER("\"ok\":true,\"lists\":[{\"issuer\":\"CN=ca\",\"number\":\"5\",\"this_update\":0},"
                        "{\"issuer\":\"CN=ca\",\"number\":\"6\",\"delta\":true,\"next_update\":60}]"));
    assert_int_equal(r.outcome, ANALYZE_OK);
    assert_string_equal(r.id, "as_certificate.a");
    assert_string_equal(r.found,
                        "let in; judged 1970-01-01T00:00:00Z by bundle 12; CRL 5 of CN=ca, 1970-01-01T00:00:00Z to no "
                        "end; delta CRL 6 of CN=ca, 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z");
    assert_int_equal(json_array_size(as.answers), 1);
}

static void one_that_is_let_in_unchecked_is_no_plain_yes(void **state UNUSED)
{
    struct analyze_result r = ask(200, ANSWER("\"ok\":true,\"unchecked\":true,\"detail\":\"no list\""));
    assert_int_equal(r.outcome, ANALYZE_OK);
    assert_true(slice_starts(slice_of(r.found),
                             SLICE("let in although its revocation could not be checked: no list; judged ")));
}

static void that_lists_are_not_looked_at_is_told(void **state UNUSED)
{
    struct analyze_result r = ask(200, ANSWER("\"ok\":true,\"crl_check\":false"));
    assert_non_null(strstr(r.found, "; crl_check is off"));
    as_certificate_done(&as);
    r = ask(200, ANSWER("\"ok\":true"));
    assert_non_null(strstr(r.found, "; no CRL of its issuer"));
}

static void who_is_refused_is_told_the_reason_the_detail_and_the_remedy(void **state UNUSED)
{
    struct analyze_result r = ask(200, ANSWER("\"ok\":false,\"code\":\"x\",\"reason\":\"odd\",\"detail\":\"why\""));
    assert_int_equal(r.outcome, ANALYZE_FAILED);
    assert_string_equal(r.cause, "odd");
    assert_true(slice_starts(slice_of(r.found), SLICE("refused: why (judged ")));
    assert_string_equal(r.remedy, "see cmg explain"); /* a gateway may be newer than this program */
    assert_string_equal(r.code, "x");
    as_certificate_done(&as);
    r = ask(200, ANSWER("\"ok\":false,\"reason\":\"odd\",\"remedy\":\"do that\""));
    assert_string_equal(r.remedy, "do that");
    assert_true(slice_starts(slice_of(r.found), SLICE("refused (judged ")));
}

static void a_question_that_the_site_does_not_take_fails_by_the_sites_words(void **state UNUSED)
{
    struct analyze_result r = ask(429, "{\"code\":\"too_many\",\"title\":\"wait\",\"remedy\":\"later\"}");
    assert_int_equal(r.outcome, ANALYZE_FAILED);
    assert_int_equal(json_array_size(as.answers), 0);
    assert_non_null(strstr(mp.request, "POST /v1/questions HTTP/1.1\r\n"));
    assert_non_null(strstr(mp.request, "{\"certificate_pem\":\"PEM\",\"gateway\":\"a\"}"));
}

static void a_gateway_that_gives_no_answer_in_time_is_silent(void **state UNUSED)
{
    as.timeout_ms = 0;
    struct analyze_result r = ask(200, "{\"id\":7,\"answers\":[]}");
    assert_int_equal(r.outcome, ANALYZE_FAILED);
    assert_string_equal(r.cause, "gateway_silent");
    assert_non_null(strstr(mp.request, "GET /v1/questions/7 HTTP/1.1\r\n"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_that_stands_beside_the_certificate_stays_here),
        TEST(a_file_without_a_certificate_is_refused_by_the_options_name),
        TEST(a_file_that_is_not_there_is_told_so),
        TEST(a_file_has_a_greatest_size),
        TEST(a_chain_has_a_greatest_length),
        TEST(a_gateway_is_meant_by_its_id_or_by_the_address_of_all_that_share_it),
        TEST(the_way_to_it_is_the_sites_address_and_root),
        TEST(no_more_gateways_are_asked_than_there_is_room_for),
        TEST(a_site_that_does_not_answer_asks_nobody),
        TEST(who_is_let_in_is_told_with_the_bundle_and_the_lists_that_were_looked_at),
        TEST(one_that_is_let_in_unchecked_is_no_plain_yes),
        TEST(that_lists_are_not_looked_at_is_told),
        TEST(who_is_refused_is_told_the_reason_the_detail_and_the_remedy),
        TEST(a_question_that_the_site_does_not_take_fails_by_the_sites_words),
        TEST(a_gateway_that_gives_no_answer_in_time_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
