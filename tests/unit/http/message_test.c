/* SPDX-License-Identifier: Apache-2.0 */
/* Field lists, character classes, reason phrases, and whole answers from memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/call.h"
#include "http/exchange.h"
#include "http/names.h"

static void fields_keep_their_order_and_repeated_names(void **state)
{
    (void)state;
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct http_fields f = {0};
    assert_int_equal(http_fields_add(&f, a, SLICE("a"), SLICE("1")), OK);
    assert_int_equal(http_fields_add(&f, a, SLICE("b"), SLICE("")), OK);
    assert_int_equal(http_fields_add(&f, a, SLICE("a"), SLICE("2")), OK);
    assert_true(slice_eq(http_fields_get(&f, SLICE("a")), SLICE("1")));
    assert_non_null(http_fields_get(&f, SLICE("b")).ptr);
    assert_null(http_fields_get(&f, SLICE("c")).ptr);
    assert_int_equal(http_fields_count(&f, SLICE("a")), 2);
    assert_true(slice_eq(http_fields_take(&f, SLICE("a")), SLICE("1"))); /* both are gone */
    assert_null(http_fields_take(&f, SLICE("a")).ptr);
    assert_int_equal(http_fields_add(&f, a, SLICE("a"), SLICE("1")), OK);
    assert_int_equal(http_fields_add(&f, a, SLICE("a"), SLICE("2")), OK);
    assert_int_equal(http_fields_remove(&f, SLICE("a")), 2);
    assert_int_equal(http_fields_remove(&f, SLICE("a")), 0);
    assert_int_equal(f.count, 1);
    assert_true(slice_eq(f.list[0].name, SLICE("b")));
    arena_free(a);
}

static void a_list_takes_its_maximum_and_not_one_more(void **state)
{
    (void)state;
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct http_fields f = {0};
    for (int i = 0; i < HTTP_FIELDS_MAX; i++)
        assert_int_equal(http_fields_add(&f, a, SLICE("a"), SLICE("1")), OK);
    assert_int_equal(http_fields_add(&f, a, SLICE("a"), SLICE("1")), R_LIMIT);
    assert_int_equal(f.count, HTTP_FIELDS_MAX);
    arena_free(a);
    a = arena_new(16);
    f = (struct http_fields){0};
    assert_int_equal(http_fields_add(&f, a, SLICE("a"), SLICE("1")), R_LIMIT);
    arena_free(a);
}

/* Of each length and first letter there is a name that only looks like a row's. */
static void a_table_knows_its_names_and_no_others(void **state)
{
    (void)state;
    static const struct {
        struct slice name;
        int what;
    } rows[] = {{{"te", 2}, 7}, {{"expect", 6}, 8}, {{":path", 5}, 9}};
    static _Thread_local struct http_names names = HTTP_NAMES(rows);
    char text[16] = "";
    for (int asked = 0; asked < 2; asked++) { /* who asks first makes it ready */
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(http_names_find(&names, rows[i].name), i);
        for (int c = 0; c < 256; c++) {
            text[0] = (char)c;
            for (size_t len = 0; len < sizeof text; len++)
                assert_int_equal(http_names_find(&names, slice_make(text, len)), 3);
        }
    }
    assert_int_equal(http_names_find(&names, SLICE("TE")), 3);
    assert_int_equal(http_names_find(&names, SLICE("expects")), 3);
    assert_int_equal(http_names_find(&names, SLICE("export")), 3);
}

static void tokens_and_values_are_those_of_rfc_9110(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool token = alnum || (c && strchr("!#$%&'*+-.^_`|~", c));
        assert_int_equal(http_is_token(slice_make(&byte, 1)), token);
        assert_int_equal(http_is_field_value(slice_make(&byte, 1)), c == '\t' || (c >= ' ' && c != 0x7f));
    }
    assert_false(http_is_token(SLICE("")));
    assert_true(http_is_field_value(SLICE("")));
    assert_false(http_is_token(SLICE("a b")));
    assert_false(http_is_field_value(SLICE("a\r\nb")));
}

/* Long values are looked at in blocks, the rest by bytes: the place of a byte makes no difference. */
static void a_byte_is_refused_wherever_it_stands_in_a_value(void **state)
{
    (void)state;
    char text[70];
    for (int c = 0; c < 256; c++) {
        for (size_t at = 0; at < sizeof text; at++) {
            memset(text, c % 2 ? 'a' : 0xff, sizeof text);
            text[at] = (char)c;
            bool fine = c == '\t' || (c >= ' ' && c != 0x7f);
            assert_int_equal(http_is_field_value(slice_make(text, sizeof text)), fine);
        }
    }
}

static void reasons_methods_and_failures_have_their_words(void **state)
{
    (void)state;
    assert_string_equal(http_reason(404), "Not Found");
    assert_string_equal(http_reason(299), "");
    assert_true(http_method_safe(SLICE("PROPFIND")));
    assert_false(http_method_safe(SLICE("get")));
    assert_false(http_method_safe(SLICE("CCM_POST")));
    assert_string_equal(http_failure_name(HTTP_FAIL_REFUSED), "refused");
    for (int kind = 0; kind <= HTTP_FAIL_LIMIT; kind++)
        assert_string_not_equal(http_failure_name((enum http_failure_kind)kind), "unknown");
}

/* --- a server that notes what it was told --- */

struct noted {
    int status;
    int64_t length;
    struct http_fields fields;
    bool end, finished;
    struct slice written;
};

static struct noted noted;

static void note_respond(struct http_exchange *x, const struct http_response *head, bool end)
{
    (void)x;
    noted.status = head->status;
    noted.length = head->content_length;
    noted.fields = head->fields;
    noted.end = end;
}

static void note_write(struct http_exchange *x, struct slice data)
{
    (void)x;
    noted.written = data;
}

static void note_finish(struct http_exchange *x, const struct http_fields *trailers)
{
    (void)x;
    assert_null(trailers);
    noted.finished = true;
}

static const struct http_exchange_ops notes = {.respond = note_respond, .write = note_write, .finish = note_finish};

static void a_reply_is_head_body_and_end(void **state)
{
    (void)state;
    struct http_exchange x = {.ops = &notes, .arena = arena_new(HTTP_ARENA_MAX), .request.method = SLICE("GET")};
    struct http_field more = {SLICE("retry-after"), SLICE("5")};
    noted = (struct noted){0};
    http_exchange_reply(&x, 503, "text/plain", SLICE("later"), &(struct http_fields){&more, 1, 1});
    assert_int_equal(noted.status, 503);
    assert_int_equal(noted.length, 5);
    assert_int_equal(noted.fields.count, 2);
    assert_true(slice_eq(http_fields_get(&noted.fields, SLICE("retry-after")), SLICE("5")));
    assert_true(slice_eq(noted.written, SLICE("later")));
    assert_true(noted.finished && !noted.end);
    arena_free(x.arena);
}

static void a_reply_to_head_or_without_body_ends_with_its_head(void **state)
{
    (void)state;
    struct http_exchange x = {.ops = &notes, .arena = arena_new(HTTP_ARENA_MAX), .request.method = SLICE("HEAD")};
    noted = (struct noted){0};
    http_exchange_reply(&x, 200, "text/plain", SLICE("hello"), NULL);
    assert_true(noted.end && !noted.finished && !noted.written.ptr);
    assert_int_equal(noted.length, 5);
    x.request.method = SLICE("GET");
    noted = (struct noted){0};
    http_exchange_reply(&x, 404, NULL, SLICE(""), NULL);
    assert_true(noted.end && !noted.finished && noted.fields.count == 0);
    arena_free(x.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_keep_their_order_and_repeated_names),
        cmocka_unit_test(a_list_takes_its_maximum_and_not_one_more),
        cmocka_unit_test(a_table_knows_its_names_and_no_others),
        cmocka_unit_test(tokens_and_values_are_those_of_rfc_9110),
        cmocka_unit_test(a_byte_is_refused_wherever_it_stands_in_a_value),
        cmocka_unit_test(reasons_methods_and_failures_have_their_words),
        cmocka_unit_test(a_reply_is_head_body_and_end),
        cmocka_unit_test(a_reply_to_head_or_without_body_ends_with_its_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
