/* SPDX-License-Identifier: Apache-2.0 */
/* libjose's own headers, which live in a folder named as ours: include_next takes the ones behind ours on the
 * compiler's path. Of this folder only. */
#ifndef JOSE_JWS_LIBRARY_H
#define JOSE_JWS_LIBRARY_H

#pragma GCC system_header /* include_next is an extension */

#include <openssl/evp.h>

/* Named by libjose's declarations that we don't use; OpenSSL hides them with its deprecated API. */
typedef struct rsa_st RSA;
typedef struct ec_key_st EC_KEY;

#include_next <jose/b64.h>
#include_next <jose/cfg.h>
#include_next <jose/jwk.h>
#include_next <jose/jws.h>
#include_next <jose/openssl.h>

#endif
