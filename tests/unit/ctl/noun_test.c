/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that add and change what the site knows: what their options and files become as a request, which of them go
 * together, and what is said when it is done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "lines.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

static void write_file(const char *name, struct slice data)
{
    char *path = file_join(mp.dir, name);
    assert_int_equal(file_write(path, data, 0644, NULL), OK);
    free(path);
}

/* cert.pem and cert.der are of one certificate. */
static void write_certificate(void)
{
    X509 *cert;
    unsigned char *der = NULL;
    EVP_PKEY *key = pki_key_new();
    struct pki_request r = {.profile = PKI_DEVICE,
                            .common_name = "d",
                            .not_before = clock_wall_s() - 10,
                            .not_after = clock_wall_s() + 1000,
                            .subject_key = key};
    assert_int_equal(pki_issue(&r, &cert, NULL), OK);
    char *pem = pki_cert_pem(cert);
    write_file("cert.pem", slice_of(pem));
    int len = i2d_X509(cert, &der);
    write_file("cert.der", slice_make(der, (size_t)len));
    OPENSSL_free(der);
    free(pem);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    write_certificate();
    write_file("policy.txt", SLICE("a=1\n"));
    write_file("keys.json", SLICE("{\"keys\":[]}"));
    write_file("junk", SLICE("no certificate\n"));
    return 0;
}

static int stop(void **state UNUSED)
{
    fake_mp_stop(&mp);
    return 0;
}

/* --- what is sent --- */

static void options_become_the_members_that_the_api_names(void **state UNUSED)
{
    static const struct expected cases[] = {
        {"gateway add gw1 --host a.example", "POST /v1/gateways",
         "{\"id\":\"gw1\",\"host\":\"a.example\",\"port\":443,\"renew\":false,\"revoke_old\":false}"},
        {"gateway add gw1 --renew", "POST /v1/gateways", "{\"id\":\"gw1\",\"renew\":true,\"revoke_old\":false}"},
        {"gateway add gw1 --renew --revoke-old --port 8443", "POST /v1/gateways",
         "{\"id\":\"gw1\",\"renew\":true,\"revoke_old\":true,\"port\":8443}"},
        {"connector add cp1 --renew", "POST /v1/connectors", "{\"id\":\"cp1\",\"renew\":true,\"revoke_old\":false}"},
        {"endpoint add w --url https://w", "POST /v1/endpoints",
         "{\"id\":\"w\",\"url\":\"https://w\",\"role\":\"w\",\"name\":\"\",\"auth\":[\"pki\",\"token\"]}"},
        {"endpoint add w --url https://w --role x --name a/b --auth token --headers puppet", "POST /v1/endpoints",
         "{\"id\":\"w\",\"url\":\"https://w\",\"role\":\"x\",\"name\":\"a/b\",\"auth\":[\"token\"],"
         "\"headers\":\"puppet\"}"},
        {"endpoint add w --url https://w --host w.example --keep-host --x-forwarded --websocket --allow-encoded-slash",
         "POST /v1/endpoints",
         "{\"id\":\"w\",\"url\":\"https://w\",\"host\":\"w.example\",\"auth\":[\"pki\",\"token\"],\"keep_host\":true,"
         "\"x_forwarded\":true,\"upgrade\":\"websocket\",\"allow_encoded_slash\":true}"},
        {"endpoint set w --max-body 30MiB --websocket no --keep-host yes --method any", "PATCH /v1/endpoints/w",
         "{\"max_body\":31457280,\"upgrade\":null,\"keep_host\":true,\"methods\":null}"},
        {"endpoint set w --method GET,HEAD --client-anchors any --websocket yes --x-forwarded no",
         "PATCH /v1/endpoints/w",
         "{\"methods\":[\"GET\",\"HEAD\"],\"client_anchors\":null,\"upgrade\":\"websocket\",\"x_forwarded\":false}"},
        {"policy add p --content x", "POST /v1/policies", "{\"name\":\"p\",\"content\":\"x\"}"},
        {"policy add p {dir}/policy.txt", "POST /v1/policies", "{\"name\":\"p\",\"content\":\"a=1\\n\"}"},
        {"policy add p --file {dir}/policy.txt --users", "POST /v1/policies",
         "{\"name\":\"p\",\"content\":\"a=1\\n\",\"users\":[\"*\"]}"},
        {"policy add p --content x --user a@b,c --collection lab", "POST /v1/policies",
         "{\"name\":\"p\",\"content\":\"x\",\"users\":[\"a@b\",\"c\"],\"collections\":[\"lab\"]}"},
        {"policy add p --content x --devices", "POST /v1/policies",
         "{\"name\":\"p\",\"content\":\"x\",\"users\":[],\"collections\":[]}"},
        {"collection add lab", "POST /v1/collections", "{\"name\":\"lab\",\"devices\":[]}"},
        {"collection add lab --rule name=LAB-*,method=token --rule version>=2002 --device a,b", "POST /v1/collections",
         "{\"name\":\"lab\",\"devices\":[\"a\",\"b\"],\"rules\":[\"name=LAB-*,method=token\",\"version>=2002\"]}"},
        {"collection add lab --rule=", "POST /v1/collections", "{\"name\":\"lab\",\"devices\":[],\"rules\":[]}"},
        {"source add s --url http://a/l", "POST /v1/sources",
         "{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"http://a/l\",\"via\":\"internet\",\"refresh_s\":0}"},
        {"source add s --kind oidc --url ldap://a/l --refresh 2h", "POST /v1/sources",
         "{\"id\":\"s\",\"kind\":\"oidc\",\"url\":\"ldap://a/l\",\"via\":\"connector\",\"refresh_s\":7200}"},
        {"source add s --url HTTPS://a/l --via connector", "POST /v1/sources",
         "{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"HTTPS://a/l\",\"via\":\"connector\",\"refresh_s\":0}"},
        {"source add s --url HTTPS://a/l", "POST /v1/sources",
         "{\"id\":\"s\",\"kind\":\"crl\",\"url\":\"HTTPS://a/l\",\"via\":\"internet\",\"refresh_s\":0}"},
        {"trust add --ocsp-source o --url http://a", "POST /v1/sources",
         "{\"id\":\"o\",\"kind\":\"ocsp\",\"url\":\"http://a\",\"via\":\"internet\",\"refresh_s\":0}"},
        {"trust fetch-hosts t1 a.example b.example:8080", "PUT /v1/trust/t1/fetch-hosts",
         "{\"fetch_hosts\":[\"a.example\",\"b.example:8080\"]}"},
        {"trust fetch-hosts t1", "PUT /v1/trust/t1/fetch-hosts", "{\"fetch_hosts\":[]}"},
        {"tenant add t --tenant G --audience api://cmg --jwks {dir}/keys.json", "POST /v1/tenants",
         "{\"id\":\"t\",\"tenant\":\"G\",\"issuers\":[\"https://login.microsoftonline.com/G/v2.0\","
         "\"https://sts.windows.net/G/\"],\"audiences\":[\"api://cmg\"],\"jwks\":{\"keys\":[]}}"},
        {"tenant add t --issuer https://i --audience a --source s --user-claims email", "POST /v1/tenants",
         "{\"id\":\"t\",\"issuers\":[\"https://i\"],\"audiences\":[\"a\"],\"source\":\"s\",\"user_claims\":\"email\"}"},
        {"settings client set default allow_cmg=no policy_interval=", "POST /v1/client-settings",
         "{\"name\":\"default\",\"settings\":{\"allow_cmg\":\"no\",\"policy_interval\":null}}"},
        {"settings client set Lab a=b=c --collection lab --priority 3", "POST /v1/client-settings",
         "{\"name\":\"Lab\",\"settings\":{\"a\":\"b=c\"},\"collection\":\"lab\",\"priority\":3}"},
    };
    expect_all(cases, ARRAY_LEN(cases));
}

static void devices_of_a_collection_are_two_segments_of_the_path(void **state UNUSED)
{
    fake_mp_set(&mp, fake_mp_answer(200, "{\"collection\":{\"devices\":[{}]}}"));
    run_line("collection add-device a/b c/d");
    json_decref(sent("PUT /v1/collections/a%2Fb/devices/c%2Fd"));
    assert_string_equal(ran.out, "a/b: 1 device\n");
    run_line("collection remove-device lab pc");
    json_decref(sent("DELETE /v1/collections/lab/devices/pc"));
}

/* --- files --- */

static void certificates_go_as_pem_whatever_their_form(void **state UNUSED)
{
    static const struct {
        const char *line, *request, *member;
    } cases[] = {
        {"connector add cp1 --cert {dir}/cert.EXT", "POST /v1/connectors", "certificate_pem"},
        {"connector certificate cp1 {dir}/cert.EXT", "PUT /v1/connectors/cp1/certificate", "certificate_pem"},
        {"endpoint add w --url https://w --anchors {dir}/cert.EXT", "POST /v1/endpoints", "anchors_pem"},
        {"source add s --url https://a/l --source-ca {dir}/cert.EXT", "POST /v1/sources", "ca_pem"},
        {"trust add --anchor {dir}/cert.EXT --fetch-host a.example", "POST /v1/trust", "data"},
        {"trust add-foreign f --issuer i --endpoints w --key {dir}/cert.EXT", "POST /v1/foreign-sites", "pem"},
    };
    char *path = file_join(mp.dir, "cert.pem"), *pem;
    size_t len;
    assert_int_equal(file_read(path, 65536, &pem, &len, NULL), OK);
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        char line[256];
        const char *form = cases[i / 2].line, *at = strstr(form, "EXT");
        (void)snprintf(line, sizeof line, "%.*s%s%s", (int)(at - form), form, i % 2 ? "der" : "pem", at + 3);
        fake_mp_set(&mp, fake_mp_answer(200, "{}"));
        run_line(line);
        json_t *body = sent(cases[i / 2].request);
        if (strcmp(json_opt_str(body, cases[i / 2].member, ""), pem) != 0)
            fail_msg("cmg %s sent %s", line, json_opt_str(body, cases[i / 2].member, "nothing"));
        json_decref(body);
    }
    free(pem);
    free(path);
}

static void a_file_that_is_not_there_or_holds_something_else_sends_nothing(void **state UNUSED)
{
    static const struct refusal cases[] = {
        {"connector add cp1 --cert {dir}/none", CTL_FAILED, "none"},
        {"connector add cp1 --cert {dir}/junk", CTL_FAILED, "without its private key"},
        {"connector certificate cp1 {dir}/junk", CTL_FAILED, "without its private key"},
        {"endpoint add w --url https://w --anchors {dir}/junk", CTL_FAILED, "give a file of certificates in PEM"},
        {"endpoint set w --anchors {dir}/none", CTL_FAILED, "none"},
        {"source add s --url https://a --source-ca {dir}/junk", CTL_FAILED, "--source-ca names CA certificates"},
        {"policy add p {dir}/none", CTL_FAILED, "none"},
        {"tenant add t --issuer i --audience a --jwks {dir}/junk", CTL_FAILED, "it must be a JWK set"},
        {"tenant add t --issuer i --audience a --jwks {dir}/none", CTL_FAILED, "none"},
        {"trust add --anchor {dir}/none", CTL_FAILED, "none"},
        {"trust add --anchor {dir}/junk", CTL_FAILED, "a CRL is added with --crl FILE"},
        {"trust add --crl {dir}/cert.pem", CTL_FAILED, "a certificate is added with --anchor FILE"},
        {"trust add-foreign f --issuer i --endpoints w --key {dir}/none", CTL_FAILED, "none"},
    };
    refuse_all(cases, ARRAY_LEN(cases));
}

/* --- what goes together --- */

static void options_that_contradict_each_other_are_refused(void **state UNUSED)
{
    static const struct refusal cases[] = {
        {"gateway add gw1", CTL_USAGE, "--host NAME is missing"},
        {"gateway add gw1 --host a --revoke-old", CTL_USAGE, "--revoke-old goes with --renew"},
        {"gateway add gw1 --host a --port 0", CTL_USAGE, "port"},
        {"gateway add gw1 --host a --port 65536", CTL_USAGE, "port"},
        {"connector add cp1 --revoke-old", CTL_USAGE, "--revoke-old goes with --renew"},
        {"connector certificate cp1", CTL_USAGE, "FILE"},
        {"endpoint add w", CTL_USAGE, "url"},
        {"endpoint add w --url https://w --max-body 5x", CTL_USAGE, "'5x' is no size"},
        {"endpoint add w --url https://w --headers all", CTL_USAGE, "headers"},
        {"endpoint set w", CTL_USAGE, "name what is to change"},
        {"endpoint set w --websocket perhaps", CTL_USAGE, "websocket"},
        {"policy add p", CTL_USAGE, "give the policy's text once"},
        {"policy add p {dir}/policy.txt --content x", CTL_USAGE, "give the policy's text once"},
        {"policy add p {dir}/policy.txt --file {dir}/policy.txt", CTL_USAGE, "give the policy's text once"},
        {"policy add p --content x --users --devices", CTL_USAGE, "give one of --user"},
        {"policy add p --content x --users --user a", CTL_USAGE, "give one of --user"},
        {"policy add p --content x --devices --collection lab", CTL_USAGE, "so no --collection"},
        {"source add s", CTL_USAGE, "where is it? --url URL"},
        {"source add s --url http://a --refresh soon", CTL_USAGE, "no duration"},
        {"source add s --url http://a --kind gold", CTL_USAGE, "kind"},
        {"tenant add t --audience a --source s", CTL_USAGE, "--tenant GUID or --issuer URL"},
        {"tenant add t --issuer i --source s", CTL_USAGE, "and --audience TEXT"},
        {"tenant add t --issuer i --audience a", CTL_USAGE, "where are its keys?"},
        {"tenant add t --issuer i --audience a --source s --jwks {dir}/keys.json", CTL_USAGE, "where are its keys?"},
        {"trust add", CTL_USAGE, "nothing to add"},
        {"trust add --crl-source a --ocsp-source b --url http://a", CTL_USAGE, "one source at a time"},
        {"trust add --crl-source a --url http://a --anchor {dir}/cert.pem", CTL_USAGE, "no files beside it"},
        {"trust add --crl {dir}/junk --fetch-host a", CTL_USAGE, "--fetch-host goes with --anchor"},
        {"trust add-foreign f --issuer i --key {dir}/cert.pem", CTL_USAGE, "which endpoints may its tokens open?"},
        {"settings client set Lab x", CTL_USAGE, "write SETTING=VALUE"},
        {"settings client set Lab =x", CTL_USAGE, "write SETTING=VALUE"},
        {"settings client set Lab a=b --priority 10000", CTL_USAGE, "priority"},
        {"settings set crl_chek on", CTL_USAGE, "did you mean 'crl_check'"},
        {"settings set renewal_grace soon", CTL_USAGE, "a duration: 90d"},
        {"settings set gateway_ca_pem {dir}/junk", CTL_USAGE, "a FILE"},
    };
    refuse_all(cases, ARRAY_LEN(cases));
}

/* --- what is said --- */

static void what_was_done_is_said_in_one_line_and_asked_for_as_json_told_whole(void **state UNUSED)
{
    static const struct {
        const char *line, *answer, *said;
    } cases[] = {
        {"endpoint add w --url https://w", "{\"endpoint\":{}}", "endpoint w published\n"},
        {"endpoint set w --max-body 1MiB", "{\"endpoint\":{}}", "endpoint w changed\n"},
        {"endpoint remove w", "", "endpoint w is published no longer\n"},
        {"policy add p --content x", "{\"policy\":{\"version\":3}}", "policy p stored, version 3\n"},
        {"collection add lab", "{\"collection\":{\"devices\":[{},{}]}}", "lab: 2 devices\n"},
        {"tenant add t --issuer i --audience a --source s", "{}", "tenant t may vouch for devices and users\n"},
        {"tenant disable t", "", "tokens of tenant t are refused from now on\n"},
        {"connector certificate cp1 {dir}/cert.pem", "{}",
         "registered; let client_certificate in the connector's connector.yaml name it too, and restart the connector; "
         "cmg status tells whether it passes\n"},
        {"trust fetch-hosts t", "{\"fetch_hosts\":[]}",
         "lists that certificates below t… point to are fetched from: nowhere\n"},
        {"settings set crl_check off", "{}", "crl_check: off\n"},
        {"source add s --url http://a",
         "{\"source\":{\"id\":\"s\",\"kind\":\"crl\",\"via\":\"internet\",\"refresh_s\":0,\"url\":\"http://a\"}}",
         "ID  KIND  VIA       REFRESH  URL\ns   crl   internet  default  http://a\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[256];
        fake_mp_set(&mp, fake_mp_answer(200, cases[i].answer));
        run_line(cases[i].line);
        if (ran.code != CTL_DONE || strcmp(ran.out, cases[i].said) != 0 || *ran.err)
            fail_msg("cmg %s: exit %d, said '%s' %s", cases[i].line, ran.code, ran.out, ran.err);
        (void)snprintf(line, sizeof line, "%s --json", cases[i].line);
        run_line(line);
        json_t *got = json_loads(ran.out, 0, NULL), *answer = json_loads(cases[i].answer, 0, NULL);
        assert_true(json_equal(got, answer) || (!answer && json_object_size(got) == 0));
        json_decref(got);
        json_decref(answer);
    }
}

static void an_answer_without_its_secret_is_a_failure(void **state UNUSED)
{
    static const struct {
        const char *line, *told;
    } cases[] = {{"gateway add gw1 --host a", "no bootstrap file"},
                 {"connector add cp1", "no bootstrap file"},
                 {"token new", "no token"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        fake_mp_set(&mp, fake_mp_answer(200, "{}"));
        run_line(cases[i].line);
        assert_int_equal(ran.code, CTL_FAILED);
        assert_non_null(strstr(ran.err, cases[i].told));
        assert_non_null(strstr(ran.err, "of the same version"));
    }
}

static void each_file_that_is_refused_is_named_and_keeps_no_other_out(void **state UNUSED)
{
    fake_mp_set(
        &mp, fake_mp_answer(200, "{\"added\":[{\"id\":\"t1\",\"kind\":\"anchor\",\"warnings\":[\"it ends soon\"]}]}"));
    run_line("trust add --anchor {dir}/junk --anchor {dir}/cert.pem");
    assert_int_equal(ran.code, CTL_FAILED);
    json_decref(sent("POST /v1/trust"));
    assert_non_null(strstr(ran.err, "/junk"));
    assert_non_null(strstr(ran.err, "warning: "));
    assert_non_null(strstr(ran.err, "it ends soon"));
    assert_non_null(strstr(ran.out, "t1"));
    fake_mp_set(&mp, fake_mp_answer(409, "{\"detail\":\"no\",\"code\":\"MP_Conflict\"}"));
    run_line("trust add --anchor {dir}/cert.pem");
    assert_int_equal(ran.code, CTL_FAILED);
    assert_non_null(strstr(ran.err, "/cert.pem)"));
}

static void one_setting_is_printed_alone_and_one_that_is_not_there_refused(void **state UNUSED)
{
    fake_mp_set(
        &mp,
        fake_mp_answer(200, "{\"settings\":{\"crl_check\":true,\"approval\":\"auto\",\"gateway_ca_pem\":\"a\\nb\"}}"));
    run_line("settings get approval");
    assert_string_equal(ran.out, "auto\n");
    run_line("settings get crl_check --json");
    assert_string_equal(ran.out, "true\n");
    run_line("settings get gateway_ca_pem");
    assert_string_equal(ran.out, "a\nb\n");
    run_line("settings get");
    assert_non_null(strstr(ran.out, "(set; shown by its name alone)"));
    run_line("settings get colour");
    assert_int_equal(ran.code, CTL_USAGE);
}

static void resultant_settings_tell_who_wins_who_loses_and_what_the_device_has(void **state UNUSED)
{
    fake_mp_set(&mp,
                fake_mp_answer(200, "{\"name\":\"pc\",\"device\":\"g\",\"collections\":[],\"settings\":[{\"name\":"
                                    "\"allow_cmg\",\"winner\":{\"from\":\"Lab\",\"priority\":3,\"collection\":\"lab\","
                                    "\"value\":false,\"why\":\"first\"},\"losers\":[{\"from\":\"built-in\",\"value\":"
                                    "true,\"why\":\"Lab wins\"}]}],\"device_has\":{\"state\":\"never\","
                                    "\"explanation\":\"none yet\"}}"));
    run_line("settings resultant pc");
    assert_string_equal(ran.out, "device pc (g), collections: none\n"
                                 "allow_cmg\n"
                                 "  wins   no by Lab (priority 3, collection lab): first\n"
                                 "  loses  yes by built-in: Lab wins\n"
                                 "on the device: never\n"
                                 "  none yet\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_become_the_members_that_the_api_names),
        cmocka_unit_test(devices_of_a_collection_are_two_segments_of_the_path),
        cmocka_unit_test(certificates_go_as_pem_whatever_their_form),
        cmocka_unit_test(a_file_that_is_not_there_or_holds_something_else_sends_nothing),
        cmocka_unit_test(options_that_contradict_each_other_are_refused),
        cmocka_unit_test(what_was_done_is_said_in_one_line_and_asked_for_as_json_told_whole),
        cmocka_unit_test(an_answer_without_its_secret_is_a_failure),
        cmocka_unit_test(each_file_that_is_refused_is_named_and_keeps_no_other_out),
        cmocka_unit_test(one_setting_is_printed_alone_and_one_that_is_not_there_refused),
        cmocka_unit_test(resultant_settings_tell_who_wins_who_loses_and_what_the_device_has),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
