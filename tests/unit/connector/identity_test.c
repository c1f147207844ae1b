/* SPDX-License-Identifier: Apache-2.0 */
/* What a server inside learns of the sender is what the gateway said, whole, and nothing when that can't be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connector/request/identity.h"
#include "tunnel/device.h"

static const char request_id[] = "6f1c0e0a-0b0c-4d0e-8f00-010203040506";

static struct http_fields said(struct arena *a, struct slice device)
{
    struct http_fields f = {0};
    assert_int_equal(http_fields_add(&f, a, SLICE("accept"), SLICE("*/*")), OK);
    assert_int_equal(http_fields_add(&f, a, SLICE("cmg-device"), device), OK);
    assert_int_equal(http_fields_add(&f, a, SLICE("cmg-request-id"), slice_of(request_id)), OK);
    return f;
}

/* As it came through the tunnel, for a server that reads the usual form. */
static enum result unfold(struct http_fields *f, struct arena *a)
{
    static const struct identity_form form = {BUNDLE_HEADERS_CMG, false};
    struct http_request r = {.fields = *f};
    struct slice whom;
    enum result result = identity_unfold(&form, &r, a, &whom);
    *f = r.fields;
    return result;
}

static void is(const struct http_fields *f, const char *name, struct slice value)
{
    assert_int_equal(http_fields_count(f, slice_of(name)), 1);
    assert_true(slice_eq(http_fields_get(f, slice_of(name)), value));
}

static void what_the_gateway_wrote_is_what_a_server_is_shown(void **state)
{
    (void)state;
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    char marked[6];
    tunnel_device_mark(SLICE(":TUlJ:"), marked);
    const struct tunnel_device d = {SLICE("an id with blanks"), SLICE("pki"), SLICE("2001:db8::1"),
                                    slice_make(marked, sizeof marked)};
    struct http_fields f = said(a, tunnel_device_write(&d, a));
    assert_int_equal(http_fields_add(&f, a, SLICE("cmg-host"), SLICE("gw.example:8443")), OK);
    assert_int_equal(unfold(&f, a), OK);
    is(&f, "cmg-client-id", d.client_id);
    assert_null(http_fields_get(&f, SLICE("cmg-host")).ptr);
    is(&f, "cmg-auth-method", d.method);
    is(&f, "client-cert", SLICE(":TUlJ:"));
    is(&f, "forwarded", SLICE("for=\"[2001:db8::1]\";host=\"gw.example:8443\";proto=https"));
    is(&f, "accept", SLICE("*/*"));
    assert_null(http_fields_get(&f, SLICE("cmg-device")).ptr);
    arena_free(a);
}

static void without_a_certificate_none_is_shown(void **state)
{
    (void)state;
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    const struct tunnel_device d = {SLICE("6f1c"), SLICE("token"), SLICE("192.0.2.7"), SLICE_NONE};
    struct http_fields f = said(a, tunnel_device_write(&d, a));
    assert_int_equal(unfold(&f, a), OK);
    is(&f, "cmg-auth-method", SLICE("token"));
    is(&f, "forwarded", SLICE("for=192.0.2.7;proto=https"));
    assert_null(http_fields_get(&f, SLICE("client-cert")).ptr);
    arena_free(a);
}

static void a_trace_is_found_by_its_request_and_each_span_is_new(void **state)
{
    (void)state;
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    struct http_fields f = said(a, SLICE("x token 192.0.2.7 -")), g = said(a, SLICE("x token 192.0.2.7 -"));
    assert_int_equal(unfold(&f, a), OK);
    assert_int_equal(unfold(&g, a), OK);
    struct slice one = http_fields_get(&f, SLICE("traceparent")), other = http_fields_get(&g, SLICE("traceparent"));
    assert_int_equal(one.len, 55);
    assert_true(slice_starts(one, SLICE("00-6f1c0e0a0b0c4d0e8f00010203040506-")));
    assert_true(slice_ends(one, SLICE("-01")));
    assert_false(slice_eq(one, other));
    arena_free(a);
}

static void a_sender_that_is_not_named_whole_is_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "-",
                                        "x",
                                        "x pki",
                                        "pki 192.0.2.7 -",
                                        "x pki 192.0.2.7 ",
                                        "x  192.0.2.7 -",
                                        "x pki  -",
                                        "x pki 192.0.2.7 :TUlJ:"};
    struct arena *a = arena_new(HTTP_ARENA_MAX);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct http_fields f = said(a, slice_of(texts[i]));
        assert_int_equal(unfold(&f, a), R_INVALID);
    }
    struct http_fields none = {0};
    assert_int_equal(unfold(&none, a), R_INVALID);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_gateway_wrote_is_what_a_server_is_shown),
        cmocka_unit_test(without_a_certificate_none_is_shown),
        cmocka_unit_test(a_trace_is_found_by_its_request_and_each_span_is_new),
        cmocka_unit_test(a_sender_that_is_not_named_whole_is_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
