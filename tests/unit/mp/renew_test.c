/* SPDX-License-Identifier: Apache-2.0 */
/* Renewing role certificates: who gets one, what it is for, and each refusal. */
#include "kit.h"

#include "bundle/role/renewal.h"
#include "mp/answer/handlers.h"
#include "pki/issue/csr.h"
#include "store/site/role.h"

enum { SOON = 500, LATER = 900 };

static EVP_PKEY *key, *next; /* of the role now, and the one that it wants a certificate for */
static char *csr;
static int64_t now;

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    now = clock_wall_s();
    key = pki_key_new();
    next = pki_key_new();
    ok(pki_csr_new(next, "next", &csr, &err));
    struct store_connector cp = {.id = "cp1", .created = now, .not_after = now + SOON};
    struct store_gateway gw = {.id = "gw1", .host = "gw.example", .port = 443, .created = now, .not_after = now + SOON};
    ok(store_connector_add(site.store, &cp, &err));
    ok(store_gateway_add(site.store, &gw, &err));
    peer.certificate = kit_role("connector", "cp1", key, now + SOON);
    return 0;
}

static int teardown(void **state)
{
    EVP_PKEY_free(key);
    EVP_PKEY_free(next);
    free(csr);
    return kit_close(state);
}

static void ask_as_connector(struct kit_ask *a, const char *target, const char *body)
{
    kit_ask(a, "POST", target, body);
    (void)snprintf(a->r->sender.identity.connector, PKI_ROLE_ID_MAX, "cp1");
    kit_handle(a, mp_handle_site_renew);
}

/* What gateway `id` sends, by its present key, with a certificate that ends at `not_after`; malloc'ed. */
static char *signed_by_gateway(const char *id, int64_t not_after, int64_t at)
{
    char *text;
    X509 *cert = kit_role("gateway", id, key, not_after);
    char *leaf = pki_cert_pem(cert);
    struct slice parts[] = {slice_of(leaf), slice_of(site.keys.role_ca_pem)};
    char *chain = slice_dup(arena_join(rows, parts, ARRAY_LEN(parts)));
    struct role_identity present = {.certificate_pem = chain, .key_pem = pki_key_pem(key)};
    ok(renewal_sign(&present, "LAB", id, csr, at, &text, &err));
    free(leaf);
    X509_free(cert);
    role_identity_free(&present);
    return text;
}

static void ask_as_gateway(struct kit_ask *a, const char *path, const char *id, int64_t not_after, int64_t at)
{
    char *text = signed_by_gateway(id, not_after, at);
    ask_as_connector(a, path, text);
    free(text);
}

/* Is the answer a chain for `next` of this role, which ends at the returned time? */
static int64_t issued(struct kit_ask *a, const char *kind, const char *id)
{
    STACK_OF(X509) * chain;
    unsigned char wanted[PKI_SHA256], got[PKI_SHA256];
    struct pki_role_judge *judge;
    char found[PKI_ROLE_ID_MAX];
    if (a->status != 200)
        fail_msg("%d: %s", a->status, kit_said(a, "detail"));
    ok(pki_cert_read_all(buf_data(&a->body), 4, &chain, &err));
    assert_int_equal(sk_X509_num(chain), 2);
    X509 *leaf = sk_X509_value(chain, 0);
    ok(pki_role_judge_new(slice_of(site.keys.root_pem), "LAB", kind, &judge, &err));
    ok(pki_role_check(judge, leaf, chain, clock_wall_s(), found, &err));
    assert_string_equal(found, id);
    pki_key_spki_sha256(next, wanted);
    pki_cert_spki_sha256(leaf, got);
    assert_memory_equal(got, wanted, sizeof got);
    int64_t ends = pki_cert_not_after(leaf);
    pki_role_judge_free(judge);
    sk_X509_pop_free(chain, X509_free);
    kit_forget(a);
    return ends;
}

static void refused(struct kit_ask *a, int status, const char *reason, const char *detail)
{
    if (a->status != status || strcmp(kit_said(a, "reason"), reason) != 0 || !strstr(kit_said(a, "detail"), detail))
        fail_msg("%d %s: %s", a->status, kit_said(a, "reason"), kit_said(a, "detail"));
    kit_forget(a);
    assert_int_equal(kit_audited("gateway.certificate-renew") + kit_audited("connector.certificate-renew"), 0);
}

/* --- who gets one --- */

static void a_connector_gets_one_for_its_own_id_and_its_new_key(void **state UNUSED)
{
    struct kit_ask a;
    struct store_connector cp;
    ask_as_connector(&a, "/.cmg/renew", csr);
    int64_t ends = issued(&a, "connector", "cp1");
    ok(store_connector_get(site.store, rows, "cp1", &cp, &err));
    assert_int_equal(cp.not_after, ends);
    assert_int_equal(kit_audited("connector.certificate-renew"), 1);
}

static void a_gateway_gets_one_through_a_connector_by_its_own_signature(void **state UNUSED)
{
    struct kit_ask a;
    struct store_gateway gw;
    ask_as_gateway(&a, "/.cmg/renew/gw1", "gw1", now + SOON, now);
    int64_t ends = issued(&a, "gateway", "gw1");
    ok(store_gateway_get(site.store, rows, "gw1", &gw, &err));
    assert_int_equal(gw.not_after, ends);
    assert_int_equal(kit_audited("gateway.certificate-renew"), 1);
}

/* By the end alone are certificates told apart that were withdrawn: one of the second of a withdrawal must not be among
 * them. */
static void one_that_is_made_in_the_second_of_a_withdrawal_ends_after_those_withdrawn(void **state UNUSED)
{
    struct kit_ask a;
    int64_t withdrawn = now + MP_ROLE_DAYS * 86400LL + 5;
    struct store_connector cp = {.id = "cp1", .not_after = withdrawn + 10};
    struct store_gateway gw = {.id = "gw1", .host = "gw.example", .port = 443, .not_after = withdrawn + 10};
    ok(store_exec(site.store, "UPDATE connector SET not_after = $1", STORE_PARAMS(STORE_N(withdrawn)), NULL, &err));
    ok(store_exec(site.store, "UPDATE gateway SET not_after = $1", STORE_PARAMS(STORE_N(withdrawn)), NULL, &err));
    ok(store_connector_renew(site.store, &cp, true, &err));
    ok(store_gateway_renew(site.store, &gw, true, &err));
    X509_free(peer.certificate);
    peer.certificate = kit_role("connector", "cp1", key, withdrawn + 1);
    ask_as_connector(&a, "/.cmg/renew", csr);
    assert_true(issued(&a, "connector", "cp1") > withdrawn);
    ask_as_gateway(&a, "/.cmg/renew/gw1", "gw1", withdrawn + 1, now);
    assert_true(issued(&a, "gateway", "gw1") > withdrawn);
}

/* --- refusals --- */

static void a_connector_that_was_removed_gets_none(void **state UNUSED)
{
    struct kit_ask a;
    ok(store_connector_remove(site.store, "cp1", &err));
    ask_as_connector(&a, "/.cmg/renew", csr);
    refused(&a, 403, "renewal_refused", "");
}

static void a_renewal_of_the_present_key_is_none(void **state UNUSED)
{
    struct kit_ask a;
    free(csr);
    ok(pki_csr_new(key, "again", &csr, &err));
    ask_as_connector(&a, "/.cmg/renew", csr);
    refused(&a, 400, "bad_request", "a renewal takes a new one");
    ask_as_gateway(&a, "/.cmg/renew/gw1", "gw1", now + SOON, now);
    refused(&a, 400, "bad_request", "a renewal takes a new one");
}

static void what_is_no_request_for_a_certificate_is_refused(void **state UNUSED)
{
    struct kit_ask a;
    ask_as_connector(&a, "/.cmg/renew", "hello");
    refused(&a, 400, "bad_request", "");
}

static void a_path_that_names_no_gateway_is_refused(void **state UNUSED)
{
    struct kit_ask a;
    ask_as_connector(&a, "/.cmg/renew/GW_1", csr);
    refused(&a, 400, "bad_request", "gateway's id");
}

static void a_gateway_gets_none_through_the_tunnel_of_another(void **state UNUSED)
{
    struct kit_ask a;
    ask_as_gateway(&a, "/.cmg/renew/gw2", "gw1", now + SOON, now);
    refused(&a, 403, "renewal_refused", "gateway gw1 asks through the tunnel of gateway gw2");
}

/* A gateway that is broken into sends its connector's path. */
static void a_connectors_request_is_none_of_a_gateway_and_the_other_way_round(void **state UNUSED)
{
    struct kit_ask a;
    ask_as_connector(&a, "/.cmg/renew/gw1", csr);
    assert_true(a.status == 400 || a.status == 403);
    kit_forget(&a);
    ask_as_gateway(&a, "/.cmg/renew", "gw1", now + SOON, now);
    refused(&a, 400, "bad_request", "");
}

static void a_gateway_that_was_removed_gets_none(void **state UNUSED)
{
    struct kit_ask a;
    ok(store_gateway_remove(site.store, "gw1", &err));
    ask_as_gateway(&a, "/.cmg/renew/gw1", "gw1", now + SOON, now);
    refused(&a, 403, "renewal_refused", "gateway gw1 was removed");
}

static void a_certificate_that_was_withdrawn_renews_nothing(void **state UNUSED)
{
    struct kit_ask a;
    struct store_gateway gw = {.id = "gw1", .host = "gw.example", .port = 443, .not_after = now + LATER};
    ok(store_gateway_renew(site.store, &gw, true, &err));
    ask_as_gateway(&a, "/.cmg/renew/gw1", "gw1", now + SOON, now);
    refused(&a, 403, "renewal_refused", "was withdrawn");
    ask_as_gateway(&a, "/.cmg/renew/gw1", "gw1", now + SOON + 1, now);
    (void)issued(&a, "gateway", "gw1");
}

/* It was good when the head of its request came: the body may take a minute. */
static void a_connector_whose_certificate_was_withdrawn_while_its_request_came_gets_none(void **state UNUSED)
{
    struct kit_ask a;
    struct store_connector cp = {.id = "cp1", .not_after = now + LATER};
    ok(store_connector_renew(site.store, &cp, true, &err));
    ask_as_connector(&a, "/.cmg/renew", csr);
    refused(&a, 403, "renewal_refused", "was withdrawn");
}

static void a_request_counts_once(void **state UNUSED)
{
    struct kit_ask a;
    char *text = signed_by_gateway("gw1", now + SOON, now);
    ask_as_connector(&a, "/.cmg/renew/gw1", text);
    (void)issued(&a, "gateway", "gw1");
    ask_as_connector(&a, "/.cmg/renew/gw1", text);
    assert_int_equal(a.status, 403);
    assert_non_null(strstr(kit_said(&a, "detail"), "this request was sent before"));
    kit_forget(&a);
    free(text);
}

static void an_old_request_is_refused_with_a_word_of_the_clocks(void **state UNUSED)
{
    struct kit_ask a;
    ask_as_gateway(&a, "/.cmg/renew/gw1", "gw1", now + SOON, now - RENEWAL_FRESH_S - 60);
    refused(&a, 403, "renewal_refused", "compare the clocks");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connector_gets_one_for_its_own_id_and_its_new_key),
        TEST(a_gateway_gets_one_through_a_connector_by_its_own_signature),
        TEST(one_that_is_made_in_the_second_of_a_withdrawal_ends_after_those_withdrawn),
        TEST(a_connector_that_was_removed_gets_none),
        TEST(a_renewal_of_the_present_key_is_none),
        TEST(what_is_no_request_for_a_certificate_is_refused),
        TEST(a_path_that_names_no_gateway_is_refused),
        TEST(a_gateway_gets_none_through_the_tunnel_of_another),
        TEST(a_connectors_request_is_none_of_a_gateway_and_the_other_way_round),
        TEST(a_gateway_that_was_removed_gets_none),
        TEST(a_certificate_that_was_withdrawn_renews_nothing),
        TEST(a_connector_whose_certificate_was_withdrawn_while_its_request_came_gets_none),
        TEST(a_request_counts_once),
        TEST(an_old_request_is_refused_with_a_word_of_the_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
