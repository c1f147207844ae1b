/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL reads the structure; its two numbers are written side by side. */
#include "jose/jws/raw.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>

bool ecdsa_raw_of_der(struct slice der, size_t coordinate, unsigned char *ret)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der.len);
    bool ok = sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, (int)coordinate) > 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + coordinate, (int)coordinate) > 0;
    ECDSA_SIG_free(sig);
    return ok;
}
