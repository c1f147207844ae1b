/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: their three formats, and that no peer can forge, break or lengthen one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/host/log.h"

static char *line(enum log_format format, const char *message, const struct log_field *fields, size_t count)
{
    struct buf b;
    buf_init(&b, 16384);
    log_format_line(&b, format, LOG_WARN, "gateway", message, fields, count, 1795406706123);
    return buf_take_str(&b);
}

static void the_three_formats_are_as_promised(void **state)
{
    (void)state;
    const struct log_field fields[] = {LOG_T("role", "a \"b\""), LOG_N("bytes", -5)};
    char *text = line(LOG_TEXT, "hello", fields, 2);
    assert_string_equal(text, "2026-11-23T04:05:06Z warn  gateway: hello role=\"a \\\"b\\\"\" bytes=-5\n");
    free(text);
    text = line(LOG_JSON, "hel\\lo", fields, 2);
    assert_string_equal(text,
                        "{\"time\":\"2026-11-23T04:05:06Z\",\"level\":\"warn\",\"component\":\"gateway\",\"message\":"
                        "\"hel\\\\lo\",\"role\":\"a \\\"b\\\"\",\"bytes\":-5}\n");
    free(text);
    text = line(LOG_CMTRACE, "hello", fields, 2);
    const char *start = "<![LOG[hello role=a \"b\" bytes=-5]LOG]!><time=\"04:05:06.123+000\" date=\"11-23-2026\" "
                        "component=\"gateway\" context=\"\" type=\"2\" thread=\"";
    assert_memory_equal(text, start, strlen(start));
    free(text);
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        n++;
    return n;
}

static void no_value_forges_a_line(void **state)
{
    static const char *const evil[] = {"a\nb",
                                       "a\r\nb",
                                       "\x1b[31m",
                                       "\x7f",
                                       "\xc2\x9b"
                                       "31m",
                                       "\x9b"
                                       "31m",
                                       "\xff\xfe",
                                       "x]LOG]!><time=\"00:00:00.000+000\" date=\"1-1-2026\" component=\"mp\""};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
        for (int f = LOG_TEXT; f <= LOG_CMTRACE; f++) {
            const struct log_field field = LOG_T("value", evil[i]);
            char *text = line((enum log_format)f, evil[i], &field, 1);
            for (const char *c = text; c[1]; c++)
                assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
            assert_int_equal(text[strlen(text) - 1], '\n');
            if (f == LOG_CMTRACE)
                assert_int_equal(count_of(text, "]LOG]!>"), 1);
            free(text);
        }
    }
}

static void no_value_of_a_text_line_passes_for_a_further_field(void **state)
{
    static const char *const evil[] = {"x reason=ok", "x\" reason=ok", "\\\" reason=ok", "=ok"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(evil); i++) {
        const struct log_field field = LOG_T("value", evil[i]);
        char *text = line(LOG_TEXT, "m", &field, 1);
        const char *value = strstr(text, " value=\"");
        assert_non_null(value);
        const char *c = value + strlen(" value=\"");
        while (*c != '"')
            c += *c == '\\' ? 2 : 1;
        assert_string_equal(c, "\"\n"); /* the closing quote is the line's last character */
        free(text);
    }
}

static void readable_text_of_any_language_stays_readable(void **state)
{
    (void)state;
    static const char words[] = "Gr\xc3\xbc\xc3\x9f"
                                "e \xe2\x82\xac \xf0\x9f\x98\x80 \xe6\x97\xa5";
    for (int f = LOG_TEXT; f <= LOG_CMTRACE; f++) {
        char *text = line((enum log_format)f, words, NULL, 0);
        assert_non_null(strstr(text, words));
        free(text);
    }
    /* overlong, a surrogate, above the last plane, cut at the end */
    static const char *const bad[] = {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char *text = line(LOG_JSON, bad[i], NULL, 0);
        assert_non_null(strstr(text, "\\u00"));
        assert_null(strstr(text, bad[i]));
        free(text);
    }
}

static void a_line_that_is_too_long_is_cut_and_stays_whole(void **state)
{
    (void)state;
    static char long_value[40000];
    memset(long_value, '\n', sizeof long_value - 1);
    const struct log_field fields[] = {LOG_T("first", long_value), LOG_T("second", long_value), LOG_N("last", 7)};
    char *text = line(LOG_JSON, "m", fields, 3);
    assert_true(strlen(text) <= 16384);
    assert_non_null(strstr(text, "\",\"second\":\""));
    assert_string_equal(text + strlen(text) - strlen("\",\"last\":7}\n"), "\",\"last\":7}\n");
    free(text);
    text = line(LOG_TEXT, long_value, NULL, 0);
    assert_int_equal(text[strlen(text) - 1], '\n');
    free(text);
}

static void names_of_levels_and_formats_are_known(void **state)
{
    (void)state;
    enum log_level level;
    enum log_format format;
    assert_true(log_level_parse(SLICE("error"), &level));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_parse(SLICE("ERROR"), &level));
    assert_true(log_format_parse(SLICE("cmtrace"), &format));
    assert_int_equal(format, LOG_CMTRACE);
    assert_false(log_format_parse(SLICE(""), &format));
}

enum { THREADS = 4, LINES = 2000 };

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_msg(LOG_INFO, "test", "thread %d line %d", *(int *)arg, i);
    return NULL;
}

static void lines_of_many_threads_stay_whole_while_the_file_changes(void **state)
{
    (void)state;
    char dir[] = "/tmp/log-test-XXXXXX", *text;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    size_t len, lines = 0;
    assert_non_null(mkdtemp(dir));
    char *path[] = {file_join(dir, "one"), file_join(dir, "two")};
    assert_int_equal(log_to_file(path[0], NULL), OK);
    assert_int_not_equal(log_to_file("/nonexistent/log", NULL), OK);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < 200; i++)
        assert_int_equal(log_to_file(path[i % 2], NULL), OK);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    log_msg(LOG_DEBUG, "test", "below the threshold");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(file_read(path[i], 10000000, &text, &len, NULL), OK);
        struct slice rest = slice_make(text, len);
        while (rest.len) {
            struct slice one = slice_cut(&rest, '\n');
            assert_true(slice_find_slice(one, SLICE("Z info  test: thread ")) == 19);
            lines++;
        }
        free(text);
        (void)unlink(path[i]);
        free(path[i]);
    }
    assert_int_equal(lines, THREADS * LINES);
    (void)rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_three_formats_are_as_promised),
        cmocka_unit_test(no_value_forges_a_line),
        cmocka_unit_test(no_value_of_a_text_line_passes_for_a_further_field),
        cmocka_unit_test(readable_text_of_any_language_stays_readable),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_stays_whole),
        cmocka_unit_test(names_of_levels_and_formats_are_known),
        cmocka_unit_test(lines_of_many_threads_stay_whole_while_the_file_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
