/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures are public: nothing here needs constant time. */
#include "jose/jws/low_s.h"

#include <string.h>

#include <openssl/bn.h>

#include "base/error.h"

enum { HALF = LOW_S_SIGNATURE / 2 };

/* The order n of P-256 (SP 800-186 3.2.1.3), and (n - 1) / 2. */
static const unsigned char order[HALF] = {0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff,
                                          0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                          0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const unsigned char middle[HALF] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0,    0,    0,    0x7f, 0xff, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b,
                                           0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

bool low_s_is(const unsigned char signature[LOW_S_SIGNATURE])
{
    return memcmp(signature + HALF, middle, HALF) <= 0;
}

void low_s_make(unsigned char signature[LOW_S_SIGNATURE])
{
    if (low_s_is(signature))
        return;
    BIGNUM *n = BN_bin2bn(order, HALF, NULL), *s = BN_bin2bn(signature + HALF, HALF, NULL);
    if (!n || !s || BN_sub(s, n, s) != 1 || BN_bn2binpad(s, signature + HALF, HALF) != HALF)
        fatal("jose: out of memory");
    BN_free(n);
    BN_free(s);
}
