/* SPDX-License-Identifier: Apache-2.0 */
/* Request targets: which paths are the gateway's, and which are refused because two servers could read them
 * differently. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/request/target.h"

static void parse(const char *text, struct target *t)
{
    struct error err;
    assert_int_equal(target_parse(slice_of(text), t, &err), OK);
}

static void the_prefix_is_cut_ignoring_case_and_the_rest_is_left_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum target_kind kind;
        const char *role, *path, *query;
    } cases[] = {
        {"/CCM_Proxy_MutualAuth/72057594037937981/CCM_STS", TARGET_MUTUAL, "72057594037937981", "/CCM_STS", ""},
        {"/CCM_PROXY_MUTUALAUTH/7/ccm_system/request", TARGET_MUTUAL, "7", "/ccm_system/request", ""},
        {"/ccm_proxy_serverauth/7/SMS_MP/.sms_aut?MPLIST1&LAB", TARGET_SERVER, "7", "/SMS_MP/.sms_aut", "?MPLIST1&LAB"},
        {"/CCM_Proxy_ServerAuth/7/SMS_MP/.sms_pol?{6F-A}.SHA256:ab/../x", TARGET_SERVER, "7", "/SMS_MP/.sms_pol",
         "?{6F-A}.SHA256:ab/../x"},
        {"/CCM_Proxy_ServerAuth/ServiceMetadata", TARGET_SERVER, "ServiceMetadata", "", ""},
        {"/CCM_Proxy_ServerAuth/ServiceMetadata?x", TARGET_SERVER, "ServiceMetadata", "", "?x"},
        {"/CCM_Proxy_MutualAuth/", TARGET_MUTUAL, "", "", ""},
        {"/CCM_Proxy_MutualAuthX/7", TARGET_PLAIN, "", "/CCM_Proxy_MutualAuthX/7", ""},
        {"/debian/dists/a.b%20c/..x/x..", TARGET_PLAIN, "", "/debian/dists/a.b%20c/..x/x..", ""},
        {"/", TARGET_PLAIN, "", "/", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct target t;
        parse(cases[i].text, &t);
        assert_int_equal(t.kind, cases[i].kind);
        assert_true(slice_eq(t.role, slice_of(cases[i].role)));
        assert_true(slice_eq(t.path, slice_of(cases[i].path)));
        assert_true(slice_eq(t.query, slice_of(cases[i].query)));
    }
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "/a/../b",
        "/CCM_Proxy_MutualAuth/7/./b",
        "/./CCM_Proxy_MutualAuth/7/../b",
        "/CCM_Proxy_MutualAuth/%2e/CCM_STS",
        "/a/./../b",
        "/..",
        "/a/%2e%2E/b",
        "/a/.%2e",
        "/a\\b",
        "/a%5cb",
        "/a%00b",
        "/a%0d%0ab",
        "/a%7f",
        "/a\x7f",
        "/a\x01",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a#b",
        "",
        "*",
        "a/b",
        "https://x/y",
        "/CCM_Proxy_MutualAuth/7/../8/CCM_STS",
        "/CCM_Proxy_MutualAuth/%2e%2e/x",
        "/a/..;/b",
        "/a/..;x=1/b",
        "/a/%2e%2e;/b",
        "/a/..%3b/b",
        "/a/..%3Bx/b",
        "/a/%2e%3bx%2fb",
        "/a/.;/b",
        "/a/x%2f../b",
        "/a/%2e%2e%2Fb",
        "/a/x%2F.%2fb",
        "/a/x%2f..;y%2fb",
        "/a/.%20",
        "/a/.%20/b",
        "/a/..%20/b",
        "/a/%20../b",
        "/a/.%20./b",
        "/a/..%20.%20",
        "/a/%2e%2e%20;x/b",
        "/a/x%2f..%20%2fb",
        "/CCM_Proxy_MutualAuth/7/..%20/8/CCM_STS",
        "/a/%c0%ae%c0%ae/b",
        "/a%C1%9cb",
        "/a%e0%80%afb",
        "/a%f0%80%80%afb",
        "/a/%252e%252e/b",
        "/a/.%25252E/b",
        "/a/x%252f..%252fb",
        "/a/x%255c..%255Cb",
        "/a/admin::$INDEX_ALLOCATION/b",
        "/a/b%3a%24DATA",
        "/a/%ef%bc%8e%ef%bc%8e/b", /* fullwidth dots */
        "/a/.%EF%BC%8E/b",
        "/a/\xef\xbc\x8e./b",
        "/a/%e2%80%a5/b",
        "/a/%e2%80%a4%ef%b9%92/b",
        "/a/x%ef%bc%8f..%ef%bc%8fb", /* slashes that are none */
        "/a/x%e2%88%95..%e2%81%84b",
        "/a/x%ef%bc%bc..%c2%a5b",
        "/a/%e2%82%a9..",
        "/a/%ef%bc%852e%ef%bc%852e/b",
        "/CCM_Proxy_MutualAuth/7/%ef%bc%8e%ef%bc%8e/8/CCM_STS",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct target t;
        struct error err;
        assert_int_equal(target_parse(slice_of(bad[i]), &t, &err), R_INVALID);
        assert_true(err.text[0] != '\0');
    }
}

static void hidden_and_empty_segments_are_noted_for_the_endpoint_to_allow(void **state)
{
    (void)state;
    struct target t;
    parse("/a//b", &t);
    assert_true(t.slashes);
    parse("/CCM_Proxy_MutualAuth/7/a%2fb", &t);
    assert_true(t.slashes);
    parse("/a/%20/b", &t);
    assert_true(t.slashes);
    parse("/a/%20%20;x", &t);
    assert_true(t.slashes);
    parse("/a/b/", &t);
    assert_false(t.slashes);
    parse("/a/%20b%20/", &t);
    assert_false(t.slashes);
    parse("/job/feature%252Fx:y$/100%25/a%255cb", &t); /* percent signs of names */
    assert_false(t.slashes);
}

static void single_dots_of_a_host_route_go_and_nothing_else_changes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *inside;
    } cases[] = {
        {"/apt/./Release", "/apt/Release"},
        {"/apt/./x.deb?./a", "/apt/x.deb?./a"},
        {"/./", "/"},
        {"/.", "/"},
        {"/a/.", "/a/"},
        {"/a/%2e/b", "/a/b"},
        {"/a/././%2E/b/", "/a/b/"},
        {"/./CCM_Proxy_MutualAuth/7/x", "/CCM_Proxy_MutualAuth/7/x"},
        {"/a/.b/..c/d./...", "/a/.b/..c/d./..."},
        {"/a%20b/%7e", "/a%20b/%7e"},
        {"/%ef%bc%8fa/%ef%bc%8eb/c%c2%a5/%e2%80%a5%ef%bc", "/%ef%bc%8fa/%ef%bc%8eb/c%c2%a5/%e2%80%a5%ef%bc"},
        {"/a%20/b./%C0A/%c3%80%e0%a0%80", "/a%20/b./%C0A/%c3%80%e0%a0%80"},
        {"/CCM_Proxy_MutualAuth/7?q", "/?q"},
        {"/CCM_Proxy_MutualAuth/7/x?q", "/x?q"},
    };
    struct arena *a = arena_new(64 * 1024);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct target t;
        parse(cases[i].text, &t);
        struct slice inside = target_inside(&t, a);
        if (!slice_eq(inside, slice_of(cases[i].inside)))
            fail_msg("%s goes on as %.*s", cases[i].text, (int)inside.len, inside.ptr);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prefix_is_cut_ignoring_case_and_the_rest_is_left_as_it_is),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(hidden_and_empty_segments_are_noted_for_the_endpoint_to_allow),
        cmocka_unit_test(single_dots_of_a_host_route_go_and_nothing_else_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
