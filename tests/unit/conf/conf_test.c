/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what is read, and that every fault is told at once, with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/host/file.h"
#include "conf/conf.h"
#include "conf/units.h"

struct pair {
    char *certificate, *key;
};
static const struct conf_key pair_keys[] = {
    {.name = "certificate",
     .kind = CONF_PATH,
     .offset = offsetof(struct pair, certificate),
     .required = true,
     .help = "PEM"},
    {.name = "key", .kind = CONF_TEXT, .offset = offsetof(struct pair, key), .help = "PEM"},
    {0},
};
static const struct conf_schema pair_schema = {"pair", sizeof(struct pair), pair_keys};

struct sample {
    char *mode;
    uint64_t workers, body, wait;
    bool on;
    struct conf_texts listen;
    struct conf_blocks pairs;
    struct pair one;
};
static const struct conf_key keys[] = {
    {.name = "mode",
     .kind = CONF_CHOICE,
     .offset = offsetof(struct sample, mode),
     .choices = "https|ehttp",
     .required = true,
     .help = "mode"},
    {.name = "workers",
     .kind = CONF_NUMBER,
     .offset = offsetof(struct sample, workers),
     .min = 1,
     .max = 64,
     .fallback = "2"},
    {.name = "body", .kind = CONF_SIZE, .offset = offsetof(struct sample, body), .fallback = "30MiB"},
    {.name = "wait", .kind = CONF_DURATION, .offset = offsetof(struct sample, wait), .fallback = "24h"},
    {.name = "on", .kind = CONF_BOOL, .offset = offsetof(struct sample, on)},
    {.name = "listen", .kind = CONF_TEXTS, .offset = offsetof(struct sample, listen)},
    {.name = "pairs", .kind = CONF_BLOCKS, .offset = offsetof(struct sample, pairs), .block = &pair_schema},
    {.name = "one", .kind = CONF_BLOCK, .offset = offsetof(struct sample, one), .block = &pair_schema},
    {0},
};
static const struct conf_schema schema = {"sample.yaml", sizeof(struct sample), keys};

static enum result load(const char *text, struct sample *s, struct conf_faults *f)
{
    char path[] = "/tmp/conf_test_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(file_write(path, slice_of(text), 0600, NULL), OK);
    *f = (struct conf_faults){0};
    enum result r = conf_load(path, &schema, s, f);
    (void)unlink(path);
    return r;
}

static void values_and_defaults_are_read(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f;
    assert_int_equal(load("mode: ehttp\nbody: 1GiB\non: yes\nlisten: [\"a\", \"b\"]\npairs:\n  - certificate: c.pem\n"
                          "    key: k\n  - {certificate: /abs.pem}\n",
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
    conf_free(&schema, &s);
}

static void every_fault_is_told_at_once_with_its_line(void **state)
{
    (void)state;
    struct sample s;
    struct conf_faults f;
    assert_int_equal(
        load("mode: http\nworkers: 100\nbody: much\ncolour: red\non: perhaps\nworkers: 3\none: {key: k}\n", &s, &f),
        R_INVALID);
    assert_int_equal(f.count, 7);
    assert_int_equal(f.list[0].line, 1);
    assert_non_null(strstr(f.list[0].text, "'http' is none of https|ehttp"));
    assert_int_equal(f.list[1].line, 2);
    assert_non_null(strstr(f.list[3].text, "unknown key 'colour'"));
    assert_non_null(strstr(f.list[5].text, "twice"));
    assert_non_null(strstr(f.list[6].text, "'certificate' is missing"));
    conf_free(&schema, &s);
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
        assert_int_equal(load(bad[i], &s, &f), R_INVALID);
        assert_true(f.count >= 1);
        conf_free(&schema, &s);
    }
    struct sample s;
    struct conf_faults f = {0};
    assert_int_equal(conf_load("/nonexistent/x.yaml", &schema, &s, &f), R_INVALID);
}

static void units_are_exact(void **state)
{
    (void)state;
    uint64_t n;
    assert_true(conf_parse_size(SLICE("64KiB"), &n) && n == 65536);
    assert_true(conf_parse_size(SLICE("512"), &n) && n == 512);
    assert_false(conf_parse_size(SLICE("-1"), &n));
    assert_false(conf_parse_size(SLICE("99999999999GiB"), &n));
    assert_true(conf_parse_duration(SLICE("90d"), &n) && n == 90 * 86400);
    assert_false(conf_parse_duration(SLICE("5 weeks"), &n));
    assert_false(conf_parse_duration(SLICE(""), &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_defaults_are_read),
        cmocka_unit_test(every_fault_is_told_at_once_with_its_line),
        cmocka_unit_test(what_is_not_yaml_or_not_there_is_a_fault),
        cmocka_unit_test(units_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
