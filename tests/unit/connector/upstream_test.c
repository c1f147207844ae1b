/* SPDX-License-Identifier: Apache-2.0 */
/* Which targets a connector takes for the site, and when a failure of one is news. Nothing is connected to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connector/request/upstream.h"

static char *const loopback_alone[] = {(char *)(uintptr_t) "loopback"};

static struct connector_config closed(void)
{
    return (struct connector_config){.state = NULL};
}

static struct connector_config with_loopback(void)
{
    struct connector_config c = {.state = NULL};
    c.allow_targets.items = (char **)(uintptr_t)loopback_alone;
    c.allow_targets.count = 1;
    return c;
}

static struct upstream_options to(const struct connector_config *c, const char *host)
{
    return (struct upstream_options){
        .config = c, .id = "e1", .scheme = "http", .host = host, .port = 80, .base_path = ""};
}

static enum result make(const struct upstream_options *o, struct error *err)
{
    struct loop *loop = loop_new();
    struct upstream *u;
    enum result r = upstream_new(loop, o, &u, err);
    if (r == OK)
        upstream_unref(u);
    loop_free(loop);
    return r;
}

static void this_machine_and_its_link_are_refused_however_they_are_written(void **state UNUSED)
{
    static const char *const hosts[] = {"localhost", "LocalHost", "127.0.0.1",        "127.9.9.9",   "0.0.0.0",
                                        "::1",       "::",        "::ffff:127.0.0.1", "169.254.1.1", "fe80::1"};
    struct connector_config c = closed();
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
        struct error err = {.text = ""};
        struct upstream_options o = to(&c, hosts[i]);
        if (make(&o, &err) != R_DENIED)
            fail_msg("%s: %s", hosts[i], err.text);
        assert_non_null(strstr(err.text, "allow_targets"));
    }
}

static void what_the_configuration_allows_is_taken_and_no_more(void **state UNUSED)
{
    struct connector_config c = with_loopback();
    struct error err = {.text = ""};
    struct upstream_options here = to(&c, "127.0.0.1"), link = to(&c, "169.254.1.1"), other = to(&c, "192.0.2.1");
    assert_int_equal(make(&here, &err), OK);
    assert_int_equal(make(&other, &err), OK);
    assert_int_equal(make(&link, &err), R_DENIED);
}

static void the_bootstrap_file_may_name_any_target(void **state UNUSED)
{
    struct connector_config c = closed();
    struct error err = {.text = ""};
    struct upstream_options o = to(&c, "localhost");
    o.any_target = true;
    assert_int_equal(make(&o, &err), OK);
}

static bool may(const struct connector_config *c, const char *at)
{
    struct net_address a;
    struct error err = {.text = ""};
    if (net_address_parse(slice_of(at), &a, &err) != OK)
        fail_msg("%s: %s", at, err.text);
    return upstream_may_connect(c, &a);
}

static void what_a_name_resolves_to_counts(void **state UNUSED)
{
    struct connector_config c = closed(), open = with_loopback();
    assert_true(may(&c, "192.0.2.1:80"));
    assert_false(may(&c, "127.0.0.1:80"));
    assert_false(may(&c, "169.254.0.1:80"));
    assert_true(may(&open, "127.0.0.1:80"));
    assert_false(may(&open, "169.254.0.1:80"));
}

static void a_failure_is_news_once_and_so_is_its_end(void **state UNUSED)
{
    struct connector_config c = closed();
    struct upstream_options o = to(&c, "192.0.2.1");
    struct loop *loop = loop_new();
    struct upstream *u;
    struct error err;
    assert_int_equal(upstream_new(loop, &o, &u, &err), OK);
    assert_false(upstream_note(u, NULL, "")); /* it answered, as before */
    assert_true(upstream_note(u, "refused", "a"));
    assert_false(upstream_note(u, "refused", "a"));
    assert_true(upstream_note(u, "refused", "b"));
    assert_string_equal(upstream_fault(u)->detail, "b");
    assert_true(upstream_note(u, NULL, ""));
    assert_null(upstream_fault(u)->reason);
    upstream_unref(u);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_and_its_link_are_refused_however_they_are_written),
        cmocka_unit_test(what_the_configuration_allows_is_taken_and_no_more),
        cmocka_unit_test(the_bootstrap_file_may_name_any_target),
        cmocka_unit_test(what_a_name_resolves_to_counts),
        cmocka_unit_test(a_failure_is_news_once_and_so_is_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
