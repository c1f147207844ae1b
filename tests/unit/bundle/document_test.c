/* SPDX-License-Identifier: Apache-2.0 */
/* Signed documents: the receiver believes what its pinned site signed for it, and nothing that anybody else made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "bundle/document.h"
#include "pki/issue/issue.h"

#define NOW ((int64_t)1800000000)

enum { YEAR_S = 366 * 86400 };

struct site {
    EVP_PKEY *root_key, *sign_key;
    X509 *root;
};

struct fixture {
    struct site lab, other;
    struct document_signer *bundle, *policy; /* of the site LAB */
    unsigned char pin[PKI_SHA256];
};

static X509 *issue(enum pki_profile profile, const char *uri, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                   int64_t from, int64_t to)
{
    X509 *cert;
    struct error err;
    const struct pki_request r = {.profile = profile,
                                  .common_name = "test",
                                  .uri = uri,
                                  .not_before = from,
                                  .not_after = to,
                                  .subject_key = key,
                                  .issuer = issuer,
                                  .issuer_key = issuer_key};
    if (pki_issue(&r, &cert, &err) != OK)
        fail_msg("%s", err.text);
    return cert;
}

static void make_site(struct site *s)
{
    s->root_key = pki_key_new();
    s->sign_key = pki_key_new();
    s->root = issue(PKI_SITE_ROOT, NULL, s->root_key, NULL, NULL, NOW - YEAR_S, NOW + 10 * (int64_t)YEAR_S);
}

static void free_site(struct site *s)
{
    EVP_PKEY_free(s->root_key);
    EVP_PKEY_free(s->sign_key);
    X509_free(s->root);
}

static struct document_signer *signer_with(EVP_PKEY *key, X509 *cert, X509 *root)
{
    struct document_signer *s;
    struct error err;
    char *key_pem = pki_key_pem(key), *cert_pem = pki_cert_pem(cert), *root_pem = pki_cert_pem(root);
    if (document_signer_new(slice_of(key_pem), slice_of(cert_pem), slice_of(root_pem), &s, &err) != OK)
        fail_msg("%s", err.text);
    mem_free_secret(key_pem, strlen(key_pem));
    free(cert_pem);
    free(root_pem);
    return s;
}

static struct document_signer *signer(const struct site *s, const char *uri, int64_t from, int64_t to)
{
    X509 *cert = issue(PKI_SIGNING, uri, s->sign_key, s->root, s->root_key, from, to);
    struct document_signer *made = signer_with(s->sign_key, cert, s->root);
    X509_free(cert);
    return made;
}

static int setup(void **state)
{
    struct fixture *f = mem_zalloc(sizeof *f);
    make_site(&f->lab);
    make_site(&f->other);
    f->bundle = signer(&f->lab, "urn:opencmg:LAB:signing:bundle", NOW - 1000, NOW + YEAR_S);
    f->policy = signer(&f->lab, "urn:opencmg:LAB:signing:policy", NOW - 1000, NOW + YEAR_S);
    pki_cert_sha256(f->lab.root, f->pin);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    document_signer_free(f->bundle);
    document_signer_free(f->policy);
    free_site(&f->lab);
    free_site(&f->other);
    free(f);
    return 0;
}

static struct document draft(enum document_type type)
{
    struct document d = {.type = type,
                         .site = "LAB",
                         .audience = "gateway",
                         .sequence = 7,
                         .issued = NOW,
                         .expires = NOW + 3600,
                         .content = json_pack("{s:i}", "a", 1)};
    return d;
}

static struct document_expect expect(const struct fixture *f)
{
    struct document_expect e = {
        .site = "LAB", .type = DOCUMENT_BUNDLE, .audience = "gateway", .min_sequence = 7, .now = NOW};
    memcpy(e.root_sha256, f->pin, sizeof e.root_sha256);
    return e;
}

/* Drops the draft's content. */
static char *sign(const struct document_signer *s, struct document *d)
{
    char *text;
    struct error err = {.text = ""};
    if (document_sign(s, d, &text, &err) != OK)
        fail_msg("%s", err.text);
    document_done(d);
    return text;
}

static enum result read_slice(struct slice text, const struct document_expect *e)
{
    struct document got;
    struct error err = {.text = ""};
    enum result r = document_read(text, e, &got, &err);
    if (r == OK) {
        assert_int_equal(json_integer_value(json_object_get(got.content, "a")), 1);
        document_done(&got);
    } else {
        assert_null(got.content);
        assert_int_equal(err.code, r);
        assert_int_not_equal(err.text[0], '\0');
    }
    return r;
}

/* Takes over the text. */
static enum result read_text(char *text, const struct document_expect *e)
{
    enum result r = read_slice(slice_of(text), e);
    free(text);
    return r;
}

static void what_the_site_signed_is_read(void **state)
{
    struct fixture *f = *state;
    static const enum document_type all[] = {DOCUMENT_BUNDLE, DOCUMENT_CONNECTOR, DOCUMENT_POLICY, DOCUMENT_LOCATION};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct document d = draft(all[i]), got;
        struct document_expect e = expect(f);
        struct error err;
        e.type = all[i];
        char *text = sign(all[i] == DOCUMENT_POLICY ? f->policy : f->bundle, &d);
        assert_int_equal(document_read(slice_of(text), &e, &got, &err), OK);
        assert_int_equal(got.type, all[i]);
        assert_string_equal(got.site, "LAB");
        assert_string_equal(got.audience, "gateway");
        assert_true(got.sequence == 7 && got.issued == NOW && got.expires == NOW + 3600);
        document_done(&got);
        free(text);
    }
}

static void a_reader_without_a_site_takes_the_one_under_its_pin(void **state)
{
    struct fixture *f = *state;
    struct document d = draft(DOCUMENT_BUNDLE);
    struct document_expect e = expect(f);
    e.site = NULL;
    assert_int_equal(read_text(sign(f->bundle, &d), &e), OK);
}

static void a_document_of_another_site_is_refused(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    /* Under the same pin but for another site; and by another root that calls itself by our name. */
    struct document_signer *s = signer(&f->lab, "urn:opencmg:LAB2:signing:bundle", NOW - 1, NOW + 9999);
    struct document d = draft(DOCUMENT_BUNDLE);
    assert_true(slice_to_cstr(SLICE("LAB2"), d.site, sizeof d.site));
    char *text = sign(s, &d);
    assert_int_equal(read_slice(slice_of(text), &e), R_DENIED);
    e.site = "LAB2";
    assert_int_equal(read_text(text, &e), OK);
    document_signer_free(s);
    e = expect(f);
    s = signer(&f->other, "urn:opencmg:LAB:signing:bundle", NOW - 1, NOW + 9999);
    d = draft(DOCUMENT_BUNDLE);
    assert_int_equal(read_text(sign(s, &d), &e), R_DENIED);
    document_signer_free(s);
}

/* A JWS over any payload by any key, with any x5c: what a forger who holds some key of the site could make. */
static char *forge(EVP_PKEY *key, json_t *x5c, const char *type, json_t *payload)
{
    struct jose_signer *s;
    struct error err;
    char *text, *bytes = json_dumps(payload, JSON_COMPACT);
    assert_int_equal(jose_signer_new(key, &s, &err), OK);
    json_t *header = json_pack("{s:s, s:o}", "typ", type, "x5c", x5c);
    assert_int_equal(jose_sign(s, header, slice_of(bytes), &text, &err), OK);
    free(bytes);
    json_decref(header);
    json_decref(payload);
    jose_signer_free(s);
    return text;
}

static json_t *payload_of(void)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:{s:i}}", "type", "bundle", "site", "LAB", "audience", "gateway",
                     "sequence", (json_int_t)7, "issued", (json_int_t)NOW, "expires", (json_int_t)(NOW + 3600),
                     "content", "a", 1);
}

static json_t *x5c_of(X509 *leaf, X509 *root)
{
    char *a = pki_cert_base64(leaf), *b = pki_cert_base64(root);
    json_t *list = json_pack("[s, s]", a, b);
    free(a);
    free(b);
    return list;
}

static void our_root_beside_a_foreign_certificate_helps_nobody(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    EVP_PKEY *key = pki_key_new();
    const char *type = "opencmg-bundle+jws", *uri = "urn:opencmg:LAB:signing:bundle";
    X509 *foreign = issue(PKI_SIGNING, uri, key, f->other.root, f->other.root_key, NOW - 1, NOW + 9999);
    X509 *self = issue(PKI_DEVICE, uri, key, NULL, NULL, NOW - 1, NOW + 9999);
    X509 *ours = issue(PKI_SIGNING, uri, f->lab.sign_key, f->lab.root, f->lab.root_key, NOW - 1, NOW + 9999);
    assert_int_equal(read_text(forge(f->lab.sign_key, x5c_of(ours, f->lab.root), type, payload_of()), &e), OK);
    assert_int_equal(read_text(forge(key, x5c_of(foreign, f->lab.root), type, payload_of()), &e), R_DENIED);
    assert_int_equal(read_text(forge(key, x5c_of(foreign, f->other.root), type, payload_of()), &e), R_DENIED);
    assert_int_equal(read_text(forge(key, x5c_of(self, f->lab.root), type, payload_of()), &e), R_DENIED);
    assert_int_equal(read_text(forge(key, x5c_of(ours, f->lab.root), type, payload_of()), &e), R_DENIED);
    assert_int_equal(read_text(forge(f->lab.sign_key, x5c_of(f->lab.root, ours), type, payload_of()), &e), R_DENIED);
    assert_int_equal(read_text(forge(f->lab.root_key, x5c_of(f->lab.root, f->lab.root), type, payload_of()), &e),
                     R_DENIED);
    X509_free(foreign);
    X509_free(self);
    X509_free(ours);
    EVP_PKEY_free(key);
}

static void a_key_for_another_use_does_not_sign_bundles(void **state)
{
    struct fixture *f = *state;
    static const char *const uris[] = {"urn:opencmg:LAB:signing:policy", "urn:opencmg:LAB:signing:token",
                                       "urn:opencmg:LAB:signing:bundle2", "urn:opencmg:LAB:gateway:gw1",
                                       "urn:opencmg:LAB:signing:bundle:x"};
    for (size_t i = 0; i < ARRAY_LEN(uris); i++) {
        struct document_expect e = expect(f);
        X509 *cert = issue(PKI_SIGNING, uris[i], f->lab.sign_key, f->lab.root, f->lab.root_key, NOW - 1, NOW + 9999);
        char *text = forge(f->lab.sign_key, x5c_of(cert, f->lab.root), "opencmg-bundle+jws", payload_of());
        assert_int_equal(read_text(text, &e), R_DENIED);
        X509_free(cert);
    }
    /* Nor does an honest program let itself be used so. */
    struct document d = draft(DOCUMENT_BUNDLE);
    char *text;
    struct error err;
    assert_int_equal(document_sign(f->policy, &d, &text, &err), R_INVALID);
    assert_null(text);
    document_done(&d);
}

static void a_role_key_of_the_site_signs_no_documents(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    EVP_PKEY *ca_key = pki_key_new(), *key = pki_key_new();
    X509 *ca = issue(PKI_ROLE_CA, NULL, ca_key, f->lab.root, f->lab.root_key, NOW - 1, NOW + 9999);
    X509 *leaf = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", key, ca, ca_key, NOW - 1, NOW + 9999);
    const char *type = "opencmg-bundle+jws";
    assert_int_equal(read_text(forge(key, x5c_of(leaf, f->lab.root), type, payload_of()), &e), R_DENIED);
    char *middle = pki_cert_base64(ca);
    json_t *three = x5c_of(leaf, f->lab.root);
    json_array_insert_new(three, 1, json_string(middle));
    assert_int_equal(read_text(forge(key, three, type, payload_of()), &e), R_DENIED);
    X509 *role =
        issue(PKI_ROLE, "urn:opencmg:LAB:signing:bundle", key, f->lab.root, f->lab.root_key, NOW - 1, NOW + 9999);
    assert_int_equal(read_text(forge(key, x5c_of(role, f->lab.root), type, payload_of()), &e), R_DENIED);
    free(middle);
    X509_free(role);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

static void a_signing_certificate_is_good_while_it_is_valid(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    struct document_signer *s = signer(&f->lab, "urn:opencmg:LAB:signing:bundle", NOW - 1000, NOW - 500);
    struct document d = draft(DOCUMENT_BUNDLE);
    assert_int_equal(read_text(sign(s, &d), &e), R_DENIED);
    document_signer_free(s);
    s = signer(&f->lab, "urn:opencmg:LAB:signing:bundle", NOW + 500, NOW + 1000);
    d = draft(DOCUMENT_BUNDLE);
    assert_int_equal(read_text(sign(s, &d), &e), R_DENIED);
    document_signer_free(s);
}

static void another_audience_or_type_is_refused_and_all_is_everybody(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *audience;
        enum result result;
    } cases[] = {{"gateway", OK}, {"all", OK}, {"cp1", R_DENIED}, {"gateway2", R_DENIED}, {"gatewa", R_DENIED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct document d = draft(DOCUMENT_BUNDLE);
        struct document_expect e = expect(f);
        memset(d.audience, 0, sizeof d.audience);
        memcpy(d.audience, cases[i].audience, strlen(cases[i].audience));
        assert_int_equal(read_text(sign(f->bundle, &d), &e), cases[i].result);
    }
    struct document d = draft(DOCUMENT_CONNECTOR);
    struct document_expect e = expect(f);
    assert_int_equal(read_text(sign(f->bundle, &d), &e), R_DENIED);
    /* The header says bundle, the payload connector: the same key signs both. */
    X509 *cert = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", f->lab.sign_key, f->lab.root, f->lab.root_key,
                       NOW - 1, NOW + 9999);
    json_t *payload = payload_of();
    json_object_set_new(payload, "type", json_string("connector"));
    assert_int_equal(read_text(forge(f->lab.sign_key, x5c_of(cert, f->lab.root), "opencmg-bundle+jws", payload), &e),
                     R_DENIED);
    assert_int_equal(
        read_text(forge(f->lab.sign_key, x5c_of(cert, f->lab.root), "opencmg-location+jws", payload_of()), &e),
        R_DENIED);
    X509_free(cert);
}

static void a_lower_sequence_is_a_conflict(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    static const struct {
        int64_t min;
        enum result result;
    } cases[] = {{0, OK}, {6, OK}, {7, OK}, {8, R_CONFLICT}, {INT64_MAX, R_CONFLICT}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct document d = draft(DOCUMENT_BUNDLE);
        e.min_sequence = cases[i].min;
        assert_int_equal(read_text(sign(f->bundle, &d), &e), cases[i].result);
    }
}

static void time_decides_to_the_second(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    static const struct {
        int64_t now;
        enum result result;
    } cases[] = {
        {NOW + 3599, OK}, {NOW + 3600, R_TIMEOUT}, {NOW + 9999, R_TIMEOUT}, {NOW - 300, OK}, {NOW - 301, R_DENIED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct document d = draft(DOCUMENT_BUNDLE);
        e.now = cases[i].now;
        assert_int_equal(read_text(sign(f->bundle, &d), &e), cases[i].result);
    }
}

static void no_changed_character_goes_unnoticed(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    struct document d = draft(DOCUMENT_BUNDLE);
    char *text = sign(f->bundle, &d);
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i += 1 + i % 3) {
        char kept = text[i];
        text[i] = kept == 'A' ? 'B' : 'A';
        assert_int_equal(read_slice(slice_of(text), &e), R_DENIED);
        text[i] = kept;
    }
    for (size_t cut = 0; cut < len; cut += 7)
        assert_int_equal(read_slice(slice_make(text, cut), &e), R_DENIED);
    assert_int_equal(read_slice(slice_of(text), &e), OK);
    /* The payload of another document under this signature. */
    struct document other = draft(DOCUMENT_BUNDLE);
    other.sequence = 8;
    char *second = sign(f->bundle, &other), *mixed = mem_zalloc(2 * len + strlen(second));
    struct slice a = slice_of(text), b = slice_of(second);
    struct slice header = slice_cut(&a, '.');
    (void)slice_cut(&a, '.');
    (void)slice_cut(&b, '.');
    struct slice payload = slice_cut(&b, '.');
    (void)snprintf(mixed, 2 * len + strlen(second), "%.*s.%.*s.%.*s", SLICE_ARG(header), SLICE_ARG(payload),
                   SLICE_ARG(a));
    assert_int_equal(read_text(mixed, &e), R_DENIED);
    free(second);
    free(text);
}

static void fields_of_a_payload_are_required_and_of_their_kind(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    static const struct {
        const char *name, *value;
    } bad[] = {
        {"type", NULL},
        {"site", NULL},
        {"audience", NULL},
        {"sequence", NULL},
        {"issued", NULL},
        {"expires", NULL},
        {"content", NULL},
        {"site", "1"},
        {"site", "\"\""},
        {"site", "\"lab\""},
        {"site", "\"LABORATORY\""},
        {"audience", "[\"gateway\"]"},
        {"audience", "\"\""},
        {"audience", "\"gateway\\n\""},
        {"sequence", "\"7\""},
        {"sequence", "7.0"},
        {"sequence", "0"},
        {"sequence", "-7"},
        {"sequence", "9223372036854775807"},
        {"issued", "1.8e9"},
        {"issued", "0"},
        {"expires", "9e99"},
        {"expires", "1799999999"},
        {"content", "[]"},
        {"content", "null"},
    };
    X509 *cert = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", f->lab.sign_key, f->lab.root, f->lab.root_key,
                       NOW - 1, NOW + 9999);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *payload = payload_of();
        if (bad[i].value)
            json_object_set_new(payload, bad[i].name, json_loads(bad[i].value, JSON_DECODE_ANY, NULL));
        else
            json_object_del(payload, bad[i].name);
        assert_int_equal(
            read_text(forge(f->lab.sign_key, x5c_of(cert, f->lab.root), "opencmg-bundle+jws", payload), &e), R_DENIED);
    }
    X509_free(cert);
}

static void a_reader_of_any_site_is_not_told_another_than_signed(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    X509 *cert = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", f->lab.sign_key, f->lab.root, f->lab.root_key,
                       NOW - 1, NOW + 9999);
    json_t *payload = payload_of();
    json_object_set_new(payload, "site", json_string("LAB2"));
    e.site = NULL;
    assert_int_equal(read_text(forge(f->lab.sign_key, x5c_of(cert, f->lab.root), "opencmg-bundle+jws", payload), &e),
                     R_DENIED);
    X509_free(cert);
}

static void x5c_is_exactly_two_certificates(void **state)
{
    struct fixture *f = *state;
    struct document_expect e = expect(f);
    X509 *cert = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", f->lab.sign_key, f->lab.root, f->lab.root_key,
                       NOW - 1, NOW + 9999);
    char *leaf = pki_cert_base64(cert), *root = pki_cert_base64(f->lab.root), *pem = pki_cert_pem(cert);
    json_t *bad[] = {json_pack("[]"),
                     json_pack("[s]", leaf),
                     json_pack("[s]", root),
                     json_pack("[s,s,s]", leaf, root, root),
                     json_pack("[s,i]", leaf, 1),
                     json_pack("[s,n]", leaf),
                     json_pack("[s,s]", "", root),
                     json_pack("[s,s]", "AAAA", root),
                     json_pack("[s,s]", pem, root),
                     json_string(leaf),
                     json_pack("{s:s}", "0", leaf)};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(read_text(forge(f->lab.sign_key, bad[i], "opencmg-bundle+jws", payload_of()), &e), R_DENIED);
    free(leaf);
    free(root);
    free(pem);
    X509_free(cert);
}

static void a_signer_needs_things_that_belong_together(void **state)
{
    struct fixture *f = *state;
    struct document_signer *s;
    struct error err;
    EVP_PKEY *key = pki_key_new();
    X509 *cert = issue(PKI_SIGNING, "urn:opencmg:LAB:signing:bundle", f->lab.sign_key, f->lab.root, f->lab.root_key,
                       NOW - 1, NOW + 9999);
    char *right = pki_key_pem(f->lab.sign_key), *wrong = pki_key_pem(key), *leaf = pki_cert_pem(cert),
         *root = pki_cert_pem(f->lab.root), *foreign = pki_cert_pem(f->other.root);
    assert_int_equal(document_signer_new(slice_of(wrong), slice_of(leaf), slice_of(root), &s, &err), R_INVALID);
    assert_int_equal(document_signer_new(slice_of(right), slice_of(leaf), slice_of(foreign), &s, &err), R_INVALID);
    assert_int_equal(document_signer_new(slice_of(right), SLICE(""), slice_of(root), &s, &err), R_INVALID);
    assert_null(s);
    free(right);
    free(wrong);
    free(leaf);
    free(root);
    free(foreign);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void a_kept_document_replaces_the_last_one_whole(void **state UNUSED)
{
    char dir[] = "/tmp/document_test.XXXXXX";
    struct error err;
    char *text;
    size_t len;
    struct stat st;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(document_keep(dir, "bundle", SLICE("first, and longer"), &err), OK);
    assert_int_equal(document_keep(dir, "bundle", SLICE("second"), &err), OK);
    char *path = file_join(dir, "bundle.jws");
    assert_int_equal(file_read(path, 100, &text, &len, &err), OK);
    assert_string_equal(text, "second");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    static const char *const names[] = {"", "../x", "a/b", ".x", ".."};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_int_equal(document_keep(dir, names[i], SLICE("x"), &err), R_INVALID);
    assert_int_not_equal(document_keep("/proc/none", "bundle", SLICE("x"), &err), OK);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0); /* nothing else was left in it */
    free(path);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_site_signed_is_read),
        cmocka_unit_test(a_reader_without_a_site_takes_the_one_under_its_pin),
        cmocka_unit_test(a_document_of_another_site_is_refused),
        cmocka_unit_test(our_root_beside_a_foreign_certificate_helps_nobody),
        cmocka_unit_test(a_key_for_another_use_does_not_sign_bundles),
        cmocka_unit_test(a_role_key_of_the_site_signs_no_documents),
        cmocka_unit_test(a_signing_certificate_is_good_while_it_is_valid),
        cmocka_unit_test(another_audience_or_type_is_refused_and_all_is_everybody),
        cmocka_unit_test(a_lower_sequence_is_a_conflict),
        cmocka_unit_test(time_decides_to_the_second),
        cmocka_unit_test(no_changed_character_goes_unnoticed),
        cmocka_unit_test(fields_of_a_payload_are_required_and_of_their_kind),
        cmocka_unit_test(a_reader_of_any_site_is_not_told_another_than_signed),
        cmocka_unit_test(x5c_is_exactly_two_certificates),
        cmocka_unit_test(a_signer_needs_things_that_belong_together),
        cmocka_unit_test(a_kept_document_replaces_the_last_one_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
