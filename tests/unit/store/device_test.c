/* SPDX-License-Identifier: Apache-2.0 */
/* Devices, their certificates and device tokens. */
#include "fixture.h"

#include "base/clock.h"
#include "store/device/known.h"
#include "store/targeting/client_settings.h"

#define GUID_A "6f1c0000-0000-4000-8000-00000000000a"
#define GUID_B "6f1c0000-0000-4000-8000-00000000000b"

static void add(struct fixture *f, const char *guid, const char *name, const char *spki)
{
    struct store_device d = {.guid = guid,
                             .name = name,
                             .hardware_id = "hw",
                             .method = "token",
                             .state = STORE_APPROVED,
                             .spki = spki,
                             .client_version = 2603,
                             .registered = 100};
    ok(f, store_device_add(f->store, &d, &f->err));
}

static void a_device_is_found_by_everything_that_names_it(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    bool is_new;
    struct store_certificate c = {.guid = GUID_A, .sha256 = "c1", .subject = "CN=a", .pem = "PEM", .not_after = 5};
    add(f, GUID_A, "PC-1", "k1");
    ok(f, store_certificate_put(f->store, &c, &is_new, &f->err));
    ok(f, store_device_get(f->store, f->arena, STORE_BY_GUID, GUID_A, &d, &f->err));
    assert_string_equal(d.name, "PC-1");
    ok(f, store_device_get(f->store, f->arena, STORE_BY_SPKI, "k1", &d, &f->err));
    ok(f, store_device_get(f->store, f->arena, STORE_BY_CERTIFICATE, "c1", &d, &f->err));
    ok(f, store_device_get(f->store, f->arena, STORE_BY_NAME, "pc-1", &d, &f->err));
    assert_string_equal(d.guid, GUID_A);
    assert_int_equal(store_device_get(f->store, f->arena, STORE_BY_SPKI, "k2", &d, &f->err), R_NOTFOUND);
}

static void two_devices_of_a_name_must_be_told_apart_by_guid(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    add(f, GUID_A, "PC", "k1");
    add(f, GUID_B, "pc", "k2");
    assert_int_equal(store_device_get(f->store, f->arena, STORE_BY_NAME, "PC", &d, &f->err), R_CONFLICT);
    assert_non_null(strstr(f->err.text, GUID_A));
    assert_non_null(strstr(f->err.text, GUID_B));
}

static void a_key_belongs_to_one_device(void **state)
{
    struct fixture *f = *state;
    struct store_device d = {
        .guid = GUID_B, .name = "x", .hardware_id = "", .method = "pki", .state = STORE_APPROVED, .spki = "k1"};
    add(f, GUID_A, "PC", "k1");
    assert_int_equal(store_device_add(f->store, &d, &f->err), R_CONFLICT);
}

static const struct store_claim nothing = {"", "", "", "", "", "", "", "k9", ""};

static void known_as(struct fixture *f, struct store_claim claim, const char *guid, const char *what)
{
    struct store_known k;
    enum result r = store_known_find(f->store, f->arena, &claim, &k, &f->err);
    if (!guid) {
        assert_int_equal(r, R_NOTFOUND);
        return;
    }
    ok(f, r);
    assert_string_equal(k.guid, guid);
    assert_string_equal(k.what, what);
}

static void a_name_hardware_id_or_entra_device_of_another_machine_is_known(void **state)
{
    struct fixture *f = *state;
    struct store_claim c = nothing;
    add(f, GUID_A, "PC", "k1");
    ok(f, store_device_set_entra(f->store, GUID_A, "t", "e", &f->err));
    known_as(f, c, NULL, NULL);
    c.name = "pc";
    known_as(f, c, GUID_A, "name");
    c.hardware_id = "hw";
    known_as(f, c, GUID_A, "hardware id");
    c.tenant = "t", c.entra_device = "e";
    known_as(f, c, GUID_A, "Entra device");
    c.machine = "k1";
    known_as(f, c, NULL, NULL);
    c.machine = "k9", c.guid = GUID_A;
    known_as(f, c, NULL, NULL);
}

static void who_waits_and_was_vouched_for_by_nobody_holds_up_nobody(void **state)
{
    struct fixture *f = *state;
    struct store_claim c = nothing;
    struct store_device d = {.guid = GUID_A,
                             .name = "PC",
                             .hardware_id = "hw",
                             .method = "token",
                             .state = STORE_PENDING,
                             .spki = "k1",
                             .voucher = "nobody"};
    ok(f, store_device_add(f->store, &d, &f->err));
    c.name = "PC", c.hardware_id = "hw";
    known_as(f, c, NULL, NULL);
}

static void what_a_removed_device_held_is_known_until_somebody_with_it_is_approved(void **state)
{
    struct fixture *f = *state;
    struct store_claim c = nothing;
    struct store_certificate cert = {
        .guid = GUID_A, .sha256 = "c1", .subject = "", .pem = "", .not_after = 1, .vouched = true};
    bool is_new;
    add(f, GUID_A, "PC", "k1");
    cert.not_after = clock_wall_s() + 1000;
    ok(f, store_certificate_put(f->store, &cert, &is_new, &f->err));
    ok(f, store_device_approve(f->store, GUID_A, &f->err)); /* stands for its hardware id */
    ok(f, store_device_set_entra(f->store, GUID_A, "t", "e", &f->err));
    ok(f, store_device_remove(f->store, GUID_A, false, &f->err));
    c.name = "PC";
    known_as(f, c, NULL, NULL);
    c.hardware_id = "hw";
    known_as(f, c, GUID_A, "hardware id");
    c.tenant = "t", c.entra_device = "e";
    known_as(f, c, GUID_A, "Entra device");
    c.certificate = "c1";
    known_as(f, c, GUID_A, "certificate");
    c.spki = "k1";
    known_as(f, c, GUID_A, "key");
    add(f, GUID_B, "PC", "k1");
    ok(f, store_device_approve(f->store, GUID_B, &f->err));
    c.guid = GUID_B;
    known_as(f, c, GUID_A, "certificate"); /* that one was not approved */
    ok(f, store_removed_readmit(f->store, GUID_A, &f->err));
    known_as(f, c, NULL, NULL);
    assert_int_equal(store_removed_readmit(f->store, GUID_A, &f->err), R_NOTFOUND);
}

static void who_is_removed_to_be_forgotten_is_nobody(void **state)
{
    struct fixture *f = *state;
    struct store_claim c = nothing;
    add(f, GUID_A, "PC", "k1");
    ok(f, store_device_remove(f->store, GUID_A, true, &f->err));
    c.spki = "k1";
    known_as(f, c, NULL, NULL);
}

static void approval_of_a_known_hardware_id_makes_one_machine(void **state)
{
    struct fixture *f = *state;
    struct store_device d = {.guid = GUID_B,
                             .name = "PC2",
                             .hardware_id = "hw",
                             .method = "pki",
                             .state = STORE_PENDING,
                             .spki = "k2",
                             .known = GUID_A,
                             .known_by = "hardware id"};
    add(f, GUID_A, "PC", "k1");
    ok(f, store_device_add(f->store, &d, &f->err));
    ok(f, store_device_approve(f->store, GUID_B, &f->err));
    ok(f, store_device_get(f->store, f->arena, STORE_BY_GUID, GUID_B, &d, &f->err));
    assert_string_equal(d.machine, "k1");
    assert_string_equal(d.hardware_by, "administrator");
}

static void an_approved_device_takes_its_entra_device_from_any_other(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    add(f, GUID_A, "PC", "k1");
    add(f, GUID_B, "PC2", "k2");
    ok(f, store_device_set_entra(f->store, GUID_A, "t", "e", &f->err));
    ok(f, store_device_set_entra(f->store, GUID_B, "t", "e", &f->err));
    ok(f, store_device_approve(f->store, GUID_B, &f->err));
    ok(f, store_device_get(f->store, f->arena, STORE_BY_GUID, GUID_A, &d, &f->err));
    assert_string_equal(d.entra_device, "");
}

static void certificates_that_nobody_vouched_for_displace_none_that_can_be_revoked(void **state)
{
    struct fixture *f = *state;
    struct store_certificate *list;
    char id[16];
    bool is_new;
    size_t count;
    add(f, GUID_A, "PC", "k1");
    for (int i = 0; i < 3 * STORE_CERTIFICATES_A_DEVICE; i++) {
        (void)snprintf(id, sizeof id, "c%03d", i);
        struct store_certificate c = {
            .guid = GUID_A, .sha256 = id, .subject = "", .pem = "", .added = i, .vouched = i == 0};
        ok(f, store_certificate_put(f->store, &c, &is_new, &f->err));
    }
    ok(f, store_certificate_list_of_machine(f->store, f->arena, "k1", &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].sha256, "c000");
}

static void blocking_bumps_the_bundle_and_is_counted(void **state)
{
    struct fixture *f = *state;
    count_sequences(f);
    struct store_device_counts counts;
    struct store_device *list;
    size_t count;
    add(f, GUID_A, "PC", "k1");
    add(f, GUID_B, "PC2", "k2");
    assert_int_equal(sequence(f, "bundle"), 0);
    ok(f, store_device_block(f->store, GUID_A, true, &f->err));
    assert_int_equal(sequence(f, "bundle"), 1);
    ok(f, store_device_count(f->store, &counts, &f->err));
    assert_int_equal(counts.blocked, 1);
    assert_int_equal(counts.approved, 1);
    ok(f, store_device_blocked_list(f->store, f->arena, &list, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].guid, GUID_A);
    assert_int_equal(store_device_block(f->store, "nobody", true, &f->err), R_NOTFOUND);
    assert_int_equal(sequence(f, "bundle"), 1);
}

static void each_device_is_counted_once_whatever_it_is(void **state)
{
    static const struct {
        const char *guid;
        enum store_device_state state;
        bool blocked, kept_out;
    } devices[] = {{"1", STORE_APPROVED, false, false}, {"2", STORE_APPROVED, true, false},
                   {"3", STORE_PENDING, false, false},  {"4", STORE_PENDING, false, true},
                   {"5", STORE_PENDING, true, true},    {"6", STORE_APPROVED, false, false}};
    struct fixture *f = *state;
    struct store_device_counts counts;
    for (size_t i = 0; i < ARRAY_LEN(devices); i++) {
        struct store_device d = {.guid = devices[i].guid,
                                 .name = "x",
                                 .hardware_id = "",
                                 .method = "pki",
                                 .state = devices[i].state,
                                 .spki = devices[i].guid,
                                 .kept_out = devices[i].kept_out};
        ok(f, store_device_add(f->store, &d, &f->err));
        if (devices[i].blocked)
            ok(f, store_device_block(f->store, d.guid, true, &f->err));
    }
    ok(f, store_device_count(f->store, &counts, &f->err));
    assert_int_equal(counts.approved, 2);
    assert_int_equal(counts.pending, 2);
    assert_int_equal(counts.blocked, 2);
}

/* --- what a device does as often as it likes --- */

/* And counts from there. */
static void forbid(struct fixture *f)
{
    count_sequences(f);
    struct store_client_settings c = {.name = "no-cmg", .priority = 1, .settings = "{\"allow_cmg\":false}"};
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_end(f->store, store_client_settings_put(f->store, &c, &f->err), &f->err));
    ok(f, store_exec(f->store, "UPDATE sequence SET value = $1", STORE_PARAMS(STORE_N(COUNTED_FROM)), NULL, &f->err));
}

/* As long ago as gathering lasts. */
static void let_it_pass(struct fixture *f)
{
    ok(f, store_exec(f->store, "UPDATE sequence SET changed = changed - $1 WHERE name = 'gathered'",
                     STORE_PARAMS(STORE_N(STORE_GATHER_S)), NULL, &f->err));
}

static void registers(struct fixture *f, struct store_device *d, const char *sha256)
{
    bool is_new;
    struct store_certificate c = {.guid = GUID_A, .sha256 = sha256, .subject = "", .pem = ""};
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    ok(f, store_end(f->store, store_device_update(f->store, d, &f->err), &f->err));
    ok(f, store_certificate_put(f->store, &c, &is_new, &f->err));
}

static void registering_again_bumps_the_bundle_only_by_what_rules_look_at(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    add(f, GUID_A, "PC", "k1");
    forbid(f);
    ok(f, store_device_get(f->store, f->arena, STORE_BY_GUID, GUID_A, &d, &f->err));
    registers(f, &d, "c1");
    d.name = "another", d.hardware_id = "other";
    registers(f, &d, "c2"); /* of its own making */
    assert_int_equal(sequence(f, "bundle"), 0);
    d.client_version = 2002;
    registers(f, &d, "c2");
    assert_int_equal(sequence(f, "bundle"), 1);
    ok(f, store_device_set_entra(f->store, GUID_A, "t", "e", &f->err));
    let_it_pass(f);
    ok(f, store_device_set_entra(f->store, GUID_A, "t", "e", &f->err)); /* once more the same */
    assert_int_equal(sequence(f, "bundle"), 1);
}

static void what_devices_change_meanwhile_is_one_bump(void **state)
{
    struct fixture *f = *state;
    struct store_device d;
    int64_t now = clock_wall_s();
    add(f, GUID_A, "PC", "k1");
    forbid(f);
    ok(f, store_device_get(f->store, f->arena, STORE_BY_GUID, GUID_A, &d, &f->err));
    for (int i = 0; i < 20; i++) {
        d.client_version = 2002 + i % 2;
        registers(f, &d, "c1");
    }
    assert_int_equal(sequence(f, "bundle"), 1);
    ok(f, store_sequence_refresh(f->store, now - 100, now + 30, &f->err)); /* too early */
    assert_int_equal(sequence(f, "bundle"), 1);
    let_it_pass(f);
    ok(f, store_sequence_refresh(f->store, now - 100, now + 30, &f->err));
    assert_int_equal(sequence(f, "bundle"), 2);
    let_it_pass(f);
    ok(f, store_sequence_refresh(f->store, now - 100, now + 30, &f->err)); /* nothing waits */
    assert_int_equal(sequence(f, "bundle"), 2);
}

static void who_waits_bumps_no_bundle(void **state)
{
    struct fixture *f = *state;
    struct store_device d = {.guid = GUID_A, .name = "x", .hardware_id = "", .method = "token", .spki = "k1"};
    forbid(f);
    d.state = STORE_PENDING;
    ok(f, store_device_add(f->store, &d, &f->err));
    for (int i = 0; i < 3; i++) {
        d.client_version++;
        d.vouched_name = i % 2 ? "a" : "b";
        registers(f, &d, i % 2 ? "c1" : "c2");
        ok(f, store_device_set_entra(f->store, GUID_A, "t", i % 2 ? "e" : "f", &f->err));
        let_it_pass(f);
    }
    assert_int_equal(sequence(f, "bundle"), 0);
    d.state = STORE_APPROVED; /* a PKI's word, or its tenant's */
    registers(f, &d, "c1");
    assert_int_equal(sequence(f, "bundle"), 1);
}

static void a_removed_device_stays_refused_for_a_while(void **state)
{
    struct fixture *f = *state;
    struct store_certificate c = {.guid = GUID_A, .sha256 = "c1", .subject = "", .pem = ""};
    const char *const *guids;
    struct store_device d;
    bool is_new;
    size_t count;
    add(f, GUID_A, "PC", "k1");
    ok(f, store_certificate_put(f->store, &c, &is_new, &f->err));
    ok(f, store_device_remove(f->store, GUID_A, false, &f->err));
    assert_int_equal(store_device_get(f->store, f->arena, STORE_BY_CERTIFICATE, "c1", &d, &f->err), R_NOTFOUND);
    assert_int_equal(store_certificate_get(f->store, f->arena, "c1", &c, &f->err), R_NOTFOUND);
    ok(f, store_device_removed_list(f->store, f->arena, clock_wall_s(), &guids, &count, &f->err));
    assert_int_equal(count, 1);
    assert_string_equal(guids[0], GUID_A);
    ok(f, store_device_removed_list(f->store, f->arena, clock_wall_s() + 86400, &guids, &count, &f->err));
    assert_int_equal(count, 0);
}

static void a_renewed_token_works_a_day_longer(void **state)
{
    struct fixture *f = *state;
    add(f, GUID_A, "PC", "k1");
    ok(f, store_device_token_add(f->store, GUID_A, "t1", 0, 1000, &f->err));
    ok(f, store_device_token_renew(f->store, GUID_A, "t1", 500, &f->err));
    ok(f, store_device_token_check(f->store, GUID_A, "t1", 500 + STORE_SUPERSEDED_S, &f->err));
    assert_int_equal(store_device_token_check(f->store, GUID_A, "t1", 501 + STORE_SUPERSEDED_S, &f->err), R_DENIED);
    /* renewing the old one again does not make it live longer */
    ok(f, store_device_token_renew(f->store, GUID_A, "t1", 900, &f->err));
    assert_int_equal(store_device_token_check(f->store, GUID_A, "t1", 501 + STORE_SUPERSEDED_S, &f->err), R_DENIED);
}

static void a_token_that_was_never_issued_to_this_device_does_not_count(void **state)
{
    struct fixture *f = *state;
    add(f, GUID_A, "PC", "k1");
    add(f, GUID_B, "PC2", "k2");
    ok(f, store_device_token_add(f->store, GUID_A, "t1", 0, 1000, &f->err));
    assert_int_equal(store_device_token_check(f->store, GUID_B, "t1", 1, &f->err), R_DENIED);
    assert_int_equal(store_device_token_check(f->store, GUID_A, "t2", 1, &f->err), R_DENIED);
}

static void renewals_are_limited_to_five_a_day(void **state)
{
    struct fixture *f = *state;
    add(f, GUID_A, "PC", "k1");
    ok(f, store_device_token_add(f->store, GUID_A, "t1", 0, 1000, &f->err));
    for (int i = 0; i < STORE_RENEWALS_A_DAY; i++)
        ok(f, store_device_token_renew(f->store, GUID_A, "t1", 1000 + i, &f->err));
    assert_int_equal(store_device_token_renew(f->store, GUID_A, "t1", 2000, &f->err), R_LIMIT);
    ok(f, store_device_token_renew(f->store, GUID_A, "t1", 1000 + 86400, &f->err));
}

static void a_device_keeps_a_bounded_number_of_tokens(void **state)
{
    struct fixture *f = *state;
    char id[8];
    add(f, GUID_A, "PC", "k1");
    for (int i = 0; i < 2 * STORE_TOKENS_A_DEVICE; i++) {
        (void)snprintf(id, sizeof id, "t%d", i);
        ok(f, store_device_token_add(f->store, GUID_A, id, i, 1000, &f->err));
    }
    assert_int_equal(store_device_token_check(f->store, GUID_A, "t0", 1, &f->err), R_DENIED);
    ok(f, store_device_token_check(f->store, GUID_A, id, 1, &f->err));
}

static void a_device_keeps_a_bounded_number_of_certificates(void **state)
{
    struct fixture *f = *state;
    struct store_certificate *list;
    size_t count;
    char sha256[8];
    bool is_new;
    add(f, GUID_A, "PC", "k1");
    for (int i = 0; i < 2 * STORE_CERTIFICATES_A_DEVICE; i++) {
        (void)snprintf(sha256, sizeof sha256, "c%d", i);
        struct store_certificate c = {.guid = GUID_A, .sha256 = sha256, .subject = "", .pem = "", .added = i};
        ok(f, store_certificate_put(f->store, &c, &is_new, &f->err));
        assert_true(is_new);
        ok(f, store_certificate_put(f->store, &c, &is_new, &f->err));
        assert_false(is_new);
    }
    ok(f, store_certificate_list(f->store, f->arena, GUID_A, &list, &count, &f->err));
    assert_int_equal(count, STORE_CERTIFICATES_A_DEVICE);
    assert_string_equal(list[count - 1].sha256, sha256);
}

static void the_last_token_of_a_device_counts_as_ending(void **state)
{
    struct fixture *f = *state;
    struct store_device_ending *list;
    size_t count;
    int64_t all;
    add(f, GUID_A, "pc-a", "k1");
    add(f, GUID_B, "pc-b", "k2");
    ok(f, store_device_token_add(f->store, GUID_A, "t1", 0, 1000, &f->err));
    ok(f, store_device_token_add(f->store, GUID_B, "t2", 0, 1100, &f->err));
    ok(f, store_device_token_ending(f->store, f->arena, 900, 1200, 1, &all, &list, &count, &f->err));
    assert_int_equal(all, 2);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].guid, GUID_A);
    assert_string_equal(list[0].name, "pc-a");
    assert_int_equal(list[0].expires, 1000);
    ok(f, store_device_token_add(f->store, GUID_A, "t3", 500, 9000, &f->err)); /* it registered anew */
    ok(f, store_device_token_renew(f->store, GUID_B, "t2", 500, &f->err));
    ok(f, store_device_token_ending(f->store, f->arena, 900, 1200, 9, &all, &list, &count, &f->err));
    assert_int_equal(all, 0);
    ok(f, store_device_block(f->store, GUID_A, true, &f->err));
    ok(f, store_device_token_ending(f->store, f->arena, 900, 10000, 9, &all, &list, &count, &f->err));
    assert_int_equal(all, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_device_is_found_by_everything_that_names_it),
        TEST(two_devices_of_a_name_must_be_told_apart_by_guid),
        TEST(a_key_belongs_to_one_device),
        TEST(a_name_hardware_id_or_entra_device_of_another_machine_is_known),
        TEST(who_waits_and_was_vouched_for_by_nobody_holds_up_nobody),
        TEST(what_a_removed_device_held_is_known_until_somebody_with_it_is_approved),
        TEST(who_is_removed_to_be_forgotten_is_nobody),
        TEST(approval_of_a_known_hardware_id_makes_one_machine),
        TEST(an_approved_device_takes_its_entra_device_from_any_other),
        TEST(certificates_that_nobody_vouched_for_displace_none_that_can_be_revoked),
        TEST(blocking_bumps_the_bundle_and_is_counted),
        TEST(each_device_is_counted_once_whatever_it_is),
        TEST(registering_again_bumps_the_bundle_only_by_what_rules_look_at),
        TEST(what_devices_change_meanwhile_is_one_bump),
        TEST(who_waits_bumps_no_bundle),
        TEST(a_removed_device_stays_refused_for_a_while),
        TEST(a_renewed_token_works_a_day_longer),
        TEST(the_last_token_of_a_device_counts_as_ending),
        TEST(a_token_that_was_never_issued_to_this_device_does_not_count),
        TEST(renewals_are_limited_to_five_a_day),
        TEST(a_device_keeps_a_bounded_number_of_tokens),
        TEST(a_device_keeps_a_bounded_number_of_certificates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
