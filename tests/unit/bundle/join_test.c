/* SPDX-License-Identifier: Apache-2.0 */
/* Joining: a string is read whole or told as what it is; a request counts by the string's key alone; an answer counts
 * when the pinned site signed it for this id and this key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "bundle/document.h"
#include "bundle/join/answer.h"
#include "bundle/join/request.h"
#include "jose/jws/private.h"
#include "pki/issue/issue.h"

#define NOW ((int64_t)1800000000)
#define YEAR ((int64_t)366 * 86400)

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

static struct pair root, role_ca, signing, other_root, other_signing;
static struct document_signer *site, *other_site;
static EVP_PKEY *one_time, *machine;
static char pin[PKI_HASH_HEX];

static struct pair issue(enum pki_profile profile, const char *uri, const struct pair *issuer, EVP_PKEY *key)
{
    struct error err;
    struct pair p = {NULL, key};
    struct pki_request r = {.profile = profile,
                            .common_name = "test",
                            .uri = uri,
                            .not_before = NOW - YEAR,
                            .not_after = NOW + YEAR,
                            .subject_key = p.key,
                            .issuer = issuer ? issuer->cert : NULL,
                            .issuer_key = issuer ? issuer->key : NULL};
    if (pki_issue(&r, &p.cert, &err) != OK)
        fail_msg("%s", err.text);
    return p;
}

static void drop(struct pair *p)
{
    X509_free(p->cert);
    EVP_PKEY_free(p->key);
}

static struct document_signer *signer(const struct pair *key, const struct pair *under)
{
    struct document_signer *s;
    struct error err;
    char *pem = pki_key_pem(key->key), *cert = pki_cert_pem(key->cert), *anchor = pki_cert_pem(under->cert);
    if (document_signer_new(slice_of(pem), slice_of(cert), slice_of(anchor), &s, &err) != OK)
        fail_msg("%s", err.text);
    free(pem);
    free(cert);
    free(anchor);
    return s;
}

static int start(void **state)
{
    (void)state;
    root = issue(PKI_SITE_ROOT, NULL, NULL, pki_key_new());
    other_root = issue(PKI_SITE_ROOT, NULL, NULL, pki_key_new());
    role_ca = issue(PKI_ROLE_CA, NULL, &root, pki_key_new());
    signing = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", &root, pki_key_new());
    other_signing = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", &other_root, pki_key_new());
    site = signer(&signing, &root);
    other_site = signer(&other_signing, &other_root);
    one_time = pki_key_new();
    machine = pki_key_new();
    pki_cert_sha256_hex(root.cert, pin);
    return 0;
}

static int end(void **state)
{
    (void)state;
    struct pair *all[] = {&root, &role_ca, &signing, &other_root, &other_signing};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        drop(all[i]);
    document_signer_free(site);
    document_signer_free(other_site);
    EVP_PKEY_free(one_time);
    EVP_PKEY_free(machine);
    return 0;
}

/* --- strings --- */

static json_t *connector_content(void)
{
    json_t *jwk;
    assert_int_equal(jose_private_jwk(one_time, &jwk, NULL), OK);
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:[s]}", "site", "LAB", "pin", pin, "id", "cp1", "expires",
                     (json_int_t)(NOW + 60), "key", jwk, "urls", "https://mp.lab.example:8444");
}

static char *connector_string(void)
{
    json_t *content = connector_content();
    char *text = join_string_make(JOIN_CONNECTOR, content);
    json_decref(content);
    return text;
}

static struct join_string joining(void)
{
    struct join_string s;
    struct error err;
    char *text = connector_string();
    if (join_string_read(slice_of(text), JOIN_CONNECTOR, NOW, &s, &err) != OK)
        fail_msg("%s", err.text);
    free(text);
    return s;
}

static void a_string_says_who_joins_which_site_until_when(void **state)
{
    (void)state;
    struct join_string s = joining();
    assert_string_equal(s.site, "LAB");
    assert_string_equal(s.id, "cp1");
    assert_int_equal(s.expires, NOW + 60);
    assert_int_equal(EVP_PKEY_eq(s.key, one_time), 1);
    join_string_done(&s);
}

static void breaks_and_quotes_that_a_terminal_adds_are_passed_over(void **state)
{
    (void)state;
    struct join_string s;
    char *text = connector_string(), *broken = mem_zalloc(strlen(text) + 16);
    (void)snprintf(broken, strlen(text) + 16, " '%.100s\n  %s'\r\n", text, text + 100);
    assert_int_equal(join_string_read(slice_of(broken), JOIN_CONNECTOR, NOW, &s, NULL), OK);
    join_string_done(&s);
    free(broken);
    free(text);
}

static void a_string_that_was_cut_off_anywhere_is_told_and_never_quoted(void **state)
{
    (void)state;
    struct join_string s;
    struct error err;
    char *text = connector_string();
    for (size_t len = strlen("cmgc1."); len < strlen(text); len++) {
        assert_int_equal(join_string_read(slice_make(text, len), JOIN_CONNECTOR, NOW, &s, &err), R_INVALID);
        assert_non_null(strstr(err.text, "the string is not whole"));
    }
    free(text);
}

static void a_changed_letter_of_the_key_is_found(void **state)
{
    (void)state;
    struct join_string s;
    json_t *content = connector_content(), *key = json_object_get(content, "key");
    char changed[64];
    (void)snprintf(changed, sizeof changed, "%s", json_string_value(json_object_get(key, "d")));
    changed[5] = changed[5] == 'A' ? 'B' : 'A';
    (void)json_object_set_new(key, "d", json_string(changed));
    char *text = join_string_make(JOIN_CONNECTOR, content);
    assert_int_equal(join_string_read(slice_of(text), JOIN_CONNECTOR, NOW, &s, NULL), R_INVALID);
    free(text);
    json_decref(content);
}

static void a_string_of_another_program_names_that_program(void **state)
{
    (void)state;
    struct join_string s;
    struct error err;
    char *text = connector_string();
    assert_int_equal(join_string_read(slice_of(text), JOIN_GATEWAY, NOW, &s, &err), R_INVALID);
    assert_string_equal(err.text, "this is a connector's string: run cmg-connector join");
    assert_int_equal(join_string_read(slice_of(text), JOIN_DEVICE, NOW, &s, &err), R_INVALID);
    assert_string_equal(err.text, "this is a connector's string: run cmg-connector join");
    free(text);
}

static void a_bulk_token_is_no_join_string_of_a_device(void **state)
{
    (void)state;
    struct join_string s;
    struct error err;
    char token[256];
    (void)snprintf(token, sizeof token, "cmg1.%s.eyJh.eyJi.c2ln", pin);
    assert_false(join_string_is_device(slice_of(token)));
    assert_int_equal(join_string_read(slice_of(token), JOIN_DEVICE, NOW, &s, &err), R_INVALID);
    assert_non_null(strstr(err.text, "cmg-client register --token-file"));
    assert_true(join_string_is_device(SLICE("cmg1.eyJ2IjoxfQ")));
}

static void nothing_and_nonsense_are_told(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "  \n", "hello", "cmgc2.eyJ2IjoxfQ", "cmgc1.!!!!", "cmgc1.bm90IGpzb24"};
    struct join_string s;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(join_string_read(slice_of(texts[i]), JOIN_CONNECTOR, NOW, &s, NULL), R_INVALID);
}

static void a_string_that_ended_names_both_times(void **state)
{
    (void)state;
    struct join_string s;
    struct error err;
    char *text = connector_string();
    assert_int_equal(join_string_read(slice_of(text), JOIN_CONNECTOR, NOW + 60, &s, &err), R_TIMEOUT);
    assert_non_null(strstr(err.text, "expired at 2027-01-15T08:01:00Z, and this machine's clock says 2027-01-15"));
    free(text);
}

static void members_of_a_later_version_are_passed_over(void **state)
{
    (void)state;
    struct join_string s;
    json_t *content = connector_content();
    (void)json_object_set_new(content, "more", json_pack("{s:i}", "than", 1));
    char *text = join_string_make(JOIN_CONNECTOR, content);
    assert_int_equal(join_string_read(slice_of(text), JOIN_CONNECTOR, NOW, &s, NULL), OK);
    join_string_done(&s);
    free(text);
    json_decref(content);
}

/* --- requests --- */

static char *public_of(EVP_PKEY *key)
{
    json_t *jwk;
    assert_int_equal(jose_public_jwk(key, &jwk, NULL), OK);
    char *text = json_text(jwk);
    json_decref(jwk);
    return text;
}

static char *request_of(const struct join_string *s)
{
    char *text;
    struct error err;
    if (join_request_sign(s, machine, NOW, &text, &err) != OK)
        fail_msg("%s", err.text);
    return text;
}

static void a_request_brings_the_machines_own_key(void **state)
{
    (void)state;
    struct join_string s = joining();
    struct join_name name;
    EVP_PKEY *key;
    char *text = request_of(&s), *jwk = public_of(one_time);
    assert_int_equal(join_request_name(slice_of(text), &name, NULL), OK);
    assert_string_equal(name.site, "LAB");
    assert_string_equal(name.kind, "connector");
    assert_string_equal(name.id, "cp1");
    assert_int_equal(join_request_read(slice_of(text), jwk, &key, NULL), OK);
    assert_int_equal(EVP_PKEY_eq(key, machine), 1);
    EVP_PKEY_free(key);
    free(jwk);
    free(text);
    join_string_done(&s);
}

static void a_request_by_another_key_or_changed_counts_for_nothing(void **state)
{
    (void)state;
    struct join_string s = joining();
    EVP_PKEY *key;
    char *text = request_of(&s), *jwk = public_of(one_time), *wrong = public_of(machine);
    assert_int_equal(join_request_read(slice_of(text), wrong, &key, NULL), R_DENIED);
    for (size_t at = 0, len = strlen(text); at < len; at += 41) {
        char was = text[at];
        text[at] = was == 'A' ? 'B' : 'A';
        assert_int_equal(join_request_read(slice_of(text), jwk, &key, NULL), R_DENIED);
        assert_null(key);
        text[at] = was;
    }
    free(wrong);
    free(jwk);
    free(text);
    join_string_done(&s);
}

/* --- answers --- */

struct answering {
    const struct document_signer *by;
    const char *audience, *id, *urn;
    EVP_PKEY *key, *certified; /* for whom the document is; whose certificate is in it */
    int64_t issued;
};

static struct answering good(void)
{
    return (struct answering){site, "connector.cp1", "cp1", "urn:opencmg:LAB:connector:cp1", machine, machine, NOW};
}

static json_t *bootstrap_of(const struct answering *a)
{
    EVP_PKEY_up_ref(a->certified);
    struct pair leaf = issue(PKI_ROLE, a->urn, &role_ca, a->certified);
    char *one = pki_cert_pem(leaf.cert), *two = pki_cert_pem(role_ca.cert), *anchor = pki_cert_pem(root.cert);
    json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:[s], s:[]}", "opencmg", "connector-bootstrap", "version", 1,
                          "site", "LAB", "id", a->id, "root_pem", anchor, "certificate_pem",
                          json_sprintf("%s%s", one, two), "site_urls", "https://mp", "gateways");
    free(one);
    free(two);
    free(anchor);
    drop(&leaf);
    return o;
}

static enum result answered(struct answering a, char **ret)
{
    struct join_string s = joining();
    struct document d = {
        .type = DOCUMENT_JOIN, .site = "LAB", .sequence = 1, .issued = a.issued, .expires = a.issued + 3600};
    unsigned char spki[PKI_SHA256];
    struct error err;
    char *text;
    (void)snprintf(d.audience, sizeof d.audience, "%s", a.audience);
    pki_key_spki_sha256(a.key, spki);
    (void)encode_hex(slice_make(spki, sizeof spki), d.key);
    d.content = json_pack("{s:o}", "bootstrap", bootstrap_of(&a));
    if (document_sign(a.by, &d, &text, &err) != OK)
        fail_msg("%s", err.text);
    enum result r = join_answer_read(slice_of(text), &s, machine, NOW, ret, &err);
    free(text);
    json_decref(d.content);
    join_string_done(&s);
    return r;
}

static void an_answer_becomes_a_bootstrap_file_with_the_machines_key(void **state)
{
    (void)state;
    char *file;
    struct bootstrap b;
    assert_int_equal(answered(good(), &file), OK);
    assert_int_equal(bootstrap_parse(slice_of(file), "connector", &b, NULL), OK);
    assert_string_equal(b.id, "cp1");
    assert_non_null(strstr(b.key_pem, "PRIVATE KEY"));
    bootstrap_free(&b);
    free(file);
}

static void an_answer_of_another_site_id_key_or_time_counts_for_nothing(void **state)
{
    (void)state;
    struct answering other_signer = good(), other_audience = good(), other_key = good(), other_certificate = good(),
                     other_id = good(), other_urn = good(), early = good(), late = good();
    other_signer.by = other_site;
    other_audience.audience = "connector.cp2";
    other_key.key = one_time;
    other_certificate.certified = one_time;
    other_id.id = "cp2";
    other_urn.urn = "urn:opencmg:LAB:gateway:cp1";
    early.issued = NOW + 86400;
    late.issued = NOW - 86400;
    const struct answering cases[] = {other_signer, other_audience, other_key, other_certificate,
                                      other_id,     other_urn,      early,     late};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *file;
        assert_int_not_equal(answered(cases[i], &file), OK);
        assert_null(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_says_who_joins_which_site_until_when),
        cmocka_unit_test(breaks_and_quotes_that_a_terminal_adds_are_passed_over),
        cmocka_unit_test(a_string_that_was_cut_off_anywhere_is_told_and_never_quoted),
        cmocka_unit_test(a_changed_letter_of_the_key_is_found),
        cmocka_unit_test(a_string_of_another_program_names_that_program),
        cmocka_unit_test(a_bulk_token_is_no_join_string_of_a_device),
        cmocka_unit_test(nothing_and_nonsense_are_told),
        cmocka_unit_test(a_string_that_ended_names_both_times),
        cmocka_unit_test(members_of_a_later_version_are_passed_over),
        cmocka_unit_test(a_request_brings_the_machines_own_key),
        cmocka_unit_test(a_request_by_another_key_or_changed_counts_for_nothing),
        cmocka_unit_test(an_answer_becomes_a_bootstrap_file_with_the_machines_key),
        cmocka_unit_test(an_answer_of_another_site_id_key_or_time_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, start, end);
}
