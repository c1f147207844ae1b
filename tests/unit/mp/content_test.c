/* SPDX-License-Identifier: Apache-2.0 */
/* The documents' contents, read back by the readers of gateways and connectors; and CRLs as they are kept. */
#include "cmocka_first.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../store/where.h"
#include "base/clock.h"
#include "base/mem.h"
#include "bundle/bundle.h"
#include "mp/content/content.h"
#include "mp/content/crl.h"
#include "mp/content/documents.h"
#include "pki/issue/issue.h"
#include "store/device/device.h"
#include "store/device/token.h"
#include "store/sequence.h"
#include "store/site/endpoint.h"
#include "store/site/role.h"

#define GUID "6f1c0000-0000-4000-8000-00000000000a"
#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct store_where where;
static struct mp_site site;
static struct arena *arena;
static struct error err;

static int setup(void **state)
{
    (void)state;
    if (store_where_new(&where, &err) != OK)
        return -1;
    site = (struct mp_site){0};
    site.keys.site = mem_strdup("LAB");
    site.keys.jwks = json_pack("{s:[]}", "keys");
    arena = arena_new(1024 * 1024);
    return store_open(where.url, true, &site.store, &err) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    store_close(site.store);
    mp_keys_free(&site.keys);
    arena_free(arena);
    store_where_remove(&where);
    return 0;
}

static void ok(enum result r)
{
    if (r != OK)
        fail_msg("%s", err.text);
}

static void fill(void)
{
    struct store_mp mp = {"72", "ehttp", "https://mp:8444", "entra token", NULL};
    struct store_endpoint sts = {.id = "72.ccm_sts",
                                 .role = "72",
                                 .name = "CCM_STS",
                                 .host = "",
                                 .auth = "token",
                                 .purpose = "sts",
                                 .methods = "POST",
                                 .max_body = 65536,
                                 .headers = "cmg",
                                 .management_point = true,
                                 .url = "",
                                 .upstream_host = ""};
    struct store_endpoint apt = {.id = "apt",
                                 .role = "",
                                 .name = "",
                                 .host = "apt.example.com",
                                 .auth = "pki token",
                                 .purpose = "general",
                                 .methods = "",
                                 .max_body = 1,
                                 .headers = "cmg",
                                 .url = "https://10.0.0.9/debian",
                                 .upstream_host = "apt.inside"};
    struct store_gateway gw = {.id = "gw1", .host = "gw.example.com", .port = 443};
    struct store_connector cp = {.id = "cp1"};
    ok(store_mp_put(site.store, &mp, &err));
    ok(store_endpoint_put(site.store, &sts, &err));
    ok(store_endpoint_add(site.store, &apt, &err));
    ok(store_gateway_add(site.store, &gw, &err));
    ok(store_connector_add(site.store, &cp, &err));
}

static struct bundle *read_bundle(void)
{
    struct document d = {.type = DOCUMENT_BUNDLE, .sequence = 1, .issued = 1, .expires = 2};
    struct bundle *b;
    ok(mp_content_bundle(&site, arena, "", &d.content, &err));
    ok(bundle_parse(&d, &b, &err));
    document_done(&d);
    return b;
}

static void gateways_read_what_the_site_writes(void **state)
{
    (void)state;
    fill();
    struct bundle *b = read_bundle();
    const struct bundle_endpoint *sts = bundle_endpoint_by_path(b, SLICE("72"), SLICE("/ccm_sts"));
    assert_non_null(sts);
    assert_true(sts->management_point);
    assert_int_equal(sts->mp->mode, CHOICE_MP_EHTTP);
    assert_int_equal(sts->purpose, PURPOSE_STS);
    assert_non_null(bundle_endpoint_by_host(b, SLICE("apt.example.com")));
    assert_int_equal(b->connector_count, 1);
    assert_string_equal(b->connectors[0], "cp1");
    assert_true(b->settings.crl_check);
    assert_int_equal(b->settings.renewal_grace_s, 7776000);
    bundle_free(b);
}

static void blocks_are_read_as_blocks(void **state)
{
    (void)state;
    struct store_device d = {
        .guid = GUID, .name = "pc", .hardware_id = "", .method = "pki", .state = STORE_APPROVED, .spki = HASH};
    struct store_certificate c = {.guid = GUID, .sha256 = HASH, .subject = "", .pem = ""};
    struct store_token t = {.id = "jti-1", .issued = 1, .expires = clock_wall_s() + 100, .uses = 1};
    bool is_new;
    ok(store_device_add(site.store, &d, &err));
    ok(store_certificate_put(site.store, &c, &is_new, &err));
    ok(store_token_add(site.store, &t, &err));
    struct bundle *b = read_bundle();
    assert_false(bundle_blocks_guid(b, SLICE(GUID)));
    assert_false(bundle_blocks_token(b, SLICE("jti-1")));
    bundle_free(b);
    ok(store_device_block(site.store, GUID, true, &err));
    ok(store_token_block(site.store, "jti-1", true, &err));
    b = read_bundle();
    assert_true(bundle_blocks_guid(b, SLICE(GUID)));
    assert_true(bundle_blocks_spki(b, SLICE(HASH)));
    assert_true(bundle_blocks_certificate(b, SLICE(HASH)));
    assert_true(bundle_blocks_token(b, SLICE("jti-1")));
    bundle_free(b);
    ok(store_device_remove(site.store, GUID, false, &err));
    b = read_bundle();
    assert_true(bundle_lacks_device(b, SLICE(GUID)));
    assert_false(bundle_blocks_spki(b, SLICE(HASH)));
    bundle_free(b);
}

static void a_removed_connector_is_revoked_in_the_bundle(void **state)
{
    (void)state;
    struct store_connector cp = {.id = "cp9", .not_after = clock_wall_s() + 1000};
    ok(store_connector_add(site.store, &cp, &err));
    ok(store_connector_remove(site.store, "cp9", &err));
    struct bundle *b = read_bundle();
    assert_true(bundle_role_revoked(b, "connector", "cp9", cp.not_after));
    for (size_t i = 0; i < b->connector_count; i++)
        assert_string_not_equal(b->connectors[i], "cp9");
    bundle_free(b);
}

/* The endpoint of this id, or NULL. */
static const struct connector_endpoint *find_endpoint(const struct connector_document *d, const char *id)
{
    for (size_t i = 0; i < d->endpoint_count; i++) {
        if (strcmp(d->endpoints[i].id, id) == 0)
            return &d->endpoints[i];
    }
    return NULL;
}

static void connectors_read_what_the_site_writes(void **state)
{
    (void)state;
    fill();
    struct document d = {.type = DOCUMENT_CONNECTOR, .sequence = 1, .issued = 1, .expires = 2};
    struct connector_document *c;
    ok(mp_content_connector(&site, arena, &d.content, &err));
    ok(connector_document_parse(&d, &c, &err));
    document_done(&d);
    const struct connector_endpoint *sts = find_endpoint(c, "72.ccm_sts");
    assert_non_null(sts);
    assert_string_equal(sts->host, "mp");
    assert_int_equal(sts->port, 8444);
    assert_string_equal(sts->mp, "72");
    const struct connector_endpoint *apt = find_endpoint(c, "apt");
    assert_string_equal(apt->authority, "apt.inside");
    assert_string_equal(apt->base_path, "/debian");
    assert_int_equal(c->gateway_count, 1);
    connector_document_free(c);
}

static void withdrawn_certificates_are_told_to_gateways_and_connectors(void **state)
{
    (void)state;
    int64_t ends = clock_wall_s() + 1000;
    struct store_connector cp = {.id = "cp7", .not_after = ends};
    struct store_gateway gw = {.id = "gw7", .host = "gw7", .port = 443, .not_after = ends};
    ok(store_connector_add(site.store, &cp, &err));
    ok(store_gateway_add(site.store, &gw, &err));
    cp.not_after = gw.not_after = ends + 1;
    ok(store_connector_renew(site.store, &cp, true, &err));
    ok(store_gateway_renew(site.store, &gw, true, &err));
    struct bundle *b = read_bundle();
    assert_true(bundle_role_revoked(b, "connector", "cp7", ends));
    assert_false(bundle_role_revoked(b, "connector", "cp7", ends + 1));
    bundle_free(b);
    struct document d = {.type = DOCUMENT_CONNECTOR, .sequence = 1, .issued = 1, .expires = 2};
    struct connector_document *c;
    ok(mp_content_connector(&site, arena, &d.content, &err));
    ok(connector_document_parse(&d, &c, &err));
    document_done(&d);
    for (size_t i = 0; i < c->gateway_count; i++)
        assert_int_equal(c->gateways[i].withdrawn, strcmp(c->gateways[i].id, "gw7") == 0 ? ends : 0);
    connector_document_free(c);
    ok(store_connector_remove(site.store, "cp7", &err));
    ok(store_gateway_remove(site.store, "gw7", &err));
}

static void what_nobody_could_read_is_found_before_it_is_published(void **state)
{
    (void)state;
    struct store_endpoint e = {.id = "bad",
                               .role = "bad",
                               .name = "a/../b",
                               .host = "",
                               .auth = "pki",
                               .purpose = "general",
                               .methods = "",
                               .headers = "cmg",
                               .url = "https://x",
                               .upstream_host = ""};
    ok(mp_documents_check(&site, &err));
    ok(store_endpoint_add(site.store, &e, &err));
    assert_int_not_equal(mp_documents_check(&site, &err), OK);
    assert_non_null(strstr(err.text, "endpoints"));
}

static void policy_sequences_begin_at_one(void **state)
{
    (void)state;
    int64_t sequence;
    ok(mp_documents_policy_sequence(&site, GUID, &sequence, &err));
    assert_int_equal(sequence, 1);
    ok(store_sequence_policy_next(site.store, NULL, &err));
    int64_t all;
    ok(mp_documents_policy_sequence(&site, GUID, &all, &err));
    assert_true(all > 1);
    ok(store_sequence_policy_next(site.store, GUID, &err));
    ok(mp_documents_policy_sequence(&site, GUID, &sequence, &err));
    assert_true(sequence > all);
}

/* --- CRLs --- */

struct ca {
    X509 *cert;
    EVP_PKEY *key;
};

static struct ca ca_new(const char *name)
{
    struct ca ca = {.key = pki_key_new()};
    int64_t now = clock_wall_s();
    struct pki_request r = {.profile = PKI_TLS_CA,
                            .common_name = name,
                            .not_before = now - 10,
                            .not_after = now + 1000,
                            .subject_key = ca.key};
    ok(pki_issue(&r, &ca.cert, &err));
    return ca;
}

static void ca_free(struct ca *ca)
{
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
}

static void trust(const struct ca *ca)
{
    char *pem = pki_cert_pem(ca->cert);
    char id[PKI_HASH_HEX];
    unsigned char hash[PKI_SHA256];
    pki_cert_sha256(ca->cert, hash);
    (void)encode_hex(slice_make(hash, sizeof hash), id);
    struct store_trust t = {.id = id, .kind = STORE_ANCHOR, .subject = "CN=lab ca", .number = "", .data = pem};
    ok(store_trust_put(site.store, &t, &err));
    free(pem);
}

/* A list of `ca`, `age` seconds old. */
static enum result give(const struct ca *ca, int64_t number, int64_t age, struct mp_crl_taken *ret)
{
    unsigned char *der;
    size_t len;
    int64_t now = clock_wall_s();
    ok(pki_issue_crl(ca->cert, ca->key, NULL, 0, number, now - age, now + 500, &der, &len, &err));
    enum result r = mp_crl_put(&site, arena, slice_make(der, len), ret, &err);
    free(der);
    return r;
}

static size_t lists(struct store_trust **ret)
{
    struct store_trust *all;
    size_t count, n = 0;
    ok(store_trust_list(site.store, INT64_MAX, arena, &all, &count, &err));
    *ret = all;
    for (size_t i = 0; i < count; i++) {
        if (all[i].kind == STORE_CRL)
            all[n++] = all[i];
    }
    return n;
}

static void a_crl_is_kept_with_issuer_scope_and_number(void **state)
{
    (void)state;
    struct ca ca = ca_new("lab ca");
    struct mp_crl_taken taken;
    struct store_trust *all;
    trust(&ca);
    ok(give(&ca, 258, 10, &taken));
    assert_string_equal(taken.warning, "");
    assert_int_equal(lists(&all), 1);
    assert_string_equal(all[0].number, "0102");
    assert_non_null(strstr(all[0].subject, "lab ca"));
    assert_string_equal(all[0].scope, "all certificates");
    assert_int_equal(all[0].not_after, clock_wall_s() + 500);
    assert_int_equal(give(&ca, 257, 9, &taken), R_CONFLICT);
    assert_non_null(strstr(err.text, "257"));
    assert_int_equal(give(&ca, 259, 1000, &taken), R_CONFLICT);
    ok(give(&ca, 259, 5, &taken));
    assert_int_equal(lists(&all), 1);
    ca_free(&ca);
}

static void lists_of_two_keys_of_one_name_stand_side_by_side(void **state)
{
    (void)state;
    struct ca old = ca_new("lab ca"), new = ca_new("lab ca");
    struct mp_crl_taken taken;
    struct store_trust *all;
    trust(&old);
    trust(&new);
    ok(give(&old, 9, 10, &taken));
    ok(give(&new, 1, 10, &taken));
    assert_int_equal(lists(&all), 2);
    ok(give(&old, 10, 9, &taken));
    assert_int_equal(lists(&all), 2);
    ca_free(&old);
    ca_free(&new);
}

static void a_strangers_list_is_refused_and_one_of_an_unknown_ca_waits(void **state)
{
    (void)state;
    struct ca ca = ca_new("lab ca"), stranger = ca_new("lab ca"), later = ca_new("later ca");
    struct mp_crl_taken taken;
    struct store_trust *all;
    trust(&ca);
    ok(give(&ca, 1, 10, &taken));
    assert_int_equal(give(&stranger, 1000, 5, &taken), R_DENIED);
    assert_non_null(strstr(err.text, "another key"));
    ok(give(&later, 7, 10, &taken));
    assert_non_null(strstr(taken.warning, "later ca"));
    assert_int_equal(lists(&all), 2);
    trust(&later);
    ok(mp_crl_settle(&site, &err));
    assert_int_equal(lists(&all), 2);
    assert_false(all[0].unproven || all[1].unproven);
    assert_int_equal(give(&later, 6, 5, &taken), R_CONFLICT);
    ca_free(&ca);
    ca_free(&stranger);
    ca_free(&later);
}

static void a_list_that_an_earlier_version_took_gets_its_place(void **state)
{
    (void)state;
    struct ca ca = ca_new("lab ca");
    struct mp_crl_taken taken;
    struct store_trust *all;
    ok(give(&ca, 5, 10, &taken));
    assert_int_equal(lists(&all), 1);
    struct store_trust old = all[0];
    old.id = HASH;
    old.scope = "";
    old.this_update = old.unproven = 0;
    ok(store_trust_remove(site.store, all[0].id, &err));
    ok(store_trust_put(site.store, &old, &err));
    trust(&ca);
    ok(mp_crl_settle(&site, &err));
    assert_int_equal(lists(&all), 1);
    assert_string_not_equal(all[0].id, HASH);
    assert_string_equal(all[0].scope, "all certificates");
    assert_int_equal(give(&ca, 4, 5, &taken), R_CONFLICT);
    ca_free(&ca);
}

static void an_upload_is_read_whole(void **state)
{
    (void)state;
    struct mp_crls c;
    assert_int_equal(mp_crls_read(SLICE("nonsense"), &c, &err), R_INVALID);
    ok(mp_crls_read(SLICE("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\nand\n"
                          "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"),
                    &c, &err));
    assert_int_equal(c.count, 2);
    mp_crls_free(&c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gateways_read_what_the_site_writes),
        TEST(blocks_are_read_as_blocks),
        TEST(a_removed_connector_is_revoked_in_the_bundle),
        TEST(connectors_read_what_the_site_writes),
        TEST(withdrawn_certificates_are_told_to_gateways_and_connectors),
        TEST(what_nobody_could_read_is_found_before_it_is_published),
        TEST(policy_sequences_begin_at_one),
        TEST(a_crl_is_kept_with_issuer_scope_and_number),
        TEST(lists_of_two_keys_of_one_name_stand_side_by_side),
        TEST(a_strangers_list_is_refused_and_one_of_an_unknown_ca_waits),
        TEST(a_list_that_an_earlier_version_took_gets_its_place),
        TEST(an_upload_is_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
