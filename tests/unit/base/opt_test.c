/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/host/opt.h"

struct settings {
    bool verbose;
    const char *file, *mode;
    uint64_t port;
    struct opt_list names;
};

static const struct opt opts[] = {
    {.name = "verbose", .kind = OPT_FLAG, .offset = offsetof(struct settings, verbose), .help = "Says more."},
    {.name = "file",
     .kind = OPT_TEXT,
     .offset = offsetof(struct settings, file),
     .value = "FILE",
     .help = "Reads it.",
     .required = true},
    {.name = "mode",
     .kind = OPT_CHOICE,
     .offset = offsetof(struct settings, mode),
     .choices = "https|ehttp",
     .help = "How."},
    {.name = "port",
     .kind = OPT_NUMBER,
     .offset = offsetof(struct settings, port),
     .min = 1,
     .max = 65535,
     .help = "Where."},
    {.name = "name", .kind = OPT_LIST, .offset = offsetof(struct settings, names), .value = "NAME", .help = "Who."},
    {0},
};
static const struct opt_command command = {
    .usage = "test [options] ARG", .summary = "Tests.", .opts = opts, .min_args = 1, .max_args = 2};

static struct settings got;
static const char **args;
static size_t arg_count;
static struct error err;

static enum result parse(const char *const *words, int count)
{
    static char *argv[300];
    for (int i = 0; i < count; i++)
        argv[i] = (char *)(uintptr_t)words[i];
    got = (struct settings){0};
    return opt_parse(&command, count, argv, &got, &args, &arg_count, &err);
}
#define PARSE(...)                                                                                                     \
    parse((const char *const[]){__VA_ARGS__}, (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

static void options_and_arguments_may_be_mixed(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE("one", "--verbose", "--file", "f", "--port=8080", "two", "--name", "a", "--name=b", "--mode", "ehttp"),
        OK);
    assert_true(got.verbose);
    assert_string_equal(got.file, "f");
    assert_int_equal(got.port, 8080);
    assert_string_equal(got.mode, "ehttp");
    assert_int_equal(got.names.count, 2);
    assert_string_equal(got.names.items[1], "b");
    assert_int_equal(arg_count, 2);
    assert_string_equal(args[0], "one");
    assert_string_equal(args[1], "two");
    assert_int_equal(PARSE("--file=", "--", "--verbose"), OK); /* behind -- stand arguments alone */
    assert_string_equal(got.file, "");
    assert_false(got.verbose);
    assert_string_equal(args[0], "--verbose");
    assert_int_equal(PARSE("--file", "--verbose", "x"), OK); /* a value may look like an option */
    assert_string_equal(got.file, "--verbose");
}

#define REFUSED(word, ...)                                                                                             \
    do {                                                                                                               \
        assert_int_equal(PARSE(__VA_ARGS__), R_INVALID);                                                               \
        if (!strstr(err.text, word))                                                                                   \
            fail_msg("'%s' lacks '%s'", err.text, word);                                                               \
    } while (0)

static void wrong_uses_are_refused_with_the_option_named(void **state)
{
    (void)state;
    REFUSED("--file is missing", "x");
    REFUSED("unknown option --what", "--what", "x");
    REFUSED("unknown option --", "--=x", "x");
    REFUSED("--verbose takes no value", "--verbose=1", "x");
    REFUSED("--file wants a value: FILE", "x", "--file");
    REFUSED("none of https|ehttp", "--mode", "http", "x");
    REFUSED("none of https|ehttp", "--mode", "https|ehttp", "x");
    REFUSED("not a whole number", "--port", "80x", "x");
    REFUSED("not between 1 and 65535", "--port", "0", "x");
    REFUSED("not between 1 and 65535", "--port", "65536", "x");
    REFUSED("an argument is missing", "--file", "f");
    REFUSED("too many arguments", "--file", "f", "1", "2", "3");
}

static void a_list_has_an_end(void **state)
{
    (void)state;
    const char *words[257];
    for (size_t i = 0; i < 257; i++)
        words[i] = "--name=x";
    assert_int_equal(parse(words, 257), R_LIMIT);
}

static void help_names_every_option(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    opt_help(&command, out);
    (void)fclose(out);
    for (const struct opt *o = opts; o->name; o++) {
        assert_non_null(strstr(text, o->name));
        assert_non_null(strstr(text, o->help));
    }
    assert_non_null(strstr(text, "(required)"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_arguments_may_be_mixed),
        cmocka_unit_test(wrong_uses_are_refused_with_the_option_named),
        cmocka_unit_test(a_list_has_an_end),
        cmocka_unit_test(help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
