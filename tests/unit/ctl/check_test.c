/* SPDX-License-Identifier: Apache-2.0 */
/* cmg cert check and cmg token check: times, one case and many, verdicts with their exit codes, and what is no case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "../jose/forge.h"
#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/check/check.h"
#include "fake_mp.h"
#include "jose/token.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"

#define DEVICE "11111111-2222-4333-8444-555555555555"

static struct fake_mp mp; /* its folder alone */
static struct ran ran;
static struct jose_signer *signer;
static EVP_PKEY *provider; /* an OpenID provider's key */
static X509 *leaf, *other;
static int64_t now;

static void write_file(const char *name, struct slice data)
{
    char *path = file_join(mp.dir, name);
    assert_int_equal(file_write(path, data, 0644, NULL), OK);
    free(path);
}

static X509 *issue(enum pki_profile profile, const char *name, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    X509 *cert;
    struct pki_request r = {.profile = profile,
                            .common_name = name,
                            .not_before = now - 1000,
                            .not_after = now + 1000,
                            .subject_key = key,
                            .issuer = ca,
                            .issuer_key = ca_key};
    assert_int_equal(pki_issue(&r, &cert, NULL), OK);
    return cert;
}

static void write_pem(const char *name, X509 *cert)
{
    char *pem = pki_cert_pem(cert);
    write_file(name, slice_of(pem));
    free(pem);
}

/* ca.pem issued leaf.pem and other.pem; list.crl has taken other.pem back, all.crl nothing. */
static void make_pki(void)
{
    unsigned char *der;
    size_t len;
    EVP_PKEY *ca_key = pki_key_new(), *key = pki_key_new(), *other_key = pki_key_new();
    X509 *ca = issue(PKI_TLS_CA, "ca", ca_key, NULL, NULL);
    leaf = issue(PKI_TLS_CLIENT, "leaf.example", key, ca, ca_key);
    other = issue(PKI_TLS_CLIENT, "other.example", other_key, ca, ca_key);
    X509 *const revoked[] = {other};
    write_pem("ca.pem", ca);
    write_pem("leaf.pem", leaf);
    write_pem("other.pem", other);
    assert_int_equal(pki_issue_crl(ca, ca_key, revoked, 1, 1, now - 500, now + 500, &der, &len, NULL), OK);
    write_file("list.crl", slice_make((char *)der, len));
    free(der);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
}

static void write_json(const char *name, json_t *o)
{
    char *text = json_text(o);
    write_file(name, slice_of(text));
    free(text);
    json_decref(o);
}

static int start(void **state UNUSED)
{
    EVP_PKEY *key = pki_key_new();
    now = clock_wall_s();
    fake_mp_start(&mp);
    make_pki();
    assert_int_equal(jose_signer_new(key, &signer, NULL), OK);
    EVP_PKEY_free(key);
    provider = forge_key("P-256");
    write_json("site.json", json_pack("{s:[o]}", "keys", jose_signer_public_jwk(signer)));
    write_json("one.json", jose_signer_public_jwk(signer));
    write_json("provider.json", json_pack("{s:[o]}", "keys", forge_jwk(provider, "P-256", "key-1")));
    write_file("junk", SLICE("junk\n"));
    return 0;
}

static int stop(void **state UNUSED)
{
    jose_signer_free(signer);
    EVP_PKEY_free(provider);
    X509_free(leaf);
    X509_free(other);
    fake_mp_stop(&mp);
    return 0;
}

/* Runs `cmg` with the words of a line, and one more. */
static void run_line(const char *line, const char *more)
{
    const char *words[32];
    char *copy = mem_strdup(line), *rest = copy, *word;
    size_t n = 0;
    while ((word = strsep(&rest, " ")) && n < 30) {
        if (*word)
            words[n++] = word;
    }
    if (more)
        words[n++] = more;
    words[n] = NULL;
    run_cmg(&ran, &mp, words);
    free(copy);
}

/* --- times --- */

static void a_time_is_rfc_3339_or_seconds(void **state UNUSED)
{
    static const struct {
        const char *text;
        int64_t at; /* -1: none */
    } cases[] = {{"1970-01-01T00:00:00Z", 0},
                 {"2026-11-23T04:05:06Z", 1795406706},
                 {"2026-11-23T04:05:06z", 1795406706},
                 {"2026-11-23T04:05:06.789Z", 1795406706},
                 {"2026-11-23T05:05:06+01:00", 1795406706},
                 {"2026-11-22T22:35:06-05:30", 1795406706},
                 {"1700000000", 1700000000},
                 {"0", 0},
                 {"", -1},
                 {"soon", -1},
                 {"12x", -1},
                 {"2026-11-23", -1},
                 {"2026-11-23T04:05:06", -1},
                 {"2026-11-23T04:05:06+24:00", -1},
                 {"2026-11-23T04:05:06+01:60", -1},
                 {"2026-11-23T04:05:06+1:00", -1},
                 {"300000000000", -1},
                 {"9999999999999999999999", -1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t at = -1;
        bool good = check_time(slice_of(cases[i].text), &at);
        if (good != (cases[i].at >= 0) || (good && at != cases[i].at))
            fail_msg("'%s' is %d: %lld", cases[i].text, (int)good, (long long)at);
    }
}

static void the_time_of_a_case_is_a_text_a_number_or_now(void **state UNUSED)
{
    static const struct {
        const char *json;
        int64_t at; /* -1: refused; 0: now */
    } cases[] = {{"{\"at\":1700000000}", 1700000000},
                 {"{\"at\":1700000000.9}", 1700000000},
                 {"{\"at\":\"1700000000\"}", 1700000000},
                 {"{}", 0},
                 {"{\"at\":null}", 0},
                 {"{\"at\":true}", -1},
                 {"{\"at\":1e30}", -1},
                 {"{\"at\":\"soon\"}", -1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t at;
        struct error err;
        json_t *c = json_loads(cases[i].json, 0, NULL);
        enum result r = check_time_of(c, &at, &err);
        assert_int_equal(r, cases[i].at < 0 ? R_INVALID : OK);
        if (r == OK && (cases[i].at ? at != cases[i].at : at < now || at > now + 600))
            fail_msg("%s is %lld", cases[i].json, (long long)at);
        json_decref(c);
    }
}

/* --- certificates --- */

static void a_certificate_is_let_in_or_refused_with_its_reason_and_exit_code(void **state UNUSED)
{
    static const struct {
        const char *line;
        int code;
        const char *reason;
    } cases[] = {
        {"cert check --anchors {dir}/ca.pem --crl {dir}/list.crl {dir}/leaf.pem", CTL_DONE, "ok"},
        {"cert check --anchors={dir}/ca.pem --crl={dir}/list.crl {dir}/leaf.pem", CTL_DONE, "ok"},
        {"cert check --anchors {dir}/ca.pem --crl {dir}/list.crl {dir}/other.pem", CTL_FAILED, "revoked"},
        {"cert check --anchors {dir}/ca.pem --crl-check off {dir}/other.pem", CTL_DONE, "ok"},
        {"cert check --anchors {dir}/ca.pem {dir}/leaf.pem", CTL_FAILED, "crl_unavailable"},
        {"cert check --anchors {dir}/ca.pem --crl-check off --at 1000 {dir}/leaf.pem", CTL_FAILED, "not_yet_valid"},
        {"cert check --anchors {dir}/ca.pem --crl-check off --at 2100-01-01T00:00:00Z {dir}/leaf.pem", CTL_FAILED,
         "expired"},
        {"cert check --anchors {dir}/leaf.pem --crl-check off {dir}/other.pem", CTL_FAILED, "incomplete_chain"},
        {"cert check --anchors {dir}/ca.pem {dir}/junk", CTL_FAILED, "malformed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        run_line(cases[i].line, "--json");
        json_t *answer = json_loads(ran.out, 0, NULL);
        if (ran.code != cases[i].code || strcmp(json_opt_str(answer, "reason", ""), cases[i].reason) != 0)
            fail_msg("cmg %s: exit %d, %s%s", cases[i].line, ran.code, ran.out, ran.err);
        assert_int_equal(*json_opt_str(answer, "remedy", "") != '\0', ran.code != CTL_DONE);
        json_decref(answer);
    }
}

static void a_verdict_is_words_for_people(void **state UNUSED)
{
    run_line("cert check --anchors {dir}/ca.pem --crl-check off {dir}/leaf.pem", NULL);
    assert_true(slice_starts(slice_of(ran.out), SLICE("accepted  leaf.example\n")));
    run_line("cert check --anchors {dir}/ca.pem --crl {dir}/list.crl {dir}/other.pem", NULL);
    assert_true(slice_starts(slice_of(ran.out), SLICE("refused: revoked")));
    assert_non_null(strstr(ran.out, "\n  remedy: "));
}

/* Neither is taken for the other, nor anything else for one of them. */
static void a_switch_of_a_case_is_on_or_off(void **state UNUSED)
{
    static const struct {
        const char *value;
        bool good, is_on;
    } rows[] = {{"\"on\"", true, true}, {"\"off\"", true, false}, {"true", true, true}, {"false", true, false},
                {"null", true, true},   {"\"yes\"", false, 0},    {"\"On\"", false, 0}, {"\"\"", false, 0},
                {"1", false, 0},        {"[]", false, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[64];
        struct error err;
        bool is_on = true; /* what counts where the member is absent */
        (void)snprintf(text, sizeof text, "{\"signature_only\": %s}", rows[i].value);
        json_t *c = json_loads(text, 0, NULL);
        enum result r = check_switch_of(c, "signature_only", &is_on, &err);
        if ((r == OK) != rows[i].good || (r == OK && is_on != rows[i].is_on))
            fail_msg("%s: %d, %d", rows[i].value, r, is_on);
        json_decref(c);
    }
    write_json("switch.json", json_pack("[{s:s, s:s}]", "token", "x", "signature_only", "yes"));
    run_line("token check --jwks {dir}/site.json --batch {dir}/switch.json", NULL);
    assert_int_equal(ran.code, CTL_USAGE);
    assert_non_null(strstr(ran.out, "'signature_only' must be on or off"));
}

static void what_is_no_case_is_wrong_usage(void **state UNUSED)
{
    static const char *const lines[] = {
        "cert check --anchors {dir}/ca.pem",
        "cert check --anchors {dir}/ca.pem --batch {dir}/junk {dir}/leaf.pem",
        "cert check --anchors {dir}/ca.pem --batch {dir}/junk",
        "cert check --anchors {dir}/ca.pem --batch {dir}/none",
        "cert check --anchors {dir}/none {dir}/leaf.pem",
        "cert check --anchors {dir}/ca.pem {dir}/none",
        "cert check --anchors {dir}/ca.pem --at soon {dir}/leaf.pem",
        "cert check --anchors {dir}/ca.pem --purpose server {dir}/leaf.pem",
        "token check --jwks {dir}/site.json --issuer urn:opencmg:LAB",
        "token check --jwks {dir}/site.json x",
        "token check --issuer urn:opencmg:LAB x",
        "token check --jwks {dir}/none --issuer urn:opencmg:LAB x",
        "token check --jwks {dir}/junk --issuer urn:opencmg:LAB x",
        "token check --jwks {dir}/provider.json --issuer https://i x",
        "token check --jwks {dir}/site.json --issuer urn:opencmg:LAB @{dir}/none",
        "token check --jwks {dir}/site.json --issuer urn:opencmg:LAB --purpose gold x",
        "token check --jwks {dir}/site.json --issuer urn:opencmg:LAB --certificate {dir}/junk x",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        run_line(lines[i], NULL);
        if (ran.code != CTL_USAGE || *ran.out || !*ran.err)
            fail_msg("cmg %s: exit %d, %s%s", lines[i], ran.code, ran.out, ran.err);
    }
}

/* --- many --- */

static void many_cases_get_an_answer_each_with_their_ids_and_the_lines_defaults(void **state UNUSED)
{
    char *leaf_path = file_join(mp.dir, "leaf.pem"), *other_path = file_join(mp.dir, "other.pem");
    write_json("cases.json", json_pack("[{s:i, s:s}, {s:s, s:s}, {s:s, s:s}]", "id", 7, "cert", leaf_path, "cert",
                                       other_path, "crl_check", "off", "id", "x", "cert", other_path));
    run_line("cert check --anchors {dir}/ca.pem --crl {dir}/list.crl --batch {dir}/cases.json", NULL);
    json_t *answers = json_loads(ran.out, 0, NULL);
    assert_int_equal(ran.code, CTL_DONE); /* whatever the answers are */
    assert_int_equal(json_array_size(answers), 3);
    assert_int_equal(json_opt_int(json_array_get(answers, 0), "id", 0), 7);
    assert_true(json_opt_bool(json_array_get(answers, 0), "ok", false));
    assert_true(json_opt_bool(json_array_get(answers, 1), "ok", false));
    assert_string_equal(json_opt_str(json_array_get(answers, 2), "reason", ""), "revoked");
    json_decref(answers);
    free(leaf_path);
    free(other_path);
}

static void a_case_that_is_wrong_is_told_in_its_place_and_ends_with_2(void **state UNUSED)
{
    char *path = file_join(mp.dir, "leaf.pem");
    write_json("cases.json", json_pack("[i, {}, {s:s, s:s}, {s:s}]", 7, "cert", path, "at", "soon", "cert", path));
    run_line("cert check --anchors {dir}/ca.pem --crl {dir}/list.crl --batch {dir}/cases.json", NULL);
    json_t *answers = json_loads(ran.out, 0, NULL);
    assert_int_equal(ran.code, CTL_USAGE);
    assert_int_equal(json_array_size(answers), 4);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_opt_str(json_array_get(answers, i), "reason", ""), "usage");
    assert_true(json_opt_bool(json_array_get(answers, 3), "ok", false));
    json_decref(answers);
    free(path);
}

/* --- tokens of the site --- */

static char *site_token(enum token_kind kind, int64_t left)
{
    struct token t = {.kind = kind, .issued = now - 100, .not_before = now - 100, .expires = now + left};
    unsigned char hash[PKI_SHA256];
    char *text;
    (void)snprintf(t.id, sizeof t.id, "token-1");
    if (kind != TOKEN_BULK) {
        (void)snprintf(t.subject, sizeof t.subject, DEVICE);
        pki_cert_sha256(leaf, hash);
        (void)encode_base64url(slice_make((char *)hash, sizeof hash), t.x5t);
    }
    if (kind == TOKEN_USER)
        (void)snprintf(t.user, sizeof t.user, "ada");
    assert_int_equal(token_issue(signer, "LAB", &t, &text, NULL), OK);
    return text;
}

static void expect(const char *line, const char *token, int code, const char *reason, const char *identity)
{
    char whole[256];
    (void)snprintf(whole, sizeof whole, "token check --json %s", line);
    run_line(whole, token);
    json_t *answer = json_loads(ran.out, 0, NULL);
    if (ran.code != code || strcmp(json_opt_str(answer, "reason", ""), reason) != 0 ||
        strcmp(json_opt_str(answer, "identity", ""), identity) != 0)
        fail_msg("cmg %s: exit %d, %s%s", whole, ran.code, ran.out, ran.err);
    json_decref(answer);
}

#define OF_LAB "--jwks {dir}/site.json --issuer urn:opencmg:LAB "

static void a_token_of_the_site_is_judged_for_what_its_kind_opens_or_for_what_is_asked(void **state UNUSED)
{
    static const struct {
        enum token_kind kind;
        const char *own, *wrong, *identity;
    } cases[] = {{TOKEN_BULK, "registration", "sts", "token-1"},
                 {TOKEN_DEVICE, "sts", "general", DEVICE},
                 {TOKEN_ACCESS, "general", "sts", DEVICE},
                 {TOKEN_USER, "user", "sts", DEVICE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char line[128], *token = site_token(cases[i].kind, 500);
        expect(OF_LAB, token, CTL_DONE, "ok", cases[i].identity);
        (void)snprintf(line, sizeof line, OF_LAB "--purpose %s", cases[i].own);
        expect(line, token, CTL_DONE, "ok", cases[i].identity);
        (void)snprintf(line, sizeof line, OF_LAB "--purpose %s", cases[i].wrong);
        expect(line, token, CTL_FAILED, "wrong_purpose", cases[i].identity);
        free(token);
    }
}

static void a_token_of_the_site_is_bound_in_its_time_and_of_that_site(void **state UNUSED)
{
    char *token = site_token(TOKEN_ACCESS, 500), *old = site_token(TOKEN_ACCESS, -90);
    expect(OF_LAB "--certificate {dir}/leaf.pem", token, CTL_DONE, "ok", DEVICE);
    expect(OF_LAB "--certificate {dir}/other.pem", token, CTL_FAILED, "not_bound", DEVICE);
    expect(OF_LAB, old, CTL_FAILED, "expired", DEVICE);
    expect(OF_LAB "--at 1000", token, CTL_FAILED, "not_yet_valid", DEVICE);
    expect("--jwks {dir}/one.json --issuer urn:opencmg:LAB", token, CTL_DONE, "ok", DEVICE);
    expect("--jwks {dir}/site.json --issuer urn:opencmg:XYZ", token, CTL_FAILED, "wrong_issuer", DEVICE);
    expect(OF_LAB, "abc", CTL_FAILED, "malformed", "");
    free(token);
    free(old);
}

static void a_bulk_token_is_taken_as_people_have_it(void **state UNUSED)
{
    char *token = site_token(TOKEN_BULK, 500), *told = forge_text("cmg1.%064d.%s", 0, token);
    expect(OF_LAB, told, CTL_DONE, "ok", "token-1");
    write_file("token", slice_of(told));
    expect(OF_LAB "@{dir}/token", NULL, CTL_DONE, "ok", "token-1");
    free(told);
    free(token);
}

/* --- tokens of others --- */

static void a_token_of_a_provider_is_judged_by_issuer_audience_and_algorithm(void **state UNUSED)
{
    static const char header[] = "{\"alg\":\"ES256\",\"kid\":\"key-1\",\"typ\":\"JWT\"}";
    char *payload = forge_text("{\"iss\":\"https://i\",\"aud\":\"a\",\"sub\":\"s\",\"deviceid\":\"d\",\"iat\":%lld,"
                               "\"nbf\":%lld,\"exp\":%lld}",
                               (long long)now - 10, (long long)now - 10, (long long)now + 1000);
    char *token = forge_ecdsa(provider, header, payload);
#define OF_PROVIDER "--jwks {dir}/provider.json "
    expect(OF_PROVIDER "--issuer https://i --audience a", token, CTL_DONE, "ok", "d");
    expect(OF_PROVIDER "--issuer https://j --audience a", token, CTL_FAILED, "wrong_issuer", "");
    expect(OF_PROVIDER "--issuer https://i --audience b", token, CTL_FAILED, "wrong_audience", "");
    expect(OF_PROVIDER "--issuer https://i --audience a --algorithms RS256,PS256", token, CTL_FAILED, "malformed", "");
    expect(OF_PROVIDER "--signature-only", token, CTL_DONE, "ok", "");
    expect("--jwks {dir}/site.json --signature-only", token, CTL_FAILED, "unknown_key", "");
    free(token);
    free(payload);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_rfc_3339_or_seconds),
        cmocka_unit_test(the_time_of_a_case_is_a_text_a_number_or_now),
        cmocka_unit_test(a_certificate_is_let_in_or_refused_with_its_reason_and_exit_code),
        cmocka_unit_test(a_verdict_is_words_for_people),
        cmocka_unit_test(a_switch_of_a_case_is_on_or_off),
        cmocka_unit_test(what_is_no_case_is_wrong_usage),
        cmocka_unit_test(many_cases_get_an_answer_each_with_their_ids_and_the_lines_defaults),
        cmocka_unit_test(a_case_that_is_wrong_is_told_in_its_place_and_ends_with_2),
        cmocka_unit_test(a_token_of_the_site_is_judged_for_what_its_kind_opens_or_for_what_is_asked),
        cmocka_unit_test(a_token_of_the_site_is_bound_in_its_time_and_of_that_site),
        cmocka_unit_test(a_bulk_token_is_taken_as_people_have_it),
        cmocka_unit_test(a_token_of_a_provider_is_judged_by_issuer_audience_and_algorithm),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
