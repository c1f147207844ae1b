/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a registration: whose record it is, whether it waits, why, and what is kept of it. */
#include "kit.h"

#include "mp/answer/registration.h"
#include "store/device/known.h"
#include "store/device/token.h"
#include "store/site/setting.h"
#include "store/targeting/collection.h"

static const struct http_request request; /* that says nothing of where it came from */
static struct mp_sender from;
static EVP_PKEY *ca_key;
static X509 *ca;

static int setup(void **state)
{
    if (kit_open(state) != 0)
        return -1;
    ca_key = pki_key_new();
    ca = kit_issue(PKI_TLS_CA, "ca", NULL, ca_key, NULL, NULL);
    from = (struct mp_sender){.site = &site, .arena = rows, .request = &request, .peer = &peer};
    return 0;
}

static int teardown(void **state)
{
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return kit_close(state);
}

/* --- registrations --- */

static void begin(struct registration *g, const struct kit_device *d, enum registration_voucher voucher,
                  const char *name)
{
    *g = (struct registration){.from = &from,
                               .name = name,
                               .hardware_id = "",
                               .version = 2403,
                               .certificate = d->certificate,
                               .voucher = voucher,
                               .now = clock_wall_s()};
    (void)snprintf(g->spki, sizeof g->spki, "%s", d->spki);
    (void)snprintf(g->proven, sizeof g->proven, "%s", d->spki);
    (void)snprintf(g->sha256, sizeof g->sha256, "%s", d->sha256);
}

/* A bulk token that the store knows, of so many uses. */
static void by_bulk(struct registration *g, const char *id, int64_t issued, int64_t uses)
{
    struct store_token t = {.id = id, .issued = issued, .expires = clock_wall_s() + 1000, .uses = uses};
    struct store_token known;
    if (store_token_get(site.store, rows, id, &known, NULL) != OK)
        ok(store_token_add(site.store, &t, &err));
    g->bulk = (struct token){.kind = TOKEN_BULK, .issued = issued};
    (void)snprintf(g->bulk.id, sizeof g->bulk.id, "%s", id);
}

static void record(struct registration *g)
{
    ok(mp_registration_record(g, &err));
}

static void done(struct registration *g)
{
    free(g->token);
    g->token = NULL;
}

/* Registers and forgets; *ret is the record as it stands, in `rows`. */
static void register_by(const struct kit_device *d, enum registration_voucher voucher, const char *name,
                        struct store_device *ret)
{
    struct registration g;
    begin(&g, d, voucher, name);
    if (voucher == BY_BULK)
        by_bulk(&g, "bulk", clock_wall_s(), 100);
    record(&g);
    ok(store_device_get(site.store, rows, STORE_BY_SPKI, d->spki, ret, &err));
    done(&g);
}

/* --- a new device --- */

static void each_voucher_has_its_method_and_state(void **state UNUSED)
{
    static const struct {
        enum registration_voucher voucher;
        const char *method, *by;
        enum store_device_state state;
    } cases[] = {{BY_PKI, "pki", "certificate", STORE_APPROVED},
                 {BY_BULK, "token", "token", STORE_APPROVED},
                 {BY_NOBODY, "token", "nobody", STORE_PENDING},
                 {BY_CONNECTOR, "pki", "nobody", STORE_PENDING}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit_device d;
        struct store_device r;
        char name[16];
        (void)snprintf(name, sizeof name, "pc%zu", i);
        kit_device_of_ca(&d, name, ca, ca_key);
        register_by(&d, cases[i].voucher, name, &r);
        assert_string_equal(r.method, cases[i].method);
        assert_string_equal(r.voucher, cases[i].by);
        assert_int_equal(r.state, cases[i].state);
        assert_int_equal(*r.reason != '\0', r.state == STORE_PENDING);
        kit_device_free(&d);
    }
    assert_int_equal(kit_audited("device.register"), 4);
}

static void an_entra_tenant_vouches_for_the_device_and_its_name(void **state UNUSED)
{
    struct kit_device d;
    struct registration g;
    struct entra_tenant tenant = {.id = "contoso"};
    struct store_device r;
    kit_device_new(&d);
    begin(&g, &d, BY_ENTRA, "pc");
    g.entra = (struct entra_token){.tenant = &tenant};
    (void)snprintf(g.entra.device, sizeof g.entra.device, "ent-1");
    record(&g);
    ok(store_device_get(site.store, rows, STORE_BY_SPKI, d.spki, &r, &err));
    assert_string_equal(r.method, "entra");
    assert_int_equal(r.state, STORE_APPROVED);
    assert_string_equal(r.entra_tenant, "contoso");
    assert_string_equal(r.entra_device, "ent-1");
    assert_string_equal(r.vouched_by, "entra");
    assert_string_equal(r.vouched_name, "ent-1"); /* not what the device calls itself */
    assert_null(g.token);
    kit_device_free(&d);
}

static void the_name_counts_as_far_as_somebody_stands_for_it(void **state UNUSED)
{
    struct kit_device d, t, s;
    struct store_device r;
    struct registration g;
    kit_device_of_ca(&d, "pc.example", ca, ca_key);
    register_by(&d, BY_PKI, "pc.example", &r);
    assert_string_equal(r.vouched_name, "pc.example");
    assert_string_equal(r.vouched_by, "certificate");

    kit_device_new(&t);
    register_by(&t, BY_BULK, "boss", &r);
    assert_string_equal(r.vouched_name, "");

    kit_device_new(&s);
    begin(&g, &s, BY_BULK, "lab-1");
    by_bulk(&g, "scoped", clock_wall_s(), 1);
    g.name_in_scope = true;
    record(&g);
    ok(store_device_get(site.store, rows, STORE_BY_SPKI, s.spki, &r, &err));
    assert_string_equal(r.vouched_name, "lab-1");
    assert_string_equal(r.vouched_by, "token");
    done(&g);
    kit_device_free(&d);
    kit_device_free(&t);
    kit_device_free(&s);
}

/* Of a certificate the name stays, whatever a token that says less would have it called. */
static void a_weaker_word_about_the_name_does_not_displace_a_stronger_one(void **state UNUSED)
{
    struct kit_device d;
    struct store_device r;
    struct registration g;
    kit_device_of_ca(&d, "pc.example", ca, ca_key);
    register_by(&d, BY_PKI, "pc.example", &r);
    begin(&g, &d, BY_BULK, "lab-1");
    by_bulk(&g, "scoped", clock_wall_s(), 1);
    g.name_in_scope = true;
    record(&g);
    ok(store_device_get(site.store, rows, STORE_BY_SPKI, d.spki, &r, &err));
    assert_string_equal(r.name, "lab-1");
    assert_string_equal(r.vouched_name, "pc.example");
    assert_string_equal(r.vouched_by, "certificate");
    done(&g);
    kit_device_free(&d);
}

static void manual_approval_makes_everybody_wait_with_that_reason(void **state UNUSED)
{
    struct kit_device d;
    struct store_device r;
    ok(store_setting_put(site.store, "approval", SLICE("manual"), &err));
    kit_device_of_ca(&d, "pc", ca, ca_key);
    register_by(&d, BY_PKI, "pc", &r);
    assert_int_equal(r.state, STORE_PENDING);
    assert_non_null(strstr(r.reason, "approval is manual"));
    kit_device_free(&d);
}

static void a_device_token_is_for_those_alone_whom_nothing_vouches_for_each_time(void **state UNUSED)
{
    static const struct {
        enum registration_voucher voucher;
        bool token;
    } cases[] = {{BY_PKI, false}, {BY_BULK, true}, {BY_NOBODY, false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit_device d;
        struct registration g;
        kit_device_of_ca(&d, "pc", ca, ca_key);
        begin(&g, &d, cases[i].voucher, i ? "b" : "pc");
        if (cases[i].voucher == BY_BULK)
            by_bulk(&g, "bulk", clock_wall_s(), 5);
        record(&g);
        assert_int_equal(g.token != NULL, cases[i].token);
        done(&g);
        kit_device_free(&d);
    }
}

/* --- known by something --- */

static void who_is_called_like_another_waits_with_that_ones_name_in_the_reason(void **state UNUSED)
{
    struct kit_device first, second;
    struct store_device one, two;
    kit_device_of_ca(&first, "pc.example", ca, ca_key);
    kit_device_of_ca(&second, "pc.example", ca, ca_key);
    register_by(&first, BY_PKI, "pc.example", &one);
    register_by(&second, BY_PKI, "pc.example", &two);
    assert_int_equal(two.state, STORE_PENDING);
    assert_string_equal(two.known, one.guid);
    assert_non_null(strstr(two.reason, "same name as pc.example"));
    assert_false(two.kept_out);
    kit_device_free(&first);
    kit_device_free(&second);
}

static void who_shares_what_was_shut_out_is_kept_out(void **state UNUSED)
{
    static const struct {
        bool removed;
        const char *told;
    } cases[] = {{false, "which is blocked"}, {true, "which was removed"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct kit_device first, second;
        struct store_device one, two;
        char name[32];
        (void)snprintf(name, sizeof name, "pc%zu.example", i);
        kit_device_of_ca(&first, name, ca, ca_key);
        kit_device_of_ca(&second, name, ca, ca_key);
        register_by(&first, BY_PKI, name, &one);
        ok(cases[i].removed ? store_device_remove(site.store, one.guid, false, &err)
                            : store_device_block(site.store, one.guid, true, &err));
        register_by(&second, BY_PKI, name, &two);
        assert_int_equal(two.state, STORE_PENDING);
        assert_non_null(strstr(two.reason, cases[i].told));
        assert_true(two.kept_out);
        kit_device_free(&first);
        kit_device_free(&second);
    }
}

static void a_blocked_device_does_not_register(void **state UNUSED)
{
    struct kit_device d;
    struct store_device r;
    struct registration g;
    kit_device_new(&d);
    register_by(&d, BY_BULK, "pc", &r);
    ok(store_device_block(site.store, r.guid, true, &err));
    begin(&g, &d, BY_BULK, "pc");
    by_bulk(&g, "bulk", clock_wall_s(), 100);
    assert_int_equal(mp_registration_record(&g, &err), R_DENIED);
    kit_device_free(&d);
}

/* The own key of the machine speaks for the new one. */
static void a_new_key_of_a_blocked_machine_does_not_register_either(void **state UNUSED)
{
    struct kit_device d, n;
    struct store_device r;
    struct registration g;
    kit_device_of_ca(&d, "pc", ca, ca_key);
    kit_device_of_ca(&n, "pc2", ca, ca_key);
    register_by(&d, BY_PKI, "pc", &r);
    ok(store_device_block(site.store, r.guid, true, &err));
    begin(&g, &n, BY_PKI, "pc2");
    (void)snprintf(g.proven, sizeof g.proven, "%s", d.spki);
    assert_int_equal(mp_registration_record(&g, &err), R_DENIED);
    kit_device_free(&d);
    kit_device_free(&n);
}

/* --- the same device again --- */

static void the_same_key_keeps_its_guid_and_its_new_name(void **state UNUSED)
{
    struct kit_device d;
    struct store_device one, two;
    kit_device_new(&d);
    register_by(&d, BY_BULK, "old", &one);
    register_by(&d, BY_BULK, "new", &two);
    assert_string_equal(one.guid, two.guid);
    assert_string_equal(two.name, "new");
    assert_int_equal(kit_audited("device.register"), 1);
    assert_int_equal(kit_audited("device.register-again"), 0); /* a mere repetition */
    kit_device_free(&d);
}

static void a_certificate_that_was_renewed_with_another_key_moves_the_record(void **state UNUSED)
{
    struct kit_device own, first, second;
    struct registration g;
    struct store_device one, two;
    kit_device_new(&own);
    kit_device_of_ca(&first, "pc.example", ca, ca_key);
    kit_device_of_ca(&second, "pc.example", ca, ca_key);
    struct kit_device *const each[] = {&first, &second};
    for (size_t i = 0; i < ARRAY_LEN(each); i++) {
        begin(&g, each[i], BY_PKI, "pc.example");
        (void)snprintf(g.proven, sizeof g.proven, "%s", own.spki);
        record(&g);
        ok(store_device_get(site.store, rows, STORE_BY_SPKI, each[i]->spki, i ? &two : &one, &err));
    }
    assert_string_equal(one.guid, two.guid);
    assert_int_equal(two.state, STORE_APPROVED);
    assert_string_equal(two.machine, own.spki);
    assert_int_equal(store_device_get(site.store, rows, STORE_BY_SPKI, first.spki, &two, &err), R_NOTFOUND);
    assert_int_equal(kit_audited("device.register-again"), 1);
    kit_device_free(&own);
    kit_device_free(&first);
    kit_device_free(&second);
}

static void the_word_of_a_pki_approves_what_waited_and_nobodys_word_never(void **state UNUSED)
{
    struct kit_device d;
    struct store_device r;
    kit_device_of_ca(&d, "pc", ca, ca_key);
    register_by(&d, BY_NOBODY, "pc", &r);
    register_by(&d, BY_NOBODY, "pc", &r);
    assert_int_equal(r.state, STORE_PENDING);
    register_by(&d, BY_PKI, "pc", &r);
    assert_int_equal(r.state, STORE_APPROVED);
    assert_string_equal(r.reason, "");
    register_by(&d, BY_NOBODY, "pc", &r);
    assert_int_equal(r.state, STORE_APPROVED); /* once let in, it stays */
    kit_device_free(&d);
}

/* The administrator who approves it has seen the first name. */
static void one_that_goes_on_waiting_stays_what_the_administrator_has_seen(void **state UNUSED)
{
    struct kit_device d;
    struct store_device r;
    kit_device_new(&d);
    register_by(&d, BY_NOBODY, "first", &r);
    register_by(&d, BY_NOBODY, "second", &r);
    assert_string_equal(r.name, "first");
    kit_device_free(&d);
}

/* --- bulk tokens --- */

static void a_use_is_counted_once_a_key(void **state UNUSED)
{
    struct kit_device d, other;
    struct registration g;
    struct store_token t;
    kit_device_new(&d);
    kit_device_new(&other);
    for (int i = 0; i < 2; i++) {
        begin(&g, &d, BY_BULK, "pc");
        by_bulk(&g, "one", clock_wall_s(), 1);
        record(&g);
        assert_int_equal(g.first_use, i == 0);
        done(&g);
    }
    ok(store_token_get(site.store, rows, "one", &t, &err));
    assert_int_equal(t.used, 1);
    begin(&g, &other, BY_BULK, "pc2");
    by_bulk(&g, "one", clock_wall_s(), 1);
    assert_int_equal(mp_registration_record(&g, &err), R_LIMIT);
    assert_false(g.crowded);
    kit_device_free(&d);
    kit_device_free(&other);
}

static void new_devices_of_a_bulk_token_join_its_collection(void **state UNUSED)
{
    static const char *const names[] = {"lab", "gone"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct kit_device d;
        struct registration g;
        const char **listed;
        size_t count = 0;
        kit_device_new(&d);
        if (i == 0)
            ok(store_collection_put(site.store, "lab", "", &err));
        ok(store_collection_put(site.store, "later", "", &err));
        begin(&g, &d, BY_BULK, names[i]);
        by_bulk(&g, "b", clock_wall_s(), 2);
        g.collection = names[i];
        record(&g); /* one that was removed since is not in the way */
        done(&g);
        begin(&g, &d, BY_BULK, names[i]); /* known by now, it joins no other */
        by_bulk(&g, "another", clock_wall_s(), 2);
        g.collection = "later";
        record(&g);
        ok(store_collection_listed(site.store, rows, "later", &listed, &count, &err));
        assert_int_equal(count, 0);
        ok(store_collection_listed(site.store, rows, "lab", &listed, &count, &err));
        assert_int_equal(count, 1);
        done(&g);
        kit_device_free(&d);
    }
}

/* --- room --- */

static void of_one_name_eight_wait_and_the_ninth_is_turned_away(void **state UNUSED)
{
    struct registration g;
    for (int i = 0; i < 9; i++) {
        struct kit_device d;
        kit_device_new(&d);
        begin(&g, &d, BY_NOBODY, "same");
        enum result r = mp_registration_record(&g, &err);
        assert_int_equal(r, i < 8 ? OK : R_LIMIT);
        kit_device_free(&d);
    }
    assert_true(g.crowded);
    assert_non_null(strstr(err.text, "of this name"));
}

static void from_one_address_sixty_four_wait_that_nobody_vouches_for(void **state UNUSED)
{
    struct registration g;
    struct kit_device d;
    kit_device_new(&d); /* the same certificate, of keys that differ */
    for (int i = 0; i < 65; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "pc%d", i);
        begin(&g, &d, BY_NOBODY, name);
        (void)snprintf(g.spki, sizeof g.spki, "%064d", i);
        (void)snprintf(g.proven, sizeof g.proven, "%064d", i);
        (void)snprintf(g.sha256, sizeof g.sha256, "%063dc", i);
        enum result r = mp_registration_record(&g, &err);
        if (r != (i < 64 ? OK : R_LIMIT))
            fail_msg("number %d: %s", i, err.text);
    }
    assert_non_null(strstr(err.text, "from the address that this one comes from"));
    (void)snprintf(peer.group, sizeof peer.group, "10.0.0.2"); /* others are not in their way */
    begin(&g, &d, BY_NOBODY, "elsewhere");
    record(&g);
    kit_device_free(&d);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_voucher_has_its_method_and_state),
        TEST(an_entra_tenant_vouches_for_the_device_and_its_name),
        TEST(the_name_counts_as_far_as_somebody_stands_for_it),
        TEST(a_weaker_word_about_the_name_does_not_displace_a_stronger_one),
        TEST(manual_approval_makes_everybody_wait_with_that_reason),
        TEST(a_device_token_is_for_those_alone_whom_nothing_vouches_for_each_time),
        TEST(who_is_called_like_another_waits_with_that_ones_name_in_the_reason),
        TEST(who_shares_what_was_shut_out_is_kept_out),
        TEST(a_blocked_device_does_not_register),
        TEST(a_new_key_of_a_blocked_machine_does_not_register_either),
        TEST(the_same_key_keeps_its_guid_and_its_new_name),
        TEST(a_certificate_that_was_renewed_with_another_key_moves_the_record),
        TEST(the_word_of_a_pki_approves_what_waited_and_nobodys_word_never),
        TEST(one_that_goes_on_waiting_stays_what_the_administrator_has_seen),
        TEST(a_use_is_counted_once_a_key),
        TEST(new_devices_of_a_bulk_token_join_its_collection),
        TEST(of_one_name_eight_wait_and_the_ninth_is_turned_away),
        TEST(from_one_address_sixty_four_wait_that_nobody_vouches_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
