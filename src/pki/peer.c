/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the handshake, so cheap: strength alone. Who it is and whether it is trusted is asked afterwards
 * (pki/trust.h). */
#include "pki/peer.h"

#include <openssl/err.h>

#include "base/attr.h"
#include "pki/cert/strength.h"

enum result pki_peer_bearable(void *arg UNUSED, X509 *leaf, STACK_OF(X509) * sent UNUSED, struct error *err)
{
    ERR_set_mark();
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    bool bad = key && pki_strength_unbearable(key);
    ERR_pop_to_mark();
    return bad ? error_set(err, R_DENIED, "the key of RSA is too large (modulus over 8192 bits, or exponent over 32)")
               : OK;
}
