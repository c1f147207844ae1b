/* SPDX-License-Identifier: Apache-2.0 */
/* Where a join string is taken from, and what is left of it there. */
#include "kit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "join/text.h"

static enum result take(struct kit *k, const char *argument, const char *file, char **ret)
{
    size_t len = 0;
    *ret = NULL;
    enum result r = join_text_take(&k->report, argument, file, ret, &len, &k->err);
    if (r == OK)
        assert_int_equal(len, strlen(*ret));
    return r;
}

static void an_argument_is_taken_and_nothing_of_it_stays(void **state)
{
    struct kit *k = *state;
    char argument[] = "cmgc1.secret", *text;
    assert_int_equal(take(k, argument, NULL, &text), OK);
    assert_string_equal(text, "cmgc1.secret");
    for (size_t i = 0; i < sizeof argument; i++)
        assert_int_equal(argument[i], '\0');
    free(text);
}

static void a_file_is_named_by_an_option_or_behind_an_at_sign(void **state)
{
    struct kit *k = *state;
    char *path = kit_put(k, "string", "cmgc1.of-a-file", 0600), at[128], *text;
    assert_int_equal(take(k, NULL, path, &text), OK);
    assert_string_equal(text, "cmgc1.of-a-file");
    free(text);
    (void)snprintf(at, sizeof at, "@%s", path);
    assert_int_equal(take(k, at, NULL, &text), OK);
    assert_string_equal(text, "cmgc1.of-a-file");
    assert_int_equal(*at, '@'); /* a name is no secret */
    free(text);
    free(path);
}

/* The file is standard input, until `was` is again. */
static int give_input(struct kit *k, const char *text)
{
    char *path = kit_put(k, "input", text, 0600);
    int was = dup(STDIN_FILENO), in = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(dup2(in, STDIN_FILENO), STDIN_FILENO);
    (void)close(in);
    free(path);
    return was;
}

static void take_input_back(int was)
{
    (void)dup2(was, STDIN_FILENO);
    (void)close(was);
}

static void a_hyphen_is_standard_input_wherever_it_stands(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *argument, *file;
    } cases[] = {{"-", NULL}, {"@-", NULL}, {NULL, "-"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *text;
        int was = give_input(k, "cmgg1.piped\n");
        assert_int_equal(take(k, cases[i].argument, cases[i].file, &text), OK);
        take_input_back(was);
        assert_string_equal(text, "cmgg1.piped\n");
        free(text);
    }
}

static void it_is_given_once(void **state)
{
    struct kit *k = *state;
    char *text;
    assert_int_equal(take(k, NULL, NULL, &text), R_INVALID);
    assert_non_null(strstr(k->err.text, "cmg-test join STRING"));
    assert_int_equal(take(k, "cmgc1.x", "/file", &text), R_INVALID);
    assert_non_null(strstr(k->err.text, "once"));
    assert_null(strstr(k->err.text, "cmgc1.x"));
}

static void a_file_that_is_not_there_or_too_large_is_told(void **state)
{
    struct kit *k = *state;
    char *text, *large = mem_zalloc(JOIN_TEXT_MAX + 2);
    assert_int_equal(take(k, "@/nowhere/string", NULL, &text), R_NOTFOUND);
    assert_non_null(strstr(k->err.text, "/nowhere/string"));
    memset(large, 'a', JOIN_TEXT_MAX);
    char *path = kit_put(k, "large", large, 0600);
    assert_int_equal(take(k, NULL, path, &text), OK);
    free(text);
    free(path);
    large[JOIN_TEXT_MAX] = 'a';
    path = kit_put(k, "large", large, 0600);
    assert_int_equal(take(k, NULL, path, &text), R_LIMIT);
    free(path);
    free(large);
}

/* --- read --- */

static char *device_string(int64_t expires)
{
    char pin[65] = {0};
    memset(pin, 'a', 64);
    json_t *content =
        json_pack("{s:s, s:s, s:s, s:I}", "site", "LAB", "pin", pin, "token", "t", "expires", (json_int_t)expires);
    char *text = join_string_make(JOIN_DEVICE, content);
    json_decref(content);
    return text;
}

enum { NOW = 1000 };

static enum result read_as(struct kit *k, const char *argument, const char *file, enum join_kind kind)
{
    struct join_string s;
    enum result r = join_text_read(&k->report, argument, file, kind, NOW, &s, &k->err);
    if (r == OK) {
        assert_string_equal(s.site, "LAB");
        join_string_done(&s);
    }
    return r;
}

static void who_could_have_seen_a_string_in_the_arguments_is_told(void **state)
{
    struct kit *k = *state;
    char *text = device_string(NOW + 1);
    assert_int_equal(read_as(k, text, NULL, JOIN_DEVICE), OK);
    assert_non_null(strstr(kit_did(k), "others on this machine can see"));
    assert_non_null(strstr(kit_did(k), "cmg-test join -"));
    assert_string_equal(text, "");
    free(text);
}

static void nobody_sees_a_string_of_a_file_or_of_standard_input(void **state)
{
    struct kit *k = *state;
    char *text = device_string(NOW + 1), *path = kit_put(k, "string", text, 0600), at[128];
    (void)snprintf(at, sizeof at, "@%s", path);
    assert_int_equal(read_as(k, NULL, path, JOIN_DEVICE), OK);
    assert_int_equal(read_as(k, at, NULL, JOIN_DEVICE), OK);
    int was = give_input(k, text);
    assert_int_equal(read_as(k, "-", NULL, JOIN_DEVICE), OK);
    take_input_back(was);
    assert_string_equal(kit_did(k), "");
    free(path);
    free(text);
}

static void a_string_that_is_none_here_is_told_and_wiped_all_the_same(void **state)
{
    struct kit *k = *state;
    char *other = device_string(NOW + 1), *late = device_string(NOW);
    assert_int_equal(read_as(k, other, NULL, JOIN_CONNECTOR), R_INVALID);
    assert_non_null(strstr(k->err.text, "cmg-client join"));
    assert_int_equal(read_as(k, late, NULL, JOIN_DEVICE), R_TIMEOUT);
    assert_string_equal(other, "");
    assert_string_equal(late, "");
    assert_string_equal(kit_did(k), ""); /* what failed is told as such */
    free(other);
    free(late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_argument_is_taken_and_nothing_of_it_stays),
        TEST(a_file_is_named_by_an_option_or_behind_an_at_sign),
        TEST(a_hyphen_is_standard_input_wherever_it_stands),
        TEST(it_is_given_once),
        TEST(a_file_that_is_not_there_or_too_large_is_told),
        TEST(who_could_have_seen_a_string_in_the_arguments_is_told),
        TEST(nobody_sees_a_string_of_a_file_or_of_standard_input),
        TEST(a_string_that_is_none_here_is_told_and_wiped_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
