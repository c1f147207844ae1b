/* SPDX-License-Identifier: Apache-2.0 */
/* What of a ClientHello is bounded before OpenSSL works on it: the lists that it looks through entry by entry. */
#include "base/error.h"
#include "tls/filter.h"

/* OpenSSL looks for each key share in the client's groups, so that 64 KiB of both took 60 ms, a hundred times as long
 * as a handshake. Fifty groups, forty algorithms and a key share of 1.7 kB (ML-KEM with P-384) is what there is. */
static const struct {
    unsigned extension;
    size_t max; /* octets, with the list's own length */
    const char *name;
} lists[] = {
    {TLSEXT_TYPE_supported_groups, 512, "groups"},
    {TLSEXT_TYPE_signature_algorithms, 512, "signature algorithms"},
    {TLSEXT_TYPE_signature_algorithms_cert, 512, "signature algorithms of certificates"},
    {TLSEXT_TYPE_key_share, 8 * 1024, "key shares"},
};
enum { CIPHERS_MAX = 2048 };

static enum result check(const char *name, size_t len, size_t max, struct error *err)
{
    return len <= max
               ? OK
               : error_set(err, R_LIMIT, "the ClientHello has %zu bytes of %s, and %zu are the most", len, name, max);
}

enum result tls_hello_check(SSL *ssl, struct error *err)
{
    const unsigned char *bytes;
    size_t len = SSL_client_hello_get0_ciphers(ssl, &bytes);
    enum result r = check("cipher suites", len, CIPHERS_MAX, err);
    for (size_t i = 0; r == OK && i < ARRAY_LEN(lists); i++) {
        if (SSL_client_hello_get0_ext(ssl, lists[i].extension, &bytes, &len) == 1)
            r = check(lists[i].name, len, lists[i].max, err);
    }
    return r;
}
