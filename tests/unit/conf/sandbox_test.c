/* SPDX-License-Identifier: Apache-2.0 */
/* Each path of what was loaded is named to the sandbox with the use that its row says, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/sandbox.h"
#include "sample.h"

static char named[1024];

void __wrap_sandbox_allow(struct sandbox *s, enum sandbox_use use, const char *path);
void __wrap_sandbox_allow(struct sandbox *s UNUSED, enum sandbox_use use, const char *path)
{
    size_t at = strlen(named);
    (void)snprintf(named + at, sizeof named - at, "%d %s\n", (int)use, path ? path : "none");
}

static void every_path_is_named_with_its_use_wherever_it_stands(void **state)
{
    (void)state;
    struct sample s = sample_taken("mode: https\nlisten: [/not-a-path]\nroots: [/r1, /r2]\npairs:\n"
                                   "  - {certificate: /c1, key: /text}\n  - {certificate: /c2}\n"
                                   "one: {certificate: /c3}\n");
    named[0] = '\0';
    conf_sandbox_paths(&sample_schema, &s, NULL);
    assert_string_equal(named, "2 /r1\n2 /r2\n0 /c1\n0 /c2\n0 /c3\n");
    conf_free(&sample_schema, &s);
}

static void what_is_not_configured_names_no_file(void **state)
{
    (void)state;
    struct sample s = sample_taken("mode: https\n");
    named[0] = '\0';
    conf_sandbox_paths(&sample_schema, &s, NULL);
    assert_string_equal(named, "0 none\n");
    conf_free(&sample_schema, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_is_named_with_its_use_wherever_it_stands),
        cmocka_unit_test(what_is_not_configured_names_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
