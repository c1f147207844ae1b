/* SPDX-License-Identifier: Apache-2.0 */
/* Every refusal of a configuration with its line and its words, and how the list of them is kept and printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sample.h"

static void a_number_must_be_one_and_within_its_bounds(void **state)
{
    (void)state;
    SAMPLE_REFUSED("mode: https\nworkers: 0\n", "2: workers: 0 is not between 1 and 64");
    SAMPLE_REFUSED("mode: https\nworkers: 65\n", "2: workers: 65 is not between 1 and 64");
    SAMPLE_REFUSED("mode: https\nworkers: -1\n", "2: workers: '-1' is not a whole number");
    SAMPLE_REFUSED("mode: https\nworkers: 1.5\n", "2: workers: '1.5' is not a whole number");
    SAMPLE_REFUSED("mode: https\nworkers:\n", "2: workers: '' is not a whole number");
    static const char *const good[] = {"mode: https\nworkers: 1\n", "mode: https\nworkers: 64\n"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct sample s = sample_taken(good[i]);
        assert_int_equal(s.workers, i ? 64 : 1);
        conf_free(&sample_schema, &s);
    }
}

static void a_bound_that_is_not_there_is_not_told(void **state)
{
    (void)state;
    SAMPLE_REFUSED("mode: https\nlines: 9\n", "2: lines: 9 is less than 10");
    struct sample s = sample_taken("mode: https\nlines: 18446744073709551615\n");
    assert_true(s.lines == UINT64_MAX);
    conf_free(&sample_schema, &s);
    s = sample_taken("mode: https\nlines: 10\n");
    assert_int_equal(s.lines, 10);
    conf_free(&sample_schema, &s);
}

static void a_value_that_is_no_size_duration_or_switch_says_how_one_looks(void **state)
{
    (void)state;
    SAMPLE_REFUSED(
        "mode: https\nbody: 1MB\nwait: 5 weeks\non: 1\n", "2: body: '1MB' is not a size such as 64KiB, 30MiB or 1GiB",
        "3: wait: '5 weeks' is not a duration such as 30s, 5m, 24h or 90d", "4: on: '1' is neither true nor false");
}

static void a_refused_value_leaves_the_one_that_was_there(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f;
    assert_int_equal(sample_load(SLICE("mode: http\nworkers: 100\nbody: much\non: maybe\n"), &s, &f), R_INVALID);
    assert_false(f.unread);
    assert_null(s.mode);
    assert_int_equal(s.workers, 0); /* the key was there: its fallback does not stand for it */
    assert_int_equal(s.wait, 86400);
    assert_false(s.on);
    conf_free(&sample_schema, &s);
}

static void a_value_of_another_form_says_which_one_is_wanted(void **state)
{
    (void)state;
    SAMPLE_REFUSED("mode: [https]\n", "1: mode: must be a word, not a list");
    SAMPLE_REFUSED("mode: {a: b}\n", "1: mode: must be a word, not a block of keys");
    SAMPLE_REFUSED("mode: https\nworkers: [1]\n", "2: workers: must be a whole number, not a list");
    SAMPLE_REFUSED("mode: https\nlisten: a\n", "2: listen: must be a list of texts");
    SAMPLE_REFUSED("mode: https\nlisten: {a: b}\n", "2: listen: must be a list of texts, not a block of keys");
    SAMPLE_REFUSED("mode: https\nroots: /a\n", "2: roots: must be a list of paths");
    SAMPLE_REFUSED("mode: https\npairs: x\n", "2: pairs: must be a list of blocks");
    SAMPLE_REFUSED("mode: https\npairs: {a: b}\n", "2: pairs: must be a list of blocks, not a block of keys");
    SAMPLE_REFUSED("mode: https\none: x\n", "2: one: must be a block of keys");
    SAMPLE_REFUSED("mode: https\none: [x]\n", "2: one: must be a block of keys, not a list");
}

static void an_item_of_a_list_is_told_by_its_own_line(void **state)
{
    (void)state;
    SAMPLE_REFUSED("mode: https\nmethods:\n  - pki\n  - magic\n  - token\n",
                   "4: methods: 'magic' is none of pki|entra|token");
    SAMPLE_REFUSED("mode: https\nlisten:\n  - a\n  - [b]\n", "4: listen: its items must be texts");
    SAMPLE_REFUSED("mode: https\npairs:\n  - certificate: a\n  - key: k\n",
                   "4: pair: key 'certificate' is missing: PEM");
    SAMPLE_REFUSED("mode: https\npairs:\n  - certificate: a\n  - text\n", "4: pair: must be a block of keys");
    SAMPLE_REFUSED("mode: https\none:\n  certificate: a\n  keys: b\n", "4: pair: unknown key 'keys'; see --reference");
}

static void what_is_good_of_a_list_stays_beside_what_is_not(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f;
    assert_int_equal(sample_load(SLICE("mode: https\nmethods: [pki, magic, token]\n"), &s, &f), R_INVALID);
    assert_int_equal(s.methods.count, 2);
    assert_string_equal(s.methods.items[1], "token");
    conf_free(&sample_schema, &s);
    assert_null(s.methods.items);
    assert_int_equal(s.methods.count, 0);
}

static void keys_that_are_missing_unknown_or_there_twice_are_told(void **state)
{
    (void)state;
    SAMPLE_REFUSED("on: yes\n", "1: sample.yaml: key 'mode' is missing: mode");
    SAMPLE_REFUSED("mode: https\nMode: ehttp\n", "2: unknown key 'Mode'");
    SAMPLE_REFUSED("mode: https\nmod: ehttp\n", "2: unknown key 'mod'");
    SAMPLE_REFUSED("mode: https\nmodes: ehttp\n", "2: unknown key 'modes'");
    SAMPLE_REFUSED("mode: https\non: yes\nmode: ehttp\n", "3: key 'mode' stands here twice, remove one");
    SAMPLE_REFUSED("mode: https\n? [a]\n: b\n", "2: unknown key '?'");
}

static void a_choice_is_a_whole_word(void **state)
{
    (void)state;
    static const char *const none[] = {"http", "httpss", "HTTPS", "https|ehttp", "''", "'|'", "ttps"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "mode: %s\n", none[i]);
        SAMPLE_REFUSED(text, "1: is none of https|ehttp");
    }
}

/* As a C string it would end there: another path or word than the file says. */
static void a_nul_in_a_value_is_refused(void **state)
{
    (void)state;
    SAMPLE_REFUSED("mode: https\none: {certificate: \"/a\\0b\"}\n", "2: certificate: holds a NUL character");
    SAMPLE_REFUSED("mode: https\none: {certificate: a, key: \"\\0\"}\n", "2: key: holds a NUL character");
    SAMPLE_REFUSED("mode: https\nlisten: [\"a\\0b\", c]\n", "2: listen: holds a NUL character");
    SAMPLE_REFUSED("mode: https\nroots: [\"/a\\0b\"]\n", "2: roots: holds a NUL character");
}

/* It would name the configuration's own folder. */
static void a_path_that_is_empty_is_refused(void **state)
{
    (void)state;
    SAMPLE_REFUSED("mode: https\none:\n  certificate:\n", "3: certificate: the path is empty");
    SAMPLE_REFUSED("mode: https\none:\n  certificate: ''\n", "3: certificate: the path is empty");
    SAMPLE_REFUSED("mode: https\nroots: [a, '']\n", "2: roots: the path is empty");
}

/* Two files in one, or a line that was pasted: what stands behind the first document would be passed over. */
static void a_second_document_is_refused_and_not_passed_over(void **state)
{
    (void)state;
    SAMPLE_REFUSED("mode: https\n---\nmode: ehttp\n", "3: another document begins here");
    SAMPLE_REFUSED("mode: https\n...\n---\n- a\n", "4: another document begins here");
    SAMPLE_REFUSED("mode: https\n---\na: [\n", "4: not YAML");
    struct sample s = sample_taken("---\nmode: https\n...\n# the end\n");
    assert_string_equal(s.mode, "https");
    conf_free(&sample_schema, &s);
}

static void what_is_no_yaml_or_no_block_is_unread(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "# nothing\n", "a: [", "- 1\n", "text", "mode: https\n\tworkers: 1\n"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sample s;
        struct conf_faults f;
        assert_int_equal(sample_load(slice_of(bad[i]), &s, &f), R_INVALID);
        assert_true(f.unread);
        assert_int_equal(f.count, 1);
        conf_free(&sample_schema, &s);
    }
    SAMPLE_REFUSED("", "0: the file is empty; sample.yaml wants keys");
    SAMPLE_REFUSED("mode: https\nworkers: [1\n", "3: not YAML: ");
    SAMPLE_REFUSED("- 1\n", "1: sample.yaml: must be a block of keys");
}

static void a_list_may_have_1024_items_and_no_more(void **state)
{
    (void)state;
    enum { MOST = 1024 };
    char text[3 * MOST + 64] = "mode: https\nlisten: [a";
    size_t len = strlen(text);
    for (size_t i = 1; i < MOST; i++, len += 2)
        memcpy(text + len, ",a", 2);
    memcpy(text + len, "]\n", 3);
    struct sample s = sample_taken(text);
    assert_int_equal(s.listen.count, MOST);
    conf_free(&sample_schema, &s);
    memcpy(text + len, ",a]\n", 5);
    SAMPLE_REFUSED(text, "2: listen: more than 1024 items");
}

static void a_file_that_is_not_there_is_told_without_its_path_twice(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f = {0};
    assert_int_equal(conf_load("/nonexistent/x.yaml", &sample_schema, &s, &f), R_INVALID);
    assert_true(f.unread);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.list[0].line, 0);
    assert_null(strstr(f.list[0].text, "x.yaml"));
    assert_non_null(strstr(f.list[0].text, "o such file"));
}

static void a_list_of_faults_is_full_at_its_maximum(void **state)
{
    (void)state;
    static struct conf_faults f;
    for (int i = 0; i < CONF_FAULTS_MAX + 5; i++)
        conf_fault_add(&f, (size_t)i, "fault %d", i);
    for (int i = 0; i < CONF_WARNINGS_MAX + 5; i++)
        conf_warning_of(&f, NULL, "warning %d", i);
    assert_int_equal(f.count, CONF_FAULTS_MAX);
    assert_int_equal(f.warning_count, CONF_WARNINGS_MAX);
    assert_string_equal(f.list[CONF_FAULTS_MAX - 1].text, "fault 63");
    assert_string_equal(f.warnings[CONF_WARNINGS_MAX - 1].text, "warning 31");
}

static void what_was_loaded_is_told_by_its_line(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f;
    assert_int_equal(sample_load(SLICE("mode: https\nworkers: 3\nlisten:\n  - a\n  - b\npairs:\n  - key: k\n"
                                       "    certificate: c\n  - certificate: d\n"),
                                 &s, &f),
                     OK);
    struct pair *pairs = s.pairs.items;
    const void *const values[] = {&s.mode,   &s.workers,    &s.listen.items[0], &s.listen.items[1],
                                  &pairs[0], &pairs[0].key, &pairs[1],          &s.wait};
    static const size_t lines[] = {1, 2, 4, 5, 8, 7, 9, 0}; /* a block's is that of its first member */
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        conf_fault_of(&f, values[i], "value %zu", i);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        assert_int_equal(f.list[i].line, lines[i]);
    conf_warning_of(&f, &s.workers, "few");
    assert_int_equal(f.warnings[0].line, 2);
    conf_free(&sample_schema, &s);
}

static char *printed(const struct conf_faults *f)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    conf_faults_print(f, "x.yaml", out);
    (void)fclose(out);
    return text;
}

static void faults_are_printed_before_warnings_with_file_and_line(void **state)
{
    (void)state;
    static struct conf_faults f;
    char *text = printed(&f);
    assert_string_equal(text, "");
    free(text);
    conf_warning_of(&f, NULL, "hardly meant");
    conf_fault_add(&f, 7, "wrong");
    conf_fault_add(&f, 0, "all of it");
    text = printed(&f);
    assert_string_equal(text, "x.yaml:7: wrong\nx.yaml: all of it\nx.yaml: warning: hardly meant\n");
    free(text);
}

static void the_reference_names_each_key_with_its_kind_and_what_stands_for_it(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    conf_reference(&sample_schema, out);
    (void)fclose(out);
    assert_true(slice_starts(slice_of(text), SLICE("sample.yaml:\n  mode: https|ehttp\n    mode (required)\n")));
    assert_non_null(strstr(text, "  workers: a whole number\n     (default: 2)\n"));
    assert_non_null(
        strstr(text, "  pairs: a list of blocks\n    \n      certificate: a path\n        PEM (required)\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_must_be_one_and_within_its_bounds),
        cmocka_unit_test(a_bound_that_is_not_there_is_not_told),
        cmocka_unit_test(a_value_that_is_no_size_duration_or_switch_says_how_one_looks),
        cmocka_unit_test(a_refused_value_leaves_the_one_that_was_there),
        cmocka_unit_test(a_value_of_another_form_says_which_one_is_wanted),
        cmocka_unit_test(an_item_of_a_list_is_told_by_its_own_line),
        cmocka_unit_test(what_is_good_of_a_list_stays_beside_what_is_not),
        cmocka_unit_test(keys_that_are_missing_unknown_or_there_twice_are_told),
        cmocka_unit_test(a_choice_is_a_whole_word),
        cmocka_unit_test(a_nul_in_a_value_is_refused),
        cmocka_unit_test(a_path_that_is_empty_is_refused),
        cmocka_unit_test(a_second_document_is_refused_and_not_passed_over),
        cmocka_unit_test(what_is_no_yaml_or_no_block_is_unread),
        cmocka_unit_test(a_list_may_have_1024_items_and_no_more),
        cmocka_unit_test(a_file_that_is_not_there_is_told_without_its_path_twice),
        cmocka_unit_test(a_list_of_faults_is_full_at_its_maximum),
        cmocka_unit_test(what_was_loaded_is_told_by_its_line),
        cmocka_unit_test(faults_are_printed_before_warnings_with_file_and_line),
        cmocka_unit_test(the_reference_names_each_key_with_its_kind_and_what_stands_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
