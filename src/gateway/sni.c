/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/sni.h"

#include <openssl/x509v3.h>

struct tls_context *sni_choose(const struct gateway *g, struct slice sni)
{
    for (size_t i = 0; sni.len && i < g->public_count; i++) {
        if (X509_check_host(g->public_certificates[i], sni.ptr, sni.len, 0, NULL) == 1)
            return g->public_tls[i];
    }
    return g->public_tls[0];
}
