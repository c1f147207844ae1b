/* SPDX-License-Identifier: Apache-2.0 */
/* Each refusal of the judge, and what it remembers, without a connection. */
#include "kit.h"

#include "base/mem.h"
#include "gateway/judge/shown_verdict.h"
#include "verdict/remedy.h"

#define EXPECT(k, found, wanted) kit_assert_reason((k), (found), (wanted))

/* --- certificates --- */

static void no_certificate_on_the_path_of_certificates_is_told_what_that_path_takes(void **state)
{
    struct kit *k = *state;
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_CERT_MISSING);
    assert_null(k->detail.remedy); /* the reason's own: a token may do */
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "certificates"), REASON_CERT_MISSING);
    assert_string_equal(k->detail.remedy, verdict_remedy(REMEDY_CERTIFICATES_ALONE));
}

static void a_certificate_below_a_root_of_the_site_lets_in_by_its_fingerprint(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_OK);
    assert_int_equal(k->who.identity.method, CHOICE_PKI);
    assert_string_equal(k->who.identity.client_id, k->client.credential.sha256_hex);
    assert_string_equal(k->who.subject, "device-1");
    assert_true(k->who.identity.certificate.len > 0);
    assert_true(k->client.certificate_until > NOW);
}

static void a_certificate_is_judged_once_a_generation(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_OK);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_OK);
    assert_int_equal(kit_counted(k, METRIC_VERDICTS), 1);
    assert_int_equal(kit_counted(k, METRIC_VERDICTS_CACHED), 1);
    kit_bundle(k, "");
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_OK);
    assert_int_equal(kit_counted(k, METRIC_VERDICTS), 2);
}

static void a_refusal_counts_for_what_was_shown_here_alone(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->stranger);
    enum verdict_reason first = kit_ask(k, ROUTE_MUTUAL, "both");
    assert_int_not_equal(first, REASON_OK);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), first);
    assert_int_equal(kit_counted(k, METRIC_VERDICTS), 1);
    kit_show(k, &k->stranger); /* another connection */
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), first);
    assert_int_equal(kit_counted(k, METRIC_VERDICTS), 2);
}

static void a_blocked_certificate_opens_nothing_and_neither_does_its_key(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    const struct credential *c = &k->client.credential;
    char *by_key = forge_text(",\"blocks\":[{\"spki\":[\"%s\"]}]", c->spki_hex);
    char *by_certificate = forge_text(",\"blocks\":[{\"certificates\":[\"%s\"]}]", c->sha256_hex);
    kit_bundle(k, by_key);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_BLOCKED);
    kit_bundle(k, by_certificate);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_BLOCKED);
    free(by_certificate);
    free(by_key);
}

static void a_management_point_of_a_mode_without_certificates_takes_none(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "mp-ehttp"), REASON_MODE_FORBIDS_PKI);
    assert_non_null(strstr(k->detail.text, "mp-ehttp"));
}

static void an_endpoint_with_roots_of_its_own_takes_no_others(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "below-other"), REASON_CERT_UNTRUSTED_ROOT);
    assert_string_equal(k->detail.remedy, verdict_remedy(REMEDY_ENDPOINT_ANCHORS));
}

static void an_endpoint_refuses_a_method_that_it_does_not_list_and_names_those_it_does(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "tokens"), REASON_METHOD_NOT_ALLOWED_HERE);
    assert_string_equal(k->detail.text, "this endpoint takes: token");
}

static void what_was_put_off_is_asked_to_come_again(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    shown_verdict_put_off(&k->judge, &k->client.credential, NOW);
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_TOO_MANY_REQUESTS);
}

static void an_administrator_s_question_leaves_no_verdict_behind(void **state)
{
    struct kit *k = *state;
    struct judged r = {.verdict = {.reason = REASON_OK, .valid_until = NOW + DAY}};
    kit_show(k, &k->leaf);
    assert_int_equal(shown_verdict_answer(&k->judge, &k->client.credential, &r), REASON_OK);
    assert_null(shown_verdict_known(&k->judge, &k->client.credential, NOW));
}

static void lists_are_wanted_only_where_one_is_lacking(void **state)
{
    struct kit *k = *state;
    struct judged r = {.verdict = {.reason = REASON_CERT_REVOKED}, .places = {.count = 1}};
    shown_verdict_want_lists(&k->judge, &r);
    assert_int_equal(k->lists_wanted, 0);
    r.verdict.reason = REASON_CERT_CRL_UNAVAILABLE;
    shown_verdict_want_lists(&k->judge, &r);
    assert_int_equal(k->lists_wanted, 1);
}

/* --- tokens --- */

static void a_token_lets_in_by_its_device_with_the_key_that_it_is_bound_to(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    struct token t = kit_device_token(k);
    kit_token(k, &t);
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_OK);
    assert_int_equal(k->who.identity.method, CHOICE_TOKEN);
    assert_string_equal(k->who.identity.client_id, KIT_GUID);
    assert_non_null(k->client.token);
    kit_show(k, &k->stranger);
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_TOKEN_NOT_BOUND);
    kit_show(k, NULL);
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_TOKEN_NOT_BOUND);
}

static void one_bearer_token_is_wanted_neither_none_nor_two(void **state)
{
    struct kit *k = *state;
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "both"), REASON_TOKEN_MISSING);
    assert_null(k->detail.remedy);
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_TOKEN_MISSING);
    assert_string_equal(k->detail.remedy, verdict_remedy(REMEDY_TOKENS_ALONE));
    kit_field(k, "authorization", "Basic eDp5");
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_TOKEN_MISSING);
    assert_non_null(strstr(k->detail.text, "holds no bearer token"));
    kit_field(k, "authorization", "Bearer x");
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_TOKEN_MISSING);
    assert_string_equal(k->detail.remedy, verdict_remedy(REMEDY_TWO_FIELDS));
}

static void a_block_ends_a_token_by_its_device_its_number_and_its_key(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    struct token t = kit_device_token(k);
    kit_token(k, &t);
    char *by_key = forge_text(",\"blocks\":[{\"spki\":[\"%s\"]}]", k->client.credential.spki_hex);
    const char *const blocks[] = {",\"blocks\":[{\"guid\":\"" KIT_GUID "\"}]", ",\"blocks\":[{\"tokens\":[\"jti-1\"]}]",
                                  by_key};
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        kit_bundle(k, blocks[i]);
        EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_BLOCKED);
    }
    free(by_key);
}

static void a_token_of_a_device_that_was_removed_is_revoked(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    struct token t = kit_device_token(k);
    kit_token(k, &t);
    kit_bundle(k, ",\"blocks\":[{\"guid\":\"" KIT_GUID "\",\"removed\":true}]");
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_TOKEN_REVOKED);
}

static void a_token_for_another_purpose_opens_nothing_here(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    struct token t = kit_device_token(k);
    t.kind = TOKEN_DEVICE;
    kit_token(k, &t);
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_TOKEN_WRONG_PURPOSE);
}

static void devices_of_one_bulk_token_are_counted_by_address(void **state)
{
    struct kit *k = *state;
    struct token t = {.kind = TOKEN_BULK, .issued = NOW, .not_before = NOW, .expires = NOW + 3600};
    cstr_copy(t.id, sizeof t.id, "bulk-1");
    kit_token(k, &t);
    EXPECT(k, kit_ask(k, ROUTE_SERVER, NULL), REASON_OK);
    assert_string_equal(k->who.identity.client_id, "bulk:bulk-1");
    assert_non_null(strstr(k->who.holder, "192.0.2.1"));
}

/* --- by host: either --- */

static void by_host_the_certificate_goes_first_and_a_token_may_help_it_but_not_a_blocked_one(void **state)
{
    struct kit *k = *state;
    EXPECT(k, kit_ask(k, ROUTE_HOST, "both"), REASON_CERT_MISSING);
    EXPECT(k, kit_ask(k, ROUTE_HOST, "tokens"), REASON_TOKEN_MISSING);
    kit_show(k, &k->leaf);
    EXPECT(k, kit_ask(k, ROUTE_HOST, "both"), REASON_OK);
    assert_int_equal(k->who.identity.method, CHOICE_PKI);
    kit_show(k, &k->stranger);
    enum verdict_reason alone = kit_ask(k, ROUTE_HOST, "both");
    kit_field(k, "cmg-authorization", "Bearer not.a.token");
    enum verdict_reason with_token = kit_ask(k, ROUTE_HOST, "both");
    assert_int_not_equal(with_token, REASON_OK);
    assert_int_not_equal(with_token, alone); /* the token's own refusal */
    kit_show(k, &k->leaf);
    char *block = forge_text(",\"blocks\":[{\"certificates\":[\"%s\"]}]", k->client.credential.sha256_hex);
    kit_bundle(k, block);
    EXPECT(k, kit_ask(k, ROUTE_HOST, "both"), REASON_BLOCKED);
    free(block);
}

/* --- still? --- */

static void what_a_token_opened_ends_with_it(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    struct token t = kit_device_token(k);
    kit_token(k, &t);
    EXPECT(k, kit_ask(k, ROUTE_SERVER, "tokens"), REASON_OK);
    assert_null(authenticate_still_holds(&k->client, NOW));
    assert_string_equal(authenticate_still_holds(&k->client, NOW + 2 * 3600), "expired");
    kit_bundle(k, ",\"blocks\":[{\"tokens\":[\"jti-1\"]}]");
    assert_string_equal(authenticate_still_holds(&k->client, NOW), "blocked");
}

static void what_a_certificate_opened_ends_with_it_and_with_the_endpoint_s_rule(void **state)
{
    struct kit *k = *state;
    kit_show(k, &k->leaf);
    assert_null(authenticate_still_holds(&k->client, NOW)); /* nothing was let in yet */
    EXPECT(k, kit_ask(k, ROUTE_MUTUAL, "both"), REASON_OK);
    assert_null(authenticate_still_holds(&k->client, NOW));
    const struct bundle_endpoint *e = bundle_endpoint_by_id(k->snapshot.bundle, SLICE("tokens"));
    assert_string_equal(authenticate_ended(&k->client, NULL, e, NOW),
                        verdict_reason_info(REASON_METHOD_NOT_ALLOWED_HERE)->name);
    assert_non_null(authenticate_still_holds(&k->client, NOW + 4000 * DAY));
}

int main(void)
{
#define HELD(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
    const struct CMUnitTest tests[] = {
        HELD(no_certificate_on_the_path_of_certificates_is_told_what_that_path_takes),
        HELD(a_certificate_below_a_root_of_the_site_lets_in_by_its_fingerprint),
        HELD(a_certificate_is_judged_once_a_generation),
        HELD(a_refusal_counts_for_what_was_shown_here_alone),
        HELD(a_blocked_certificate_opens_nothing_and_neither_does_its_key),
        HELD(a_management_point_of_a_mode_without_certificates_takes_none),
        HELD(an_endpoint_with_roots_of_its_own_takes_no_others),
        HELD(an_endpoint_refuses_a_method_that_it_does_not_list_and_names_those_it_does),
        HELD(what_was_put_off_is_asked_to_come_again),
        HELD(an_administrator_s_question_leaves_no_verdict_behind),
        HELD(lists_are_wanted_only_where_one_is_lacking),
        HELD(a_token_lets_in_by_its_device_with_the_key_that_it_is_bound_to),
        HELD(one_bearer_token_is_wanted_neither_none_nor_two),
        HELD(a_block_ends_a_token_by_its_device_its_number_and_its_key),
        HELD(a_token_of_a_device_that_was_removed_is_revoked),
        HELD(a_token_for_another_purpose_opens_nothing_here),
        HELD(devices_of_one_bulk_token_are_counted_by_address),
        HELD(by_host_the_certificate_goes_first_and_a_token_may_help_it_but_not_a_blocked_one),
        HELD(what_a_token_opened_ends_with_it),
        HELD(what_a_certificate_opened_ends_with_it_and_with_the_endpoint_s_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
