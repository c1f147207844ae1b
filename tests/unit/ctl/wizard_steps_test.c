/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of `cmg setup` against a management point that answers by a table: what is asked and sent for which
 * answers, what is there already and left alone, and where it stops. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/wizard/wizard.h"
#include "lines.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

static struct ctl_common common;
static struct wizard w;
static struct ctl_fault fault;
static int old_out;

static char *within(const char *name)
{
    return file_join(mp.dir, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
    char *path = within(name);
    assert_int_equal(file_write(path, slice_of(text), mode, NULL), OK);
    free(path);
}

static void write_ca(const char *name)
{
    X509 *cert;
    EVP_PKEY *key = pki_key_new();
    const struct pki_request r = {.profile = PKI_TLS_CA,
                                  .common_name = name,
                                  .not_before = clock_wall_s() - 10,
                                  .not_after = clock_wall_s() + 1000,
                                  .subject_key = key};
    assert_int_equal(pki_issue(&r, &cert, NULL), OK);
    char *pem = pki_cert_pem(cert);
    put(name, pem, 0644);
    free(pem);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void answer(enum wizard_id id, const char *text)
{
    free(w.text[id]);
    w.text[id] = mem_strdup(text);
}

static void answer_file(enum wizard_id id, const char *name)
{
    free(w.text[id]);
    w.text[id] = within(name);
}

/* cmg-connector: it keeps its words and its string, and answers with the file `says`. */
static const char connector[] = "#!/bin/sh\n"
                                "here=${0%/*}\n"
                                "echo \"$*\" > $here/words\n"
                                "cat > $here/string\n"
                                "cat $here/says\n";

static int start(void **state UNUSED)
{
    fake_mp_start(&mp);
    fault = (struct ctl_fault){0};
    w = (struct wizard){.common = &common, .dir = mp.dir, .bin = mp.dir, .socket = mp.socket, .talk = stdout};
    put("cmg-connector", connector, 0755);
    put("says", "{\"ok\":true,\"done\":[],\"todo\":[]}", 0644);
    write_ca("ca.pem");
    answer(ASK_SITE, "LAB");
    answer(ASK_CLIENT, "token");
    answer(ASK_SERVER_CERT, "public");
    answer(ASK_MP, "ehttp");
    answer(ASK_MP_LISTEN, "127.0.0.1:1");
    answer(ASK_MP_URL, "https://mp.example:8443");
    answer(ASK_GATEWAY, "gw.example:8443");
    answer(ASK_GATEWAY_ID, "gw1");
    answer(ASK_CONNECTOR_ID, "cp1");
    answer(ASK_DEVICES, "7");
    w.there = true;
    join_report_start(&w.report, "cmg", true); /* told when it is asked for */
    return 0;
}

static int stop(void **state UNUSED)
{
    wizard_end_children(&w);
    for (size_t i = 0; i < ASK_COUNT; i++)
        free(w.text[i]);
    free(w.gateway_line);
    free(w.devices_line);
    json_decref(w.report.done);
    json_decref(w.report.todo);
    fake_mp_stop(&mp);
    return 0;
}

/* Is one of what was done so? */
static bool did(const char *part)
{
    const json_t *line;
    size_t i;
    json_array_foreach(w.report.done, i, line) {
        if (strstr(json_string_value(line), part))
            return true;
    }
    return false;
}

static void expect_did(const char *part)
{
    if (!did(part)) {
        char *all = json_text(w.report.done);
        fail_msg("'%s' is not in %s", part, all);
    }
}

/* Nobody has joined. */
#define NEW_ROLES                                                                                                      \
    {"GET /v1/connectors", 200, "{\"connectors\":[]}"},                                                                \
    {                                                                                                                  \
        "GET /v1/gateways", 200, "{\"gateways\":[]}"                                                                   \
    }
#define LINES                                                                                                          \
    {"POST /v1/connectors", 201, "{\"join\":\"connector-string\"}"},                                                   \
        {"POST /v1/gateways", 201, "{\"join\":\"gateway-string\",\"expires\":1700000000}"},                            \
    {                                                                                                                  \
        "POST /v1/tokens", 201, "{\"join\":\"devices-string\",\"expires\":1700000001}"                                 \
    }
#define REST                                                                                                           \
    {"", 200, "{}"},                                                                                                   \
    {                                                                                                                  \
        NULL, 0, NULL                                                                                                  \
    }

static const struct fake_row fresh[] = {NEW_ROLES, LINES, REST};

static void run(const struct fake_row *rows)
{
    fake_mp_rows(&mp, rows);
    enum result r = wizard_run(&w, &fault);
    fake_mp_rows(&mp, NULL);
    if (r != OK)
        fail_msg("%d: %s (%s)", r, fault.what.text, fault.where);
}

static const char *asked(const struct fake_row *rows)
{
    static char text[8192];
    fake_mp_rows(&mp, rows);
    if (wizard_run(&w, &fault) != OK)
        fail_msg("%s (%s)", fault.what.text, fault.where);
    memcpy(text, mp.asked, sizeof text);
    fake_mp_rows(&mp, NULL);
    return text;
}

static char *contents(const char *name)
{
    char *path = within(name), *text;
    size_t len;
    assert_int_equal(file_read(path, 1 << 20, &text, &len, NULL), OK);
    free(path);
    return text;
}

/* --- the way --- */

static void the_least_site_is_asked_for_its_roles_and_their_lines(void **state UNUSED)
{
    assert_string_equal(asked(fresh), "GET /v1/status\nGET /v1/connectors\nPOST /v1/connectors\nGET /v1/gateways\n"
                                      "POST /v1/gateways\nPOST /v1/tokens\n");
    assert_string_equal(w.gateway_line, "gateway-string");
    assert_string_equal(w.devices_line, "devices-string");
    assert_int_equal(w.gateway_until, 1700000000);
    assert_int_equal(w.devices_until, 1700000001);
    expect_did("The site LAB is there already");
    expect_did("The management point runs already");
    expect_did("Made the line for the gateway gw1");
    expect_did("Made the line for devices: 7 may join by it");
}

static void a_pki_is_trusted_and_revocation_checked_as_it_was_answered(void **state UNUSED)
{
    static const struct {
        const char *check, *value, *told;
    } rows[] = {{NULL, "on", "revocation is checked"}, {"on", "on", "is checked"}, {"off", "off", "is not checked"}};
    const struct fake_row last[] = {{"GET /v1/connectors", 503, "{}"}, REST}; /* the step behind it */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer(ASK_CLIENT, "pki");
        answer(ASK_MP, "https");
        answer_file(ASK_CLIENT_CA, "ca.pem");
        free(w.text[ASK_CRL_CHECK]);
        w.text[ASK_CRL_CHECK] = rows[i].check ? mem_strdup(rows[i].check) : NULL;
        json_array_clear(w.report.done);
        fake_mp_rows(&mp, last);
        assert_int_equal(wizard_run(&w, &fault), R_IO);
        assert_string_equal(mp.asked, "GET /v1/status\nPOST /v1/trust\nPUT /v1/settings/crl_check\nGET "
                                      "/v1/connectors\n");
        expect_did(rows[i].told);
    }
    fake_mp_rows(&mp, NULL);
}

/* A value that the site does not take must not stand as done. */
static void what_the_site_refuses_ends_it_there_with_the_sites_words(void **state UNUSED)
{
    static const char *const refused[] = {"PUT /v1/settings/gateway_ca_pem",
                                          "POST /v1/trust",
                                          "PUT /v1/settings/crl_check",
                                          "GET /v1/connectors",
                                          "POST /v1/connectors",
                                          "GET /v1/gateways",
                                          "POST /v1/gateways",
                                          "POST /v1/tokens"};
    answer(ASK_CLIENT, "pki,token");
    answer(ASK_MP, "https");
    answer(ASK_SERVER_CERT, "internal");
    answer_file(ASK_SERVER_CA, "ca.pem");
    answer_file(ASK_CLIENT_CA, "ca.pem");
    answer_file(ASK_CONNECTOR_CERT, "ca.pem");
    answer_file(ASK_CONNECTOR_KEY, "ca.pem");
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        const struct fake_row rows[] = {
            {refused[i], 409, "{\"detail\":\"not now\",\"remedy\":\"wait\"}"}, NEW_ROLES, LINES, REST};
        fake_mp_rows(&mp, rows);
        if (wizard_run(&w, &fault) != R_CONFLICT)
            fail_msg("%s was gone past", refused[i]);
        assert_string_equal(fault.what.text, "not now");
        assert_string_equal(fault.remedy, "wait");
        const char *last = mp.asked + strlen(mp.asked);
        do
            last--;
        while (last > mp.asked && last[-1] != '\n');
        if (!slice_starts(slice_of(last), slice_of(refused[i])))
            fail_msg("after %s came %s", refused[i], last);
    }
    fake_mp_rows(&mp, NULL);
}

static void the_gateways_root_is_told_where_it_was_given(void **state UNUSED)
{
    answer_file(ASK_SERVER_CA, "ca.pem"); /* of a public certificate it is not asked */
    assert_null(strstr(asked(fresh), "gateway_ca_pem"));
    answer(ASK_SERVER_CERT, "internal");
    assert_non_null(strstr(asked(fresh), "GET /v1/status\nPUT /v1/settings/gateway_ca_pem\nGET /v1/connectors\n"));
    answer(ASK_SERVER_CA, "");
    assert_null(strstr(asked(fresh), "gateway_ca_pem"));
}

static void a_file_that_is_gone_since_it_was_answered_is_named(void **state UNUSED)
{
    answer(ASK_SERVER_CERT, "internal");
    answer_file(ASK_SERVER_CA, "gone.pem");
    fake_mp_rows(&mp, fresh);
    assert_int_equal(wizard_run(&w, &fault), R_NOTFOUND);
    assert_non_null(strstr(fault.where, "/gone.pem"));
    assert_string_equal(mp.asked, "GET /v1/status\n");
    fake_mp_rows(&mp, NULL);
}

/* --- the connector --- */

static void the_connector_joins_by_the_string_of_its_line(void **state UNUSED)
{
    put("says", "{\"ok\":true,\"done\":[\"Joined as cp1\"],\"todo\":[\"start it\"]}", 0644);
    run(fresh);
    char *words = contents("words"), *string = contents("string"), expected[256];
    (void)snprintf(expected, sizeof expected, "join - --json --dir %s\n", mp.dir);
    assert_string_equal(words, expected);
    assert_string_equal(string, "connector-string");
    expect_did("Joined as cp1");
    assert_int_equal(json_array_size(w.report.todo), 1);
    free(words);
    free(string);
}

static void where_pki_goes_through_it_the_connector_gets_its_own_certificate(void **state UNUSED)
{
    answer(ASK_CLIENT, "pki");
    answer(ASK_MP, "https");
    answer_file(ASK_CLIENT_CA, "ca.pem");
    answer_file(ASK_CONNECTOR_CERT, "ca.pem");
    answer(ASK_CONNECTOR_KEY, "/k.key");
    run(fresh);
    char *words = contents("words"), expected[512];
    (void)snprintf(expected, sizeof expected, "join - --json --dir %s --certificate %s/ca.pem --key /k.key\n", mp.dir,
                   mp.dir);
    assert_string_equal(words, expected);
    free(words);
}

/* A pipe holds 64 KiB; a string with the roots of many CAs is longer. */
static void a_string_longer_than_a_pipe_holds_reaches_the_connector(void **state UNUSED)
{
    enum { LONG = 200 * 1000 };
    char *string = mem_zalloc(LONG + 1), *taken;
    memset(string, 's', LONG);
    assert_int_equal(wizard_join_connector(&w, string, &fault), OK);
    taken = contents("string");
    assert_string_equal(taken, string);
    free(taken);
    free(string);
}

static void a_connector_that_does_not_join_is_a_failure_with_its_words(void **state UNUSED)
{
    static const struct {
        const char *says, *told, *remedy;
    } rows[] = {{"{\"ok\":false,\"detail\":\"used up\",\"remedy\":\"another line\"}", "used up", "another line"},
                {"{\"ok\":false}", "without an answer", ""},
                {"", "without an answer", ""},
                {"Segmentation fault", "without an answer", ""},
                {"[\"ok\"]", "without an answer", ""}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put("says", rows[i].says, 0644);
        assert_int_equal(wizard_join_connector(&w, "string", &fault), R_IO);
        if (!strstr(fault.what.text, rows[i].told))
            fail_msg("%s: %s", rows[i].says, fault.what.text);
        assert_string_equal(fault.remedy, rows[i].remedy);
        assert_string_equal(fault.where, "cmg-connector join");
    }
}

/* It says what it did in lines of text; what is none is not shown. */
static void what_the_connector_did_is_texts(void **state UNUSED)
{
    put("says", "{\"ok\":true,\"done\":[7,null,\"a line\"],\"todo\":[{}]}", 0644);
    assert_int_equal(wizard_join_connector(&w, "string", &fault), OK);
    assert_int_equal(json_array_size(w.report.done), 1);
    assert_int_equal(json_array_size(w.report.todo), 0);
    expect_did("a line");
}

static void a_connector_that_is_not_there_is_a_failure(void **state UNUSED)
{
    char *path = within("cmg-connector");
    assert_int_equal(unlink(path), 0);
    free(path);
    assert_int_equal(wizard_join_connector(&w, "string", &fault), R_IO);
    assert_non_null(strstr(fault.what.text, "could not be run"));
}

/* not_after: its certificate, of one that has joined. */
static void one_that_has_joined_is_left_alone(void **state UNUSED)
{
    static const struct {
        const char *row, *file, *told;
        bool asks;
    } rows[] = {{"{\"id\":\"cp1\",\"not_after\":1800000000}", NULL, "on another machine", false},
                {"{\"id\":\"cp1\",\"not_after\":1800000000}", "connector.bootstrap.json", "on this machine", false},
                {"{\"id\":\"cp2\",\"not_after\":1800000000}", NULL, NULL, true},
                {"{\"id\":\"cp1\",\"not_after\":0}", NULL, NULL, true},
                {"{\"id\":\"cp1\"}", NULL, NULL, true}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char list[128];
        (void)snprintf(list, sizeof list, "{\"connectors\":[%s]}", rows[i].row);
        const struct fake_row answers[] = {{"GET /v1/connectors", 200, list}, NEW_ROLES, LINES, REST};
        if (rows[i].file)
            put(rows[i].file, "{}", 0600);
        json_array_clear(w.report.done);
        assert_int_equal(strstr(asked(answers), "POST /v1/connectors") != NULL, rows[i].asks);
        if (rows[i].told)
            expect_did(rows[i].told);
        if (rows[i].file) {
            char *path = within(rows[i].file);
            assert_int_equal(unlink(path), 0);
            free(path);
        }
    }
}

/* It was stopped between the site's answer and its keeping: it has the key, and asks for the certificate anew. */
static void one_that_was_stopped_while_it_joined_joins_again(void **state UNUSED)
{
    static const struct fake_row rows[] = {
        {"GET /v1/connectors", 200, "{\"connectors\":[{\"id\":\"cp1\",\"not_after\":1800000000}]}"},
        {"POST /v1/connectors", 409, "{\"detail\":\"stop here\"}"},
        NEW_ROLES,
        LINES,
        REST};
    put("connector.joining.key", "key", 0600);
    fake_mp_rows(&mp, rows);
    assert_int_equal(wizard_run(&w, &fault), R_CONFLICT);
    json_t *body = sent("POST /v1/connectors"),
           *wanted = json_loads("{\"id\":\"cp1\",\"renew\":true,\"join\":{}}", 0, NULL);
    assert_true(json_equal(body, wanted));
    json_decref(body);
    json_decref(wanted);
    fake_mp_rows(&mp, NULL);
}

/* --- the gateway and devices --- */

static void a_gateway_that_has_joined_gets_no_line_and_one_that_has_not_another(void **state UNUSED)
{
    static const struct fake_row joined[] = {{"GET /v1/gateways", 200,
                                              "{\"gateways\":[{\"id\":\"gw1\",\"not_after\":1800000000}]}"},
                                             NEW_ROLES,
                                             LINES,
                                             REST},
                                 waiting[] = {{"GET /v1/gateways", 200, "{\"gateways\":[{\"id\":\"gw1\"}]}"},
                                              NEW_ROLES,
                                              LINES,
                                              REST};
    run(joined);
    assert_true(w.gateway_joined);
    assert_null(w.gateway_line);
    expect_did("The gateway gw1 has joined already");
    run(waiting);
    assert_false(w.gateway_joined);
    assert_string_equal(w.gateway_line, "gateway-string");
    expect_did("the one before counts no longer");
}

static void the_gateways_name_and_port_go_apart(void **state UNUSED)
{
    static const struct fake_row rows[] = {
        NEW_ROLES, {"POST /v1/gateways", 409, "{\"detail\":\"stop here\"}"}, LINES, REST};
    fake_mp_rows(&mp, rows);
    assert_int_equal(wizard_run(&w, &fault), R_CONFLICT);
    json_t *body = sent("POST /v1/gateways"),
           *wanted = json_loads("{\"id\":\"gw1\",\"host\":\"gw.example\",\"port\":8443,\"join\":{}}", 0, NULL);
    assert_true(json_equal(body, wanted));
    json_decref(body);
    json_decref(wanted);
    fake_mp_rows(&mp, NULL);
}

static void devices_get_a_line_when_they_come_by_token_and_have_none_that_counts(void **state UNUSED)
{
    answer(ASK_CLIENT, "entra");
    assert_null(strstr(asked(fresh), "/v1/tokens"));
    answer(ASK_CLIENT, "token");
    w.devices_until = clock_wall_s() + 100;
    assert_null(strstr(asked(fresh), "/v1/tokens"));
    expect_did("A line for devices was printed before");
    assert_null(w.devices_line);
    w.devices_until = clock_wall_s() - 1;
    assert_non_null(strstr(asked(fresh), "POST /v1/tokens\n"));
    json_t *body = sent("POST /v1/tokens"), *wanted = json_loads("{\"join\":{},\"uses\":7}", 0, NULL);
    assert_true(json_equal(body, wanted));
    json_decref(body);
    json_decref(wanted);
}

/* So that the next run knows that the line was printed; it holds no secret. */
static void until_when_the_line_counts_is_kept_and_not_the_line(void **state UNUSED)
{
    run(fresh);
    char *kept = contents("setup.json");
    assert_non_null(strstr(kept, "\"devices_until\":1700000001"));
    assert_null(strstr(kept, "string"));
    free(kept);
}

/* --- the site and its management point --- */

static void a_new_site_is_made_and_its_answers_are_kept_first(void **state UNUSED)
{
    static const struct fake_row rows[] = {{"GET /v1/connectors", 503, "{}"}, REST}; /* the step behind it */
    w.there = false;
    fake_mp_rows(&mp, rows);
    assert_int_equal(wizard_run(&w, &fault), R_IO);
    fake_mp_rows(&mp, NULL);
    char *config = contents("mp.yaml"), *kept = contents("setup.json");
    assert_non_null(strstr(config, "client_auth: [token]"));
    assert_non_null(strstr(kept, "\"site\":\"LAB\""));
    free(config);
    free(kept);
    expect_did("Made the site LAB in ");
    fault = (struct ctl_fault){0};
    w.there = false; /* as one who was ended by force finds it */
    assert_int_equal(wizard_run(&w, &fault), R_CONFLICT);
    assert_non_null(strstr(fault.remedy, "half of a site is there"));
}

static void a_management_point_that_ends_is_told_with_its_log(void **state UNUSED)
{
    put("cmg-mp", "#!/bin/sh\nexit 3\n", 0755);
    w.run_here = true;
    fake_mp_set(&mp, "no HTTP");
    assert_int_equal(wizard_run(&w, &fault), R_IO);
    assert_string_equal(fault.what.text, "cmg-mp ended");
    assert_non_null(strstr(fault.where, "/mp.log"));
    expect_did("Started cmg-mp, which ends with this command");
}

/* Without a folder of services it is started by who set it up; then it goes on from there. */
static void without_its_service_it_is_to_be_started_by_hand(void **state UNUSED)
{
    char by_hand[128];
    fake_mp_set(&mp, "no HTTP");
    assert_int_equal(wizard_run(&w, &fault), R_AGAIN);
    assert_int_equal(json_array_size(w.report.todo), 1);
    (void)snprintf(by_hand, sizeof by_hand, "cmg-mp --config %s/mp.yaml", mp.dir);
    assert_non_null(strstr(json_string_value(json_array_get(w.report.todo, 0)), by_hand));
}

static void a_signal_stops_it_before_the_next_step(void **state UNUSED)
{
    w.stopped = true;
    fake_mp_rows(&mp, fresh);
    assert_int_equal(wizard_run(&w, &fault), R_EOF);
    assert_string_equal(mp.asked, "");
    fake_mp_rows(&mp, NULL);
}

/* --- what is left to do --- */

static const char *announced(void)
{
    static char text[8192];
    FILE *into = tmpfile();
    (void)fflush(stdout);
    old_out = dup(STDOUT_FILENO);
    assert_true(into && old_out >= 0 && dup2(fileno(into), STDOUT_FILENO) >= 0);
    int code = wizard_announce(&w);
    (void)fflush(stdout);
    (void)dup2(old_out, STDOUT_FILENO);
    (void)close(old_out);
    rewind(into);
    text[fread(text, 1, sizeof text - 1, into)] = '\0';
    (void)fclose(into);
    assert_int_equal(code, w.incomplete ? CTL_FAILED : CTL_DONE);
    join_report_start(&w.report, "cmg", w.report.json);
    return text;
}

static void what_is_left_is_what_the_answers_call_for(void **state UNUSED)
{
    static const struct {
        const char *client, *crl, *check, *relay, *has, *has_not;
    } rows[] = {{"token", "internet", "on", "off", "offline/root.key", "name the CRL's URL"},
                {"pki", "internet", "on", "off", "cmg trust add --crl-source ID --url URL\"", "--via connector"},
                {"pki", "ad", "on", "on", "--url URL --via connector", "name the tenant"},
                {"pki", "ad", "off", "on", "cmg-client set Certificate=FILE", "name the CRL's URL"},
                {"pki", "none", "on", "off", "cmg-client set Certificate=FILE", "name the CRL's URL"},
                {"entra", "internet", "on", "off", "cmg tenant add ID", "Certificate=FILE"},
                {"token", "internet", "on", "off", "export CMG_ADMIN_SOCKET=", "cmg enrollment --out"}};
    answer(ASK_MP, "https");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        answer(ASK_CLIENT, rows[i].client);
        answer(ASK_CRL, rows[i].crl);
        answer(ASK_CRL_CHECK, rows[i].check);
        answer(ASK_CRL_RELAY, rows[i].relay);
        const char *text = announced();
        if (!strstr(text, rows[i].has) || strstr(text, rows[i].has_not))
            fail_msg("%zu: %s", i, text);
    }
}

static void lines_are_members_for_programs_and_null_where_none_was_made(void **state UNUSED)
{
    json_t *o = json_loads(announced(), 0, NULL);
    assert_true(json_is_null(json_object_get(o, "gateway")) && json_is_null(json_object_get(o, "devices")));
    assert_true(json_is_true(json_object_get(o, "complete")));
    json_decref(o);
    w.gateway_line = mem_strdup("gs");
    w.gateway_until = 17;
    o = json_loads(announced(), 0, NULL);
    const json_t *gateway = json_object_get(o, "gateway");
    assert_string_equal(json_opt_str(gateway, "line", ""), "cmg-gateway join gs");
    assert_int_equal(json_opt_int(gateway, "expires", 0), 17);
    json_decref(o);
}

/* Half of the way no line is shown, and nothing else to do than to go on. */
static void what_is_not_complete_says_only_how_to_go_on(void **state UNUSED)
{
    w.incomplete = true;
    w.devices_line = mem_strdup("ds");
    w.report.json = false;
    const char *text = announced();
    assert_string_equal(text, "Next: then run cmg setup again: it goes on from here\n");
}

static void a_line_is_shown_with_who_types_it_and_until_when(void **state UNUSED)
{
    w.report.json = false;
    w.gateway_line = mem_strdup("gs");
    w.gateway_until = 1796025600;
    const char *text = announced();
    assert_non_null(strstr(text, "On the gateway's machine, as root (the line is a secret, and counts until "
                                 "2026-11-30T08:00:00Z):\n\n  cmg-gateway join gs\n"));
    assert_null(strstr(text, "On each device"));
    assert_non_null(strstr(text, "and a public CA issues its certificate and each one after"));
    assert_non_null(strstr(text, "reach port 8443 there"));
    answer(ASK_SERVER_CERT, "internal");
    assert_non_null(strstr(announced(), "from your CA"));
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(the_least_site_is_asked_for_its_roles_and_their_lines),
        EACH(a_pki_is_trusted_and_revocation_checked_as_it_was_answered),
        EACH(what_the_site_refuses_ends_it_there_with_the_sites_words),
        EACH(the_gateways_root_is_told_where_it_was_given),
        EACH(a_file_that_is_gone_since_it_was_answered_is_named),
        EACH(the_connector_joins_by_the_string_of_its_line),
        EACH(where_pki_goes_through_it_the_connector_gets_its_own_certificate),
        EACH(a_string_longer_than_a_pipe_holds_reaches_the_connector),
        EACH(a_connector_that_does_not_join_is_a_failure_with_its_words),
        EACH(what_the_connector_did_is_texts),
        EACH(a_connector_that_is_not_there_is_a_failure),
        EACH(one_that_has_joined_is_left_alone),
        EACH(one_that_was_stopped_while_it_joined_joins_again),
        EACH(a_gateway_that_has_joined_gets_no_line_and_one_that_has_not_another),
        EACH(the_gateways_name_and_port_go_apart),
        EACH(devices_get_a_line_when_they_come_by_token_and_have_none_that_counts),
        EACH(until_when_the_line_counts_is_kept_and_not_the_line),
        EACH(a_new_site_is_made_and_its_answers_are_kept_first),
        EACH(a_management_point_that_ends_is_told_with_its_log),
        EACH(without_its_service_it_is_to_be_started_by_hand),
        EACH(a_signal_stops_it_before_the_next_step),
        EACH(what_is_left_is_what_the_answers_call_for),
        EACH(lines_are_members_for_programs_and_null_where_none_was_made),
        EACH(what_is_not_complete_says_only_how_to_go_on),
        EACH(a_line_is_shown_with_who_types_it_and_until_when),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
