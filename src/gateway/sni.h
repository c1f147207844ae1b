/* SPDX-License-Identifier: Apache-2.0 */
/* Which server certificate a client gets: the first whose names cover the SNI, else the first (RFC 6066 3, RFC
 * 6125 6.4). */
#ifndef GATEWAY_SNI_H
#define GATEWAY_SNI_H

#include "gateway/gateway.h"

struct tls_context *sni_choose(const struct gateway *g, struct slice sni);

#endif
