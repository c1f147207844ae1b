/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the hello: what is written is read, and what is not right is refused with a reason. */
#include "tunnel/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/mem.h"

#define GENERATION "0f1e2d3c-4b5a-4697-8877-665544332211"

static void a_hello_is_read_as_it_was_written(void **state)
{
    const struct tunnel_hello said = {"gw-1", GENERATION, 3, 4};
    struct tunnel_greeting heard = {0};
    struct error err;
    (void)state;
    char *text = tunnel_hello_write(&said);
    assert_int_equal(tunnel_hello_read(slice_of(text), &heard, &err), OK);
    assert_string_equal(heard.gateway_id, "gw-1");
    assert_string_equal(heard.generation, GENERATION);
    assert_int_equal(heard.worker, 3);
    assert_int_equal(heard.workers, 4);
    free(text);
}

static void a_hello_that_is_not_right_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"version\":2,\"gateway\":\"g\",\"generation\":\"" GENERATION "\",\"worker\":0,\"workers\":1}",
        "{\"version\":1,\"version\":1,\"gateway\":\"g\",\"generation\":\"" GENERATION "\",\"worker\":0,\"workers\":1}",
        "{\"version\":1,\"gateway\":\"g/\",\"generation\":\"" GENERATION "\",\"worker\":0,\"workers\":1}",
        "{\"version\":1,\"gateway\":\"\",\"generation\":\"" GENERATION "\",\"worker\":0,\"workers\":1}",
        "{\"version\":1,\"gateway\":\"g\",\"generation\":\"soon\",\"worker\":0,\"workers\":1}",
        "{\"version\":1,\"gateway\":\"g\",\"generation\":\"" GENERATION "\",\"worker\":1,\"workers\":1}",
        "{\"version\":1,\"gateway\":\"g\",\"generation\":\"" GENERATION "\",\"worker\":-1,\"workers\":1}",
        "{\"version\":1,\"gateway\":\"g\",\"generation\":\"" GENERATION "\",\"worker\":0,\"workers\":0}",
        "{\"version\":1,\"gateway\":\"g\",\"generation\":\"" GENERATION "\",\"worker\":0,\"workers\":99999999999}",
        "{\"version\":1,\"gateway\":\"g\",\"generation\":\"" GENERATION "\",\"worker\":0}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct tunnel_greeting g;
        struct error err = {0};
        if (tunnel_hello_read(slice_of(bad[i]), &g, &err) == OK || !err.text[0])
            fail_msg("case %zu was taken", i);
    }
}

/* docs/protocol/wire.md 1: a gateway's id is narrower than an endpoint's. */
static void a_hello_names_a_gateway_as_sites_name_them(void **state)
{
    static const struct {
        const char *id;
        enum result wanted;
    } cases[] = {
        {"gw1", OK},
        {"a-gateway-whose-name-is-as-long-as-it-can", R_INVALID}, /* 41 */
        {"a-gateway-whose-name-is-as-long-as-itcan", OK},         /* 40 */
        {"GW1", R_INVALID},
        {"gw_1", R_INVALID},
        {"gw.1", R_INVALID},
        {"gw 1", R_INVALID},
        {"g\xc3\xbc", R_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct tunnel_hello said = {cases[i].id, GENERATION, 0, 1};
        struct tunnel_greeting heard = {0};
        struct error err = {.text = ""};
        char *text = tunnel_hello_write(&said);
        if (tunnel_hello_read(slice_of(text), &heard, &err) != cases[i].wanted)
            fail_msg("'%s': %s", cases[i].id, err.text);
        free(text);
    }
}

static void a_line_announces_a_sorted_set_without_doubles(void **state)
{
    const char *const ids[] = {"b", "a", "b", "no/slash", "", "z.CCM_sts-1"};
    struct tunnel_endpoints ours = {0}, theirs = {0};
    struct error err;
    (void)state;
    assert_int_equal(tunnel_endpoints_set(&ours, ids, ARRAY_LEN(ids), &err), OK);
    assert_int_equal(ours.count, 3);
    char *line = tunnel_line_write("cp1", &ours);
    assert_int_equal(line[strlen(line) - 1], '\n');
    assert_int_equal(tunnel_line_read(slice_of(line), "cp1", &theirs, &err), OK);
    assert_int_equal(theirs.count, 3);
    assert_true(tunnel_endpoints_has(&theirs, SLICE("a")) && tunnel_endpoints_has(&theirs, SLICE("z.CCM_sts-1")));
    assert_false(tunnel_endpoints_has(&theirs, SLICE("c")) || tunnel_endpoints_has(&theirs, SLICE("")));
    assert_false(tunnel_endpoints_has(&theirs, slice_make("a\0b", 3)));
    free(line);
    tunnel_endpoints_free(&ours);
    tunnel_endpoints_free(&theirs);
}

static void the_largest_set_fits_into_a_line(void **state)
{
    const char *ids[TUNNEL_ENDPOINTS_MAX + 1];
    char(*texts)[TUNNEL_ID_MAX + 1] = mem_array(ARRAY_LEN(ids), sizeof *texts);
    struct tunnel_endpoints ours = {0}, theirs = {0};
    struct error err;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        memset(texts[i], 'x', TUNNEL_ID_MAX);
        (void)snprintf(texts[i] + 50, 15, "%014zu", i);
        ids[i] = texts[i];
    }
    assert_int_equal(tunnel_endpoints_set(&ours, ids, TUNNEL_ENDPOINTS_MAX + 1, &err), R_LIMIT);
    assert_int_equal(tunnel_endpoints_set(&ours, ids, TUNNEL_ENDPOINTS_MAX, &err), OK);
    char *line = tunnel_line_write("cp1", &ours);
    assert_int_equal(tunnel_line_read(slice_of(line), "cp1", &theirs, &err), OK);
    assert_int_equal(theirs.count, TUNNEL_ENDPOINTS_MAX);
    free(line);
    free(texts);
    tunnel_endpoints_free(&ours);
    tunnel_endpoints_free(&theirs);
}

static void a_line_that_is_not_right_changes_nothing(void **state)
{
    static const char *const bad[] = {
        "{\"version\":1,\"connector\":\"cp2\",\"endpoints\":[]}",
        "{\"version\":9,\"connector\":\"cp1\",\"endpoints\":[]}",
        "{\"connector\":\"cp1\",\"endpoints\":[]}",
        "{\"version\":1,\"connector\":\"cp1\"}",
        "{\"version\":1,\"connector\":\"cp1\",\"endpoints\":[\"a/b\"]}",
        "{\"version\":1,\"connector\":\"cp1\",\"endpoints\":[\"ok\",7]}",
        "{\"version\":1,\"connector\":\"cp1\",\"endpoints\":[\"\"]}",
        "{\"version\":1,\"connector\":\"cp1\",\"endpoints\":{}}",
        "nonsense",
    };
    const char *const ids[] = {"kept"};
    struct tunnel_endpoints e = {0};
    struct error err;
    (void)state;
    assert_int_equal(tunnel_endpoints_set(&e, ids, 1, &err), OK);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        err.text[0] = 0;
        if (tunnel_line_read(slice_of(bad[i]), "cp1", &e, &err) == OK || !err.text[0])
            fail_msg("case %zu was taken", i);
        assert_true(e.count == 1 && tunnel_endpoints_has(&e, SLICE("kept")));
    }
    tunnel_endpoints_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_is_read_as_it_was_written),
        cmocka_unit_test(a_hello_that_is_not_right_is_refused),
        cmocka_unit_test(a_hello_names_a_gateway_as_sites_name_them),
        cmocka_unit_test(a_line_announces_a_sorted_set_without_doubles),
        cmocka_unit_test(the_largest_set_fits_into_a_line),
        cmocka_unit_test(a_line_that_is_not_right_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
