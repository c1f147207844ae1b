/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what is read, and that every fault is told at once, with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sample.h"

static void values_and_defaults_are_read(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f;
    assert_int_equal(
        sample_load(SLICE("mode: ehttp\nbody: 1GiB\non: yes\nlisten: [\"a\", \"b\"]\npairs:\n  - certificate: c.pem\n"
                          "    key: k\n  - {certificate: /abs.pem}\n"),
                    &s, &f),
        OK);
    assert_string_equal(s.mode, "ehttp");
    assert_int_equal(s.workers, 2);
    assert_int_equal(s.body, 1024L * 1024 * 1024);
    assert_int_equal(s.wait, 86400);
    assert_true(s.on);
    assert_int_equal(s.listen.count, 2);
    assert_string_equal(s.listen.items[1], "b");
    struct pair *pairs = s.pairs.items;
    assert_int_equal(s.pairs.count, 2);
    assert_string_equal(pairs[0].certificate, "/tmp/c.pem");
    assert_string_equal(pairs[1].certificate, "/abs.pem");
    assert_null(s.one.certificate); /* an absent block asks for nothing */
    conf_free(&sample_schema, &s);
}

static void every_fault_is_told_at_once_with_its_line(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f;
    assert_int_equal(
        sample_load(
            SLICE("mode: http\nworkers: 100\nbody: much\ncolour: red\non: perhaps\nworkers: 3\none: {key: k}\n"), &s,
            &f),
        R_INVALID);
    assert_int_equal(f.count, 7);
    assert_int_equal(f.list[0].line, 1);
    assert_non_null(strstr(f.list[0].text, "'http' is none of https|ehttp"));
    assert_int_equal(f.list[1].line, 2);
    assert_non_null(strstr(f.list[3].text, "unknown key 'colour'"));
    assert_non_null(strstr(f.list[5].text, "twice"));
    assert_non_null(strstr(f.list[6].text, "'certificate' is missing"));
    conf_free(&sample_schema, &s);
}

static void what_is_not_yaml_or_not_there_is_a_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "a: [",
                                      "- 1\n- 2\n",
                                      "just text",
                                      "mode: {a: b}",
                                      "pairs: {a: b}\nmode: https",
                                      "listen: [[a]]\nmode: https",
                                      "mode: [https]",
                                      "? [a]\n: b\nmode: https",
                                      "\t",
                                      "&a [*a]"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct sample s;
        struct conf_faults f;
        assert_int_equal(sample_load(slice_of(bad[i]), &s, &f), R_INVALID);
        assert_true(f.count >= 1);
        conf_free(&sample_schema, &s);
    }
    struct sample s;
    struct conf_faults f = {0};
    assert_int_equal(conf_load("/nonexistent/x.yaml", &sample_schema, &s, &f), R_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_defaults_are_read),
        cmocka_unit_test(every_fault_is_told_at_once_with_its_line),
        cmocka_unit_test(what_is_not_yaml_or_not_there_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
