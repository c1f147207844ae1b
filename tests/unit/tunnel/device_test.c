/* SPDX-License-Identifier: Apache-2.0 */
/* The field that names a request's sender: what is written is read, whatever the certificate's length. */
#include "tunnel/device.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char base64[] = ":MIIBszCCAVmgAwIBAgIIUAAAAAAAAAAwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJb3BlbmNtZyBjYTAeFw0yNDAx"
                             "MDEwMDAwMDBaFw0zNDAxMDEwMDAwMDBaMBIxEDAOBgNVBAMMB2RldmljZTE=:";

static struct tunnel_device device_with(size_t n, char marked[sizeof base64])
{
    tunnel_device_mark(slice_make(base64, n), marked);
    return (struct tunnel_device){SLICE("id with blanks"), SLICE("pki"), SLICE("::1"), slice_make(marked, n)};
}

static void certificates_of_any_length_are_read_as_they_were_written(void **state)
{
    (void)state;
    for (size_t n = 1; n < sizeof base64; n++) {
        struct arena *a = arena_new(8192);
        char marked[sizeof base64];
        const struct tunnel_device said = device_with(n, marked);
        struct tunnel_device heard;
        assert_int_equal(tunnel_device_read(tunnel_device_write(&said, a), a, &heard), OK);
        assert_true(slice_eq(heard.client_id, said.client_id));
        assert_true(slice_eq(heard.method, said.method));
        assert_true(slice_eq(heard.peer, said.peer));
        assert_true(slice_eq(heard.certificate, slice_make(base64, n)));
        arena_free(a);
    }
}

/* One byte without its top bit anywhere, and it is no certificate: not a shorter one, nor another. */
static void a_certificate_with_one_plain_byte_is_refused(void **state)
{
    (void)state;
    for (size_t n = 2; n < sizeof base64; n++) {
        for (size_t at = 0; at < n; at++) {
            struct arena *a = arena_new(8192);
            char marked[sizeof base64];
            const struct tunnel_device said = device_with(n, marked);
            struct tunnel_device heard;
            struct slice text = tunnel_device_write(&said, a);
            char bytes[256];
            memcpy(bytes, text.ptr, text.len);
            bytes[text.len - n + at] = base64[at];
            assert_int_equal(tunnel_device_read(slice_make(bytes, text.len), a, &heard), R_INVALID);
            arena_free(a);
        }
    }
}

/* Nothing is counted of nobody. */
static void a_sender_without_an_id_is_refused(void **state)
{
    (void)state;
    struct arena *a = arena_new(8192);
    struct tunnel_device heard;
    assert_int_equal(tunnel_device_read(SLICE(" token ::1 -"), a, &heard), R_INVALID);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_of_any_length_are_read_as_they_were_written),
        cmocka_unit_test(a_certificate_with_one_plain_byte_is_refused),
        cmocka_unit_test(a_sender_without_an_id_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
