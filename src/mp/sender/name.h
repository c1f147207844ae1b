/* SPDX-License-Identifier: Apache-2.0 */
/* What a certificate says that a device is called. */
#ifndef MP_SERVER_NAME_H
#define MP_SERVER_NAME_H

#include <openssl/x509.h>

#include "base/attr.h"
#include "base/slice.h"

enum { MP_NAME_SIZE = 256, MP_NAMES_MAX = 64 };

/* `told` where the certificate says so: it is the subject's CN, or a DNS name of it, or the first label of either;
 * else whom the certificate names (pki_identity). False: nobody. */
MUST_USE bool mp_name_of_certificate(X509 *cert, const char *told, char ret[MP_NAME_SIZE]);

/* All that a device with it may be called: whom it names, its DNS names, and the first labels of those, each once. */
struct mp_names {
    char items[MP_NAMES_MAX][MP_NAME_SIZE];
    size_t count;
};
/* False: there are more than MP_NAMES_MAX; the first ones are there. */
MUST_USE bool mp_names_of_certificate(X509 *cert, struct mp_names *ret);

#endif
