/* SPDX-License-Identifier: Apache-2.0 */
/* Renewing a role certificate: a gateway's signed request is taken from that gateway alone, whole and fresh; and what
 * is kept is used when it is right, and only then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "bundle/role/renewal.h"
#include "jose/jws/jws.h"
#include "pki/issue/csr.h"
#include "pki/issue/issue.h"
#include "json/json.h"

#define NOW ((int64_t)1800000000)
#define DAY ((int64_t)86400)

struct pair {
    X509 *cert;
    EVP_PKEY *key;
};

static struct pair root, role_ca, other_root, other_ca;
static struct bootstrap boot; /* of gateway gw1 */
static struct pki_role_judge *gateways;

static struct pair issue(enum pki_profile profile, const char *uri, const struct pair *issuer, int64_t from, int64_t to)
{
    struct error err;
    struct pair p = {NULL, pki_key_new()};
    struct pki_request r = {.profile = profile,
                            .common_name = "test",
                            .uri = uri,
                            .not_before = from,
                            .not_after = to,
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

static char *chain_of(const struct pair *leaf, const struct pair *ca)
{
    struct buf text;
    char *one = pki_cert_pem(leaf->cert), *two = pki_cert_pem(ca->cert);
    buf_init(&text, 65536);
    assert_int_equal(buf_printf(&text, "%s%s", one, two), OK);
    char *chain = buf_take_str(&text);
    buf_free(&text);
    free(one);
    free(two);
    return chain;
}

static struct role_identity identity_of(const struct pair *leaf, const struct pair *ca)
{
    return (struct role_identity){chain_of(leaf, ca), pki_key_pem(leaf->key), pki_cert_not_before(leaf->cert),
                                  pki_cert_not_after(leaf->cert), false};
}

static struct role_identity identity(const char *urn, const struct pair *ca)
{
    struct pair p = issue(PKI_ROLE, urn, ca, NOW - DAY, NOW + 89 * DAY);
    struct role_identity i = identity_of(&p, ca);
    drop(&p);
    return i;
}

static int setup(void **state UNUSED)
{
    root = issue(PKI_SITE_ROOT, NULL, NULL, NOW - 400 * DAY, NOW + 4000 * DAY);
    role_ca = issue(PKI_ROLE_CA, NULL, &root, NOW - 400 * DAY, NOW + 4000 * DAY);
    other_root = issue(PKI_SITE_ROOT, NULL, NULL, NOW - 400 * DAY, NOW + 4000 * DAY);
    other_ca = issue(PKI_ROLE_CA, NULL, &other_root, NOW - 400 * DAY, NOW + 4000 * DAY);
    struct role_identity first = identity("urn:opencmg:LAB:gateway:gw1", &role_ca);
    boot = (struct bootstrap){.site = "LAB",
                              .id = "gw1",
                              .root_pem = pki_cert_pem(root.cert),
                              .certificate_pem = first.certificate_pem,
                              .key_pem = first.key_pem};
    return pki_role_judge_new(slice_of(boot.root_pem), "LAB", "gateway", &gateways, NULL) == OK ? 0 : -1;
}

static int teardown(void **state UNUSED)
{
    pki_role_judge_free(gateways);
    bootstrap_free(&boot);
    drop(&root);
    drop(&role_ca);
    drop(&other_root);
    drop(&other_ca);
    return 0;
}

/* --- the signed request --- */

static char *signed_by(const struct role_identity *i, const char *site, const char *id, const char *csr, int64_t now)
{
    struct error err;
    char *text;
    if (renewal_sign(i, site, id, csr, now, &text, &err) != OK)
        fail_msg("%s", err.text);
    return text;
}

static enum result reads(struct slice text, int64_t now)
{
    struct error err = {0};
    struct renewal got;
    enum result r = renewal_read(text, gateways, "LAB", now, &got, &err);
    assert_true(r == OK || (err.text[0] && !got.csr_pem));
    renewal_done(&got);
    return r;
}

static enum result reads_and_frees(char *text, int64_t now)
{
    enum result r = reads(slice_of(text), now);
    free(text);
    return r;
}

static void a_gateways_own_request_is_read(void **state UNUSED)
{
    struct error err;
    struct renewal got, again;
    struct role_identity i = identity("urn:opencmg:LAB:gateway:gw1", &role_ca);
    EVP_PKEY *key = NULL;
    unsigned char spki[PKI_SHA256];
    char *text = signed_by(&i, "LAB", "gw1", "the request", NOW), *second = signed_by(&i, "LAB", "gw1", "x", NOW);
    if (renewal_read(slice_of(text), gateways, "LAB", NOW, &got, &err) != OK)
        fail_msg("%s", err.text);
    assert_int_equal(renewal_read(slice_of(second), gateways, "LAB", NOW, &again, &err), OK);
    assert_string_equal(got.id, "gw1");
    assert_string_equal(got.csr_pem, "the request");
    assert_int_equal(got.created, NOW);
    assert_string_not_equal(got.nonce, again.nonce); /* by it a replay is known */
    assert_int_equal(pki_key_read(slice_of(i.key_pem), &key, &err), OK);
    pki_key_spki_sha256(key, spki);
    assert_memory_equal(got.spki, spki, sizeof spki);
    EVP_PKEY_free(key);
    renewal_done(&got);
    renewal_done(&again);
    role_identity_free(&i);
    free(text);
    free(second);
}

/* Each character in turn: nothing but the text as it was signed is read. */
static void a_request_that_was_altered_is_refused(void **state UNUSED)
{
    struct role_identity i = identity("urn:opencmg:LAB:gateway:gw1", &role_ca);
    char *text = signed_by(&i, "LAB", "gw1", "csr", NOW);
    size_t len = strlen(text), step = 7; /* every 7th: each of the three parts is hit often */
    for (size_t at = 0; at < len; at += step) {
        char was = text[at];
        text[at] = was == 'A' ? 'B' : 'A';
        if (at + 1 < len) /* the last one's low bits may be padding */
            assert_int_equal(reads(slice_make(text, len), NOW), R_DENIED);
        text[at] = was;
    }
    assert_int_equal(reads(slice_make(text, len), NOW), OK);
    assert_int_equal(reads(slice_make(text, len - 20), NOW), R_DENIED);
    free(text);
    role_identity_free(&i);
}

static void a_request_is_read_within_five_minutes_only(void **state UNUSED)
{
    struct role_identity i = identity("urn:opencmg:LAB:gateway:gw1", &role_ca);
    char *text = signed_by(&i, "LAB", "gw1", "csr", NOW);
    assert_int_equal(reads(slice_of(text), NOW + 300), OK);
    assert_int_equal(reads(slice_of(text), NOW + 301), R_TIMEOUT);
    assert_int_equal(reads(slice_of(text), NOW - 300), OK);
    assert_int_equal(reads(slice_of(text), NOW - 301), R_TIMEOUT);
    assert_int_equal(reads_and_frees(signed_by(&i, "LAB", "gw1", "csr", INT64_MAX), NOW), R_TIMEOUT);
    assert_int_equal(reads_and_frees(signed_by(&i, "LAB", "gw1", "csr", INT64_MIN), NOW), R_TIMEOUT);
    free(text);
    role_identity_free(&i);
}

static void no_other_role_site_or_authority_signs_for_a_gateway(void **state UNUSED)
{
    static const struct {
        const char *urn, *site, *id;
        bool foreign;
    } cases[] = {
        {"urn:opencmg:LAB:connector:gw1", "LAB", "gw1", false}, /* another kind */
        {"urn:opencmg:LAB:mp:gw1", "LAB", "gw1", false},
        {"urn:opencmg:LAB:gateway:gw2", "LAB", "gw1", false}, /* another gateway, for this one */
        {"urn:opencmg:LAB2:gateway:gw1", "LAB", "gw1", false},
        {"urn:opencmg:LAB:gateway:gw1", "LAB2", "gw1", false}, /* says another site */
        {"urn:opencmg:LAB:gateway:gw1", "LAB", "gw1", true},   /* another root */
    };
    for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
        struct role_identity i = identity(cases[c].urn, cases[c].foreign ? &other_ca : &role_ca);
        assert_int_equal(reads_and_frees(signed_by(&i, cases[c].site, cases[c].id, "csr", NOW), NOW), R_DENIED);
        role_identity_free(&i);
    }
}

static void a_certificate_that_has_ended_renews_nothing(void **state UNUSED)
{
    struct role_identity i = identity("urn:opencmg:LAB:gateway:gw1", &role_ca);
    assert_int_equal(reads_and_frees(signed_by(&i, "LAB", "gw1", "csr", NOW + 90 * DAY), NOW + 90 * DAY), R_DENIED);
    role_identity_free(&i);
}

/* The certificate of one, the key of another: the chain is right, the signature is not of it. */
static void a_certificate_without_its_key_renews_nothing(void **state UNUSED)
{
    struct role_identity mine = identity("urn:opencmg:LAB:gateway:gw2", &role_ca);
    struct role_identity stolen = {boot.certificate_pem, mine.key_pem, 0, 0, false};
    assert_int_equal(reads_and_frees(signed_by(&stolen, "LAB", "gw1", "csr", NOW), NOW), R_DENIED);
    role_identity_free(&mine);
}

static void what_is_no_request_is_refused(void **state UNUSED)
{
    char *large = mem_zalloc(RENEWAL_TEXT_MAX + 2);
    memset(large, 'A', RENEWAL_TEXT_MAX + 1);
    large[10] = large[20] = '.';
    assert_int_equal(reads(SLICE(""), NOW), R_DENIED);
    assert_int_equal(reads(SLICE("..."), NOW), R_DENIED);
    assert_int_equal(reads(SLICE("-----BEGIN CERTIFICATE REQUEST-----"), NOW), R_DENIED);
    assert_int_equal(reads(SLICE("e30.e30.AAAA"), NOW), R_DENIED);
    assert_int_equal(reads_and_frees(large, NOW), R_LIMIT);
}

/* --- what is kept --- */

struct kept {
    char folder[64];
    struct role_identity found;
    struct error why;
};

static void keep_folder(struct kept *k)
{
    (void)snprintf(k->folder, sizeof k->folder, "/tmp/cmg-renewal-XXXXXX");
    assert_non_null(mkdtemp(k->folder));
}

static void drop_folder(const struct kept *k)
{
    char *path = file_join(k->folder, "role.pem");
    (void)unlink(path);
    assert_int_equal(rmdir(k->folder), 0); /* nothing else is left behind */
    free(path);
}

static bool loads_renewed(struct kept *k, int64_t now)
{
    struct error err;
    assert_int_equal(role_identity_load(k->folder, "gateway", &boot, now, &k->found, &k->why, &err), OK);
    bool renewed = k->found.renewed;
    assert_true(renewed || strcmp(k->found.key_pem, boot.key_pem) == 0);
    role_identity_free(&k->found);
    return renewed;
}

static void keep(struct kept *k, const char *urn, const struct pair *ca, int64_t from, int64_t to)
{
    struct error err;
    struct pair p = issue(PKI_ROLE, urn, ca, from, to);
    struct role_identity i = identity_of(&p, ca);
    if (role_identity_keep(&i, k->folder, &err) != OK)
        fail_msg("%s", err.text);
    role_identity_free(&i);
    drop(&p);
}

static void a_kept_certificate_is_preferred_until_it_ends(void **state UNUSED)
{
    struct kept k;
    keep_folder(&k);
    assert_false(loads_renewed(&k, NOW));
    assert_int_equal(k.why.code, OK);
    keep(&k, "urn:opencmg:LAB:gateway:gw1", &role_ca, NOW, NOW + 90 * DAY);
    assert_true(loads_renewed(&k, NOW));
    assert_false(loads_renewed(&k, NOW + 91 * DAY));
    assert_int_not_equal(k.why.code, OK);
    char *path = file_join(k.folder, "role.pem");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    free(path);
    drop_folder(&k);
}

static void a_kept_certificate_that_is_not_ours_is_not_used(void **state UNUSED)
{
    struct kept k;
    keep_folder(&k);
    keep(&k, "urn:opencmg:LAB:gateway:gw2", &role_ca, NOW, NOW + 90 * DAY);
    assert_false(loads_renewed(&k, NOW));
    keep(&k, "urn:opencmg:LAB:connector:gw1", &role_ca, NOW, NOW + 90 * DAY);
    assert_false(loads_renewed(&k, NOW));
    keep(&k, "urn:opencmg:LAB:gateway:gw1", &other_ca, NOW, NOW + 90 * DAY);
    assert_false(loads_renewed(&k, NOW));
    keep(&k, "urn:opencmg:LAB:gateway:gw1", &role_ca, NOW - 2 * DAY, NOW + 88 * DAY); /* before the bootstrap's */
    assert_false(loads_renewed(&k, NOW));
    drop_folder(&k);
}

static void a_kept_file_that_is_broken_or_open_to_others_is_not_used(void **state UNUSED)
{
    struct kept k;
    struct error err;
    keep_folder(&k);
    char *path = file_join(k.folder, "role.pem");
    keep(&k, "urn:opencmg:LAB:gateway:gw1", &role_ca, NOW, NOW + 90 * DAY);
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(loads_renewed(&k, NOW));
    assert_int_equal(file_write(path, SLICE("-----BEGIN PRIVATE KEY-----\n"), 0600, &err), OK);
    assert_false(loads_renewed(&k, NOW));
    assert_int_equal(file_write(path, SLICE(""), 0600, &err), OK);
    assert_false(loads_renewed(&k, NOW));
    free(path);
    drop_folder(&k);
}

static enum result makes(const struct pair *leaf, const struct pair *ca, EVP_PKEY *key)
{
    struct error err;
    struct role_identity i;
    char *chain = chain_of(leaf, ca);
    enum result r = role_identity_make("gateway", &boot, slice_of(chain), key, NOW, &i, &err);
    assert_true((r == OK) == (i.key_pem != NULL));
    if (r == OK)
        assert_int_equal(role_identity_half_life(&i), NOW + 45 * DAY);
    role_identity_free(&i);
    free(chain);
    return r;
}

static void what_the_site_answered_must_be_for_the_new_key_and_for_us(void **state UNUSED)
{
    struct pair good = issue(PKI_ROLE, "urn:opencmg:LAB:gateway:gw1", &role_ca, NOW, NOW + 90 * DAY);
    struct pair other = issue(PKI_ROLE, "urn:opencmg:LAB:gateway:gw2", &role_ca, NOW, NOW + 90 * DAY);
    struct pair foreign = issue(PKI_ROLE, "urn:opencmg:LAB:gateway:gw1", &other_ca, NOW, NOW + 90 * DAY);
    struct role_identity i;
    assert_int_equal(makes(&good, &role_ca, good.key), OK);
    assert_int_equal(makes(&good, &role_ca, other.key), R_DENIED);
    assert_int_equal(makes(&other, &role_ca, other.key), R_DENIED);
    assert_int_equal(makes(&foreign, &other_ca, foreign.key), R_DENIED);
    assert_int_not_equal(role_identity_make("gateway", &boot, SLICE("<html>"), good.key, NOW, &i, NULL), OK);
    drop(&good);
    drop(&other);
    drop(&foreign);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gateways_own_request_is_read),
        cmocka_unit_test(a_request_that_was_altered_is_refused),
        cmocka_unit_test(a_request_is_read_within_five_minutes_only),
        cmocka_unit_test(no_other_role_site_or_authority_signs_for_a_gateway),
        cmocka_unit_test(a_certificate_that_has_ended_renews_nothing),
        cmocka_unit_test(a_certificate_without_its_key_renews_nothing),
        cmocka_unit_test(what_is_no_request_is_refused),
        cmocka_unit_test(a_kept_certificate_is_preferred_until_it_ends),
        cmocka_unit_test(a_kept_certificate_that_is_not_ours_is_not_used),
        cmocka_unit_test(a_kept_file_that_is_broken_or_open_to_others_is_not_used),
        cmocka_unit_test(what_the_site_answered_must_be_for_the_new_key_and_for_us),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
