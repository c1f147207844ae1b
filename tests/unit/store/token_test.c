/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk tokens and device tokens: what ends when, what is counted, and pages that miss nothing. */
#include "clocked.h"

#include "store/device/device.h"
#include "store/device/nonce.h"
#include "store/device/token.h"

#define A "6f1c0000-0000-4000-8000-00000000000a"
#define B "6f1c0000-0000-4000-8000-00000000000b"
enum { LEEWAY_S = 60, KEPT_S = 30 * DAY };

static void add(struct fixture *f, const char *id, int64_t issued, int64_t expires, int64_t uses)
{
    const struct store_token t = {.id = id, .issued = issued, .expires = expires, .uses = uses};
    ok(f, store_token_add(f->store, &t, &f->err));
}

static enum result use(struct fixture *f, const char *id, const char *key, int64_t now)
{
    return store_token_use(f->store, id, key, now, &f->err);
}

/* --- bulk tokens --- */

static void a_token_is_kept_with_what_limits_it(void **state)
{
    struct fixture *f = *state;
    struct store_token got, t = {.id = "t",
                                 .issued = 5,
                                 .expires = 9,
                                 .uses = 3,
                                 .used = 7, /* which is counted here alone */
                                 .blocked = true,
                                 .networks = "10.0.0.0/8",
                                 .names = "pc-*",
                                 .collection = "lab"};
    ok(f, store_token_add(f->store, &t, &f->err));
    ok(f, store_token_get(f->store, f->arena, "t", &got, &f->err));
    assert_int_equal(got.issued, 5);
    assert_int_equal(got.expires, 9);
    assert_int_equal(got.uses, 3);
    assert_int_equal(got.used, 0);
    assert_false(got.blocked);
    assert_string_equal(got.networks, "10.0.0.0/8");
    assert_string_equal(got.names, "pc-*");
    assert_string_equal(got.collection, "lab");
    add(f, "u", 0, 0, 1);
    ok(f, store_token_get(f->store, f->arena, "u", &got, &f->err));
    assert_string_equal(got.networks, "");
    assert_string_equal(got.names, "");
    assert_string_equal(got.collection, "");
    assert_int_equal(store_token_get(f->store, f->arena, "v", &got, &f->err), R_NOTFOUND);
}

static void an_id_is_given_once(void **state)
{
    struct fixture *f = *state;
    add(f, "t", 0, NOW, 1);
    assert_int_equal(store_token_add(f->store, &(struct store_token){.id = "t", .uses = 9}, &f->err), R_CONFLICT);
}

static void its_state_is_what_stands_in_its_way_first(void **state)
{
    (void)state;
    const struct store_token t = {.expires = 100, .uses = 2, .used = 1}, used = {.expires = 100, .uses = 2, .used = 2},
                             more = {.expires = 100, .uses = 1, .used = 2},
                             blocked = {.expires = 100, .uses = 2, .used = 2, .blocked = true};
    assert_string_equal(store_token_state(&t, 100), "valid");
    assert_string_equal(store_token_state(&t, 101), "expired");
    assert_string_equal(store_token_state(&used, 100), "used");
    assert_string_equal(store_token_state(&more, 100), "used");
    assert_string_equal(store_token_state(&used, 101), "expired");
    assert_string_equal(store_token_state(&blocked, 101), "blocked");
}

static void a_clock_that_goes_slow_is_borne_for_a_minute(void **state)
{
    struct fixture *f = *state;
    add(f, "t", 0, NOW, 9);
    ok(f, use(f, "t", "k1", NOW + LEEWAY_S));
    assert_int_equal(use(f, "t", "k2", NOW + LEEWAY_S + 1), R_TIMEOUT);
    assert_int_equal(use(f, "t", "k1", NOW + LEEWAY_S + 1), R_TIMEOUT); /* also of who used it */
}

static void each_use_is_counted_to_the_last_and_no_further(void **state)
{
    struct fixture *f = *state;
    struct store_token t;
    bool by;
    add(f, "t", 0, NOW, 2);
    ok(f, use(f, "t", "k1", NOW));
    ok(f, use(f, "t", "k2", NOW));
    assert_int_equal(use(f, "t", "k3", NOW), R_LIMIT);
    ok(f, use(f, "t", "k2", NOW)); /* who has it already */
    ok(f, store_token_get(f->store, f->arena, "t", &t, &f->err));
    assert_int_equal(t.used, 2);
    ok(f, store_token_used_by(f->store, "t", "k2", &by, &f->err));
    assert_true(by);
    ok(f, store_token_used_by(f->store, "t", "k3", &by, &f->err)); /* a refused use is none */
    assert_false(by);
    ok(f, store_token_used_by(f->store, "u", "k2", &by, &f->err));
    assert_false(by);
}

static void why_it_is_refused_is_told_in_the_order_of_what_helps(void **state)
{
    struct fixture *f = *state;
    add(f, "b", 0, NOW, 9);
    ok(f, store_token_block(f->store, "b", true, &f->err));
    assert_int_equal(use(f, "b", "k", NOW), R_DENIED);
    add(f, "t", 0, NOW, 0);
    assert_int_equal(use(f, "t", "k", NOW), R_LIMIT);
    assert_int_equal(use(f, "t", "k", NOW + DAY), R_TIMEOUT);
    ok(f, store_token_block(f->store, "t", true, &f->err));
    assert_int_equal(use(f, "t", "k", NOW + DAY), R_DENIED);
    assert_int_equal(use(f, "nobody's", "k", NOW), R_NOTFOUND);
    assert_int_equal(store_token_block(f->store, "nobody's", true, &f->err), R_NOTFOUND);
}

static void gateways_are_told_of_a_blocked_one_as_long_as_it_could_be_used(void **state)
{
    struct fixture *f = *state;
    struct store_token *list;
    size_t n;
    add(f, "b", 0, NOW, 1);
    add(f, "a", 0, NOW, 1);
    add(f, "open", 0, NOW, 1);
    ok(f, store_token_block(f->store, "a", true, &f->err));
    ok(f, store_token_block(f->store, "b", true, &f->err));
    ok(f, store_token_blocked_list(f->store, f->arena, NOW + LEEWAY_S, &list, &n, &f->err));
    assert_int_equal(n, 2);
    assert_string_equal(list[0].id, "a");
    ok(f, store_token_blocked_list(f->store, f->arena, NOW + LEEWAY_S + 1, &list, &n, &f->err));
    assert_int_equal(n, 0);
}

static void pages_hold_each_token_once_the_newest_first(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *id;
        int64_t issued;
    } tokens[] = {{"e", 30}, {"d", 20}, {"c", 20}, {"b", 20}, {"a", 10}};
    for (size_t i = ARRAY_LEN(tokens); i-- > 0;)
        add(f, tokens[i].id, tokens[i].issued, NOW, 1);
    for (int64_t limit = 1; limit <= 6; limit++) {
        struct store_token *page, last, *after = NULL;
        size_t n, seen = 0;
        do {
            ok(f, store_token_page(f->store, f->arena, after, limit, &page, &n, &f->err));
            assert_true(n <= (size_t)limit);
            for (size_t i = 0; i < n; i++)
                assert_string_equal(page[i].id, tokens[seen++].id);
            if (n)
                last = page[n - 1];
            after = &last;
        } while (n);
        assert_int_equal(seen, ARRAY_LEN(tokens));
    }
}

static void a_first_page_drops_those_that_ended_a_month_ago(void **state)
{
    struct fixture *f = *state;
    struct store_token *page, got;
    size_t n;
    add(f, "gone", 1, NOW - KEPT_S - 1, 1);
    add(f, "kept", 2, NOW - KEPT_S, 1);
    ok(f, store_token_get(f->store, f->arena, "kept", &got, &f->err));
    ok(f, store_token_page(f->store, f->arena, &got, 9, &page, &n, &f->err)); /* not on the way */
    assert_int_equal(n, 1);
    ok(f, store_token_page(f->store, f->arena, NULL, 9, &page, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(page[0].id, "kept");
}

/* --- device tokens --- */

static void add_device(struct fixture *f, const char *guid, const char *spki)
{
    const struct store_device d = {.guid = guid,
                                   .name = "pc",
                                   .hardware_id = "",
                                   .method = "token",
                                   .state = STORE_APPROVED,
                                   .spki = spki,
                                   .registered = NOW};
    ok(f, store_device_add(f->store, &d, &f->err));
}

static enum result check(struct fixture *f, const char *guid, const char *id, int64_t now)
{
    return store_device_token_check(f->store, guid, id, now, &f->err);
}

static void of_many_device_tokens_the_newest_count(void **state)
{
    struct fixture *f = *state;
    char id[8];
    add_device(f, A, "k1");
    add_device(f, B, "k2");
    ok(f, store_device_token_add(f->store, B, "other", 0, NOW, &f->err));
    for (int i = 0; i <= STORE_TOKENS_A_DEVICE; i++) {
        (void)snprintf(id, sizeof id, "t%d", i);
        ok(f, store_device_token_add(f->store, A, id, NOW + i, NOW + DAY, &f->err));
    }
    assert_int_equal(check(f, A, "t0", NOW), R_DENIED);
    ok(f, check(f, A, "t1", NOW));
    ok(f, check(f, A, id, NOW));
    ok(f, check(f, B, "other", NOW)); /* each device has as many */
}

/* Whose clock was put back must not lose the token that it is just given. */
static void the_one_just_issued_counts_whatever_its_time(void **state)
{
    struct fixture *f = *state;
    char id[8];
    add_device(f, A, "k1");
    for (int i = 0; i < STORE_TOKENS_A_DEVICE; i++) {
        (void)snprintf(id, sizeof id, "t%d", i);
        ok(f, store_device_token_add(f->store, A, id, NOW + i, NOW + DAY, &f->err));
    }
    ok(f, store_device_token_add(f->store, A, "late", NOW - DAY, NOW, &f->err));
    ok(f, check(f, A, "late", NOW));
}

static void a_day_of_renewals_is_a_day_of_the_device_alone(void **state)
{
    struct fixture *f = *state;
    add_device(f, A, "k1");
    add_device(f, B, "k2");
    ok(f, store_device_token_add(f->store, A, "a", NOW, NOW + DAY, &f->err));
    ok(f, store_device_token_add(f->store, B, "b", NOW, NOW + DAY, &f->err));
    for (int i = 0; i < STORE_RENEWALS_A_DAY; i++)
        ok(f, store_device_token_renew(f->store, A, "a", NOW, &f->err));
    assert_int_equal(store_device_token_renew(f->store, A, "a", NOW + DAY - 1, &f->err), R_LIMIT);
    ok(f, store_device_token_renew(f->store, B, "b", NOW, &f->err));
    ok(f, store_device_token_renew(f->store, A, "a", NOW + DAY, &f->err));
}

static void who_renews_ends_no_token_of_another(void **state)
{
    struct fixture *f = *state;
    add_device(f, A, "k1");
    add_device(f, B, "k2");
    ok(f, store_device_token_add(f->store, A, "a", NOW, NOW + DAY, &f->err));
    ok(f, store_device_token_renew(f->store, B, "a", NOW, &f->err));
    ok(f, check(f, A, "a", NOW + 10 * DAY));
    ok(f, store_device_remove(f->store, A, true, &f->err));
    assert_int_equal(check(f, A, "a", NOW), R_DENIED); /* it went with its device */
}

/* --- nonces --- */

static void a_nonce_is_a_keys_and_has_a_maximum(void **state)
{
    struct fixture *f = *state;
    char nonce[200];
    memset(nonce, 'n', sizeof nonce);
    nonce[192 - strlen("key:") - 1] = '\0';
    ok(f, store_nonce_use(f->store, "key", nonce, NOW, &f->err));
    nonce[192 - strlen("key:") - 1] = 'n';
    nonce[192 - strlen("key:")] = '\0';
    assert_int_equal(store_nonce_use(f->store, "key", nonce, NOW, &f->err), R_INVALID);
    ok(f, store_nonce_use(f->store, "a", "n", NOW, &f->err));
    ok(f, store_nonce_use(f->store, "b", "n", NOW, &f->err));
    assert_int_equal(store_nonce_use(f->store, "a", "n", NOW - 100, &f->err), R_CONFLICT); /* a clock put back */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_kept_with_what_limits_it),
        TEST(an_id_is_given_once),
        cmocka_unit_test(its_state_is_what_stands_in_its_way_first),
        TEST(a_clock_that_goes_slow_is_borne_for_a_minute),
        TEST(each_use_is_counted_to_the_last_and_no_further),
        TEST(why_it_is_refused_is_told_in_the_order_of_what_helps),
        TEST(gateways_are_told_of_a_blocked_one_as_long_as_it_could_be_used),
        TEST(pages_hold_each_token_once_the_newest_first),
        TEST(a_first_page_drops_those_that_ended_a_month_ago),
        TEST(of_many_device_tokens_the_newest_count),
        TEST(the_one_just_issued_counts_whatever_its_time),
        TEST(a_day_of_renewals_is_a_day_of_the_device_alone),
        TEST(who_renews_ends_no_token_of_another),
        TEST(a_nonce_is_a_keys_and_has_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
