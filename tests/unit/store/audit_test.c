/* SPDX-License-Identifier: Apache-2.0 */
/* The audit: what has a row of its own, what is gathered into one, what a search finds and pages over; and questions to
 * gateways, which are forgotten. */
#include "clocked.h"

#include "store/site/audit.h"
#include "store/site/question.h"
#include "store/site/role.h"

static void add(struct fixture *f, const char *action, const char *object)
{
    ok(f, store_audit_add(f->store, &(struct store_audit){.caller = "uid:0", .action = action, .object = object},
                          &f->err));
}

static void add_many(struct fixture *f, int n, const char *action)
{
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err)); /* one commit, which is quicker */
    for (int i = 0; i < n; i++)
        add(f, action, "o");
    ok(f, store_end(f->store, OK, &f->err));
}

static struct store_audit *search(struct fixture *f, struct store_audit_search what, size_t *ret_count,
                                  int64_t *ret_next)
{
    struct store_audit *list;
    what.limit = what.limit ? what.limit : 1000;
    ok(f, store_audit_list(f->store, f->arena, &what, &list, ret_count, ret_next, &f->err));
    return list;
}
#define SEARCH(f, n, ...) search(f, (struct store_audit_search){__VA_ARGS__}, n, NULL)

static size_t found(struct fixture *f, struct store_audit_search what)
{
    size_t n;
    (void)search(f, what, &n, NULL);
    return n;
}
#define FOUND(f, ...) found(f, (struct store_audit_search){__VA_ARGS__})

/* --- rows --- */

static void a_row_tells_who_did_what_when(void **state)
{
    struct fixture *f = *state;
    size_t n;
    const struct store_audit row = {.caller = "uid:7", .action = "a.b", .object = "o", .detail = "d"};
    ok(f, store_audit_add(f->store, &row, &f->err));
    struct store_audit *list = SEARCH(f, &n, 0);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].id, 1);
    assert_int_equal(list[0].at, NOW);
    assert_string_equal(list[0].caller, "uid:7");
    assert_string_equal(list[0].action, "a.b");
    assert_string_equal(list[0].object, "o");
    assert_string_equal(list[0].detail, "d");
}

static void a_change_that_failed_leaves_no_row(void **state)
{
    struct fixture *f = *state;
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    add(f, "a", "o");
    assert_int_equal(store_end(f->store, R_INVALID, &f->err), R_INVALID);
    assert_int_equal(FOUND(f, 0), 0);
    add(f, "a", "o");
    size_t n;
    assert_int_equal(SEARCH(f, &n, 0)[0].id, 1); /* nor a gap */
}

/* --- searches --- */

static void an_action_is_found_by_its_name_or_the_words_before_a_dot(void **state)
{
    struct fixture *f = *state;
    static const char *const actions[] = {"device", "device.block", "devices", "device_x", "a.device", "Device"};
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        add(f, actions[i], "o");
    assert_int_equal(FOUND(f, .action = "device"), 2);
    assert_int_equal(FOUND(f, .action = "device.block"), 1);
    assert_int_equal(FOUND(f, .action = "device."), 0);
    assert_int_equal(FOUND(f, .action = "%"), 0); /* no pattern */
    assert_int_equal(FOUND(f, .action = ""), ARRAY_LEN(actions));
}

static void an_object_is_found_by_all_of_its_name(void **state)
{
    struct fixture *f = *state;
    add(f, "a", "gw1");
    add(f, "a", "gw10");
    add(f, "b", "gw1");
    assert_int_equal(FOUND(f, .object = "gw1"), 2);
    assert_int_equal(FOUND(f, .object = "gw1", .action = "b"), 1);
    assert_int_equal(FOUND(f, .object = "gw"), 0);
}

static void what_is_older_is_left_out(void **state)
{
    struct fixture *f = *state;
    add(f, "a", "o");
    fake_wall_s = NOW + 10;
    add(f, "b", "o");
    assert_int_equal(FOUND(f, .since = NOW), 2);
    assert_int_equal(FOUND(f, .since = NOW + 1), 1);
    assert_int_equal(FOUND(f, .since = NOW + 11), 0);
}

static void pages_go_on_below_the_last_row(void **state)
{
    struct fixture *f = *state;
    add_many(f, 5, "a");
    size_t n, seen = 0;
    int64_t next = 0, expected = 5;
    do {
        struct store_audit *list = search(f, (struct store_audit_search){.before = next, .limit = 2}, &n, &next);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(list[i].id, expected--);
        seen += n;
    } while (next);
    assert_int_equal(seen, 5);
}

/* --- a long audit is looked at in parts --- */

static void behind_what_was_looked_at_a_search_goes_on(void **state)
{
    struct fixture *f = *state;
    size_t n;
    int64_t next;
    add(f, "rare", "o");
    add_many(f, STORE_AUDIT_LOOKED_AT, "often");
    (void)search(f, (struct store_audit_search){.action = "rare"}, &n, &next);
    assert_int_equal(n, 0);
    assert_int_equal(next, 2); /* the lowest id that was looked at */
    (void)search(f, (struct store_audit_search){.action = "rare", .before = next}, &n, &next);
    assert_int_equal(n, 1);
    assert_int_equal(next, 0);
}

static void where_all_that_was_looked_at_is_older_it_ends(void **state)
{
    struct fixture *f = *state;
    size_t n;
    int64_t next;
    add(f, "rare", "o");
    add_many(f, STORE_AUDIT_LOOKED_AT, "often");
    (void)search(f, (struct store_audit_search){.action = "rare", .since = NOW + 1}, &n, &next);
    assert_int_equal(next, 0);
    (void)search(f, (struct store_audit_search){.action = "rare", .since = NOW}, &n, &next);
    assert_int_equal(next, 2);
}

/* --- gathered --- */

static void register_one(struct fixture *f, const char *guid)
{
    const struct store_audit row = {.caller = "device", .action = "device.register", .object = guid};
    ok(f, store_audit_add_gathered(f->store, &row, &f->err));
}

static void register_many(struct fixture *f, int n)
{
    ok(f, store_begin(f->store, STORE_DURABLE, &f->err));
    for (int i = 0; i < n; i++)
        register_one(f, "guid");
    ok(f, store_end(f->store, OK, &f->err));
}

static void the_first_of_an_hour_have_rows_and_the_rest_one_together(void **state)
{
    struct fixture *f = *state;
    size_t n;
    register_many(f, STORE_AUDIT_GATHERED + 3);
    assert_int_equal(FOUND(f, .action = "device.register"), STORE_AUDIT_GATHERED);
    fake_wall_s = NOW + STORE_AUDIT_GATHER_S - 1;
    ok(f, store_audit_settle(f->store, &f->err));
    assert_int_equal(FOUND(f, .action = "device.register-gathered"), 0);
    fake_wall_s = NOW + STORE_AUDIT_GATHER_S;
    ok(f, store_audit_settle(f->store, &f->err));
    ok(f, store_audit_settle(f->store, &f->err));
    struct store_audit *list = SEARCH(f, &n, .action = "device.register-gathered");
    assert_int_equal(n, 1);
    assert_non_null(strstr(list[0].detail, "3 more since "));
    register_one(f, "guid"); /* another hour's first */
    assert_int_equal(FOUND(f, .action = "device.register"), STORE_AUDIT_GATHERED + 1);
}

static void an_hour_with_as_many_as_have_rows_has_no_row_of_the_rest(void **state)
{
    struct fixture *f = *state;
    register_many(f, STORE_AUDIT_GATHERED);
    fake_wall_s = NOW + STORE_AUDIT_GATHER_S;
    ok(f, store_audit_settle(f->store, &f->err));
    assert_int_equal(FOUND(f, 0), STORE_AUDIT_GATHERED);
}

static void the_next_one_settles_what_nobody_did(void **state)
{
    struct fixture *f = *state;
    register_many(f, STORE_AUDIT_GATHERED + 1);
    fake_wall_s = NOW - 10; /* the clock was put back: it is settled, too */
    register_one(f, "guid");
    assert_int_equal(FOUND(f, .action = "device.register-gathered"), 1);
    assert_int_equal(FOUND(f, .action = "device.register"), STORE_AUDIT_GATHERED + 1);
}

static void one_has_rows_of_its_own_again_after_an_hour(void **state)
{
    struct fixture *f = *state;
    const struct store_audit row = {.caller = "gateway", .action = "a", .object = "gw1"};
    for (int i = 0; i < 2 * STORE_AUDIT_GATHERED; i++)
        ok(f, store_audit_add_of_one(f->store, &row, &f->err));
    assert_int_equal(FOUND(f, .object = "gw1"), 2 * STORE_AUDIT_GATHERED);
    fake_wall_s = NOW + STORE_AUDIT_GATHER_S - 1;
    ok(f, store_audit_add_of_one(f->store, &row, &f->err)); /* counted with the rest */
    assert_int_equal(FOUND(f, .object = "gw1"), 2 * STORE_AUDIT_GATHERED);
    fake_wall_s = NOW + STORE_AUDIT_GATHER_S;
    ok(f, store_audit_add_of_one(f->store, &row, &f->err));
    assert_int_equal(FOUND(f, .object = "gw1"), 2 * STORE_AUDIT_GATHERED + 1);
}

/* --- questions --- */

static int64_t ask(struct fixture *f, const char *gateway, const char *request)
{
    struct store_question q = {.gateway = gateway, .certificates = "", .caller = "uid:0", .request = request};
    ok(f, store_question_add(f->store, &q, fake_wall_s, &f->err));
    assert_int_equal(q.expires, fake_wall_s + STORE_QUESTION_LIVES_S);
    return q.id;
}

static size_t open_to(struct fixture *f, const char *gateway, int64_t after, int64_t now)
{
    struct store_question *list;
    size_t n;
    ok(f, store_question_open(f->store, f->arena, gateway, after, now, &list, &n, &f->err));
    return n;
}

static enum result answer(struct fixture *f, int64_t question, const char *gateway, const char *verdict, int64_t now)
{
    const struct store_answer x = {.gateway = gateway, .verdict = verdict};
    return store_answer_put(f->store, question, &x, now, &f->err);
}

static void add_gateway(struct fixture *f, const char *id)
{
    const struct store_gateway g = {.id = id, .host = "h", .port = 443, .not_after = NOW + DAY};
    ok(f, store_gateway_add(f->store, &g, &f->err));
}

static void a_question_is_open_to_whom_it_is_for_until_it_is_answered_or_ends(void **state)
{
    struct fixture *f = *state;
    add_gateway(f, "gw1");
    add_gateway(f, "gw2");
    int64_t one = ask(f, "gw1", ""), all = ask(f, "", "");
    assert_true(all > one);
    assert_int_equal(open_to(f, "gw1", 0, NOW), 2);
    assert_int_equal(open_to(f, "gw2", 0, NOW), 1);
    assert_int_equal(open_to(f, "gw1", one, NOW), 1);
    assert_int_equal(open_to(f, "gw1", all, NOW), 0);
    ok(f, answer(f, all, "gw1", "{}", NOW));
    assert_int_equal(open_to(f, "gw1", 0, NOW), 1);
    assert_int_equal(open_to(f, "gw2", 0, NOW), 1);
    assert_int_equal(open_to(f, "gw1", 0, NOW + STORE_QUESTION_LIVES_S), 1);
    assert_int_equal(open_to(f, "gw1", 0, NOW + STORE_QUESTION_LIVES_S + 1), 0);
}

static void an_answer_counts_once_in_time_and_of_whom_was_asked(void **state)
{
    struct fixture *f = *state;
    struct store_answer *list;
    size_t n;
    add_gateway(f, "gw1");
    add_gateway(f, "gw2");
    int64_t one = ask(f, "gw1", ""), all = ask(f, "", "");
    assert_int_equal(answer(f, one, "gw2", "{}", NOW), R_NOTFOUND);
    assert_int_equal(answer(f, all, "gw3", "{}", NOW), R_NOTFOUND); /* there is no such gateway */
    assert_int_equal(answer(f, all + 1, "gw1", "{}", NOW), R_NOTFOUND);
    assert_int_equal(answer(f, one, "gw1", "{}", NOW + STORE_QUESTION_LIVES_S + 1), R_NOTFOUND);
    ok(f, answer(f, one, "gw1", "first", NOW + STORE_QUESTION_LIVES_S));
    assert_int_equal(answer(f, one, "gw1", "second", NOW), R_NOTFOUND);
    ok(f, answer(f, all, "connector cp1", "{}", NOW)); /* the site's own word for who it proved to be */
    ok(f, store_answer_list(f->store, f->arena, one, &list, &n, &f->err));
    assert_int_equal(n, 1);
    assert_string_equal(list[0].verdict, "first");
}

static void each_kind_of_question_has_a_room_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct store_question q = {.gateway = "", .certificates = "", .caller = "uid:0", .request = ""};
    for (int i = 0; i < STORE_QUESTIONS_MAX; i++)
        (void)ask(f, "", "");
    assert_int_equal(store_question_add(f->store, &q, NOW, &f->err), R_AGAIN);
    (void)ask(f, "", "r1");
    assert_int_equal(store_question_add(f->store, &q, NOW + STORE_QUESTION_LIVES_S, &f->err), R_AGAIN);
    ok(f, store_question_add(f->store, &q, NOW + STORE_QUESTION_LIVES_S + 1, &f->err));
}

static void a_question_is_forgotten_with_its_answers_when_another_is_asked_later(void **state)
{
    struct fixture *f = *state;
    struct store_question q;
    struct store_answer *list;
    size_t n;
    add_gateway(f, "gw1");
    int64_t one = ask(f, "", "");
    ok(f, answer(f, one, "gw1", "{}", NOW));
    fake_wall_s = NOW + STORE_QUESTION_LIVES_S + STORE_QUESTION_KEEP_S;
    (void)ask(f, "", "");
    ok(f, store_question_get(f->store, f->arena, one, &q, &f->err));
    assert_int_equal(q.asked, NOW);
    fake_wall_s++;
    (void)ask(f, "", "");
    assert_int_equal(store_question_get(f->store, f->arena, one, &q, &f->err), R_NOTFOUND);
    ok(f, store_answer_list(f->store, f->arena, one, &list, &n, &f->err));
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_tells_who_did_what_when),
        TEST(a_change_that_failed_leaves_no_row),
        TEST(an_action_is_found_by_its_name_or_the_words_before_a_dot),
        TEST(an_object_is_found_by_all_of_its_name),
        TEST(what_is_older_is_left_out),
        TEST(pages_go_on_below_the_last_row),
        TEST(behind_what_was_looked_at_a_search_goes_on),
        TEST(where_all_that_was_looked_at_is_older_it_ends),
        TEST(the_first_of_an_hour_have_rows_and_the_rest_one_together),
        TEST(an_hour_with_as_many_as_have_rows_has_no_row_of_the_rest),
        TEST(the_next_one_settles_what_nobody_did),
        TEST(one_has_rows_of_its_own_again_after_an_hour),
        TEST(a_question_is_open_to_whom_it_is_for_until_it_is_answered_or_ends),
        TEST(an_answer_counts_once_in_time_and_of_whom_was_asked),
        TEST(each_kind_of_question_has_a_room_of_its_own),
        TEST(a_question_is_forgotten_with_its_answers_when_another_is_asked_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
