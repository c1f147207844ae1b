/* SPDX-License-Identifier: Apache-2.0 */
/* base/text/relative.h and base/text/progress.h: what is told of files that are fetched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/attr.h"
#include "base/text/progress.h"
#include "base/text/relative.h"

static void a_path_below_a_folder_leads_nowhere_else(void **state)
{
    static const char *const good[] = {"a", "a/b.txt", "...", "..a/b..", "é/ü", ".hidden", "a b"};
    static const char *const bad[] = {"",    "/",   "/a",     "a/",   "a//b", ".",     "..",    "a/..",        "../a",
                                      "./a", "a/.", "a/../b", "a\\b", "a\nb", "a\x7f", "a\xff", "\xe2\x80\xae"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(relative_path_valid(slice_of(good[i])));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(relative_path_valid(slice_of(bad[i])));
    assert_false(relative_path_valid(slice_make("a\0b", 3)));
    assert_true(relative_path_valid(SLICE("1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6")));
    assert_false(relative_path_valid(SLICE("1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7")));
}

static void progress_tells_rate_and_time_left_of_what_was_done_since_it_began(void **state)
{
    static const struct {
        struct progress p;
        const char *text;
    } cases[] = {
        {{0, 100, 0, 0}, "  0 %  0 of 100 B"},
        {{84 << 20, 200 << 20, 64 << 20, 10000}, " 42 %  84.0 of 200.0 MiB  2.0 MiB/s  58 s left"},
        {{1 << 20, 200 << 20, 0, 10000}, "  0 %  1.0 of 200.0 MiB  102.4 KiB/s  33 min 10 s left"},
        {{10, 10, 0, 1000}, "100 %  10 of 10 B  10.0 B/s  "},
        {{0, 0, 0, 5}, "100 %  0 of 0 B"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[PROGRESS_SIZE];
        progress_text(&cases[i].p, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_below_a_folder_leads_nowhere_else),
        cmocka_unit_test(progress_tells_rate_and_time_left_of_what_was_done_since_it_began),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
