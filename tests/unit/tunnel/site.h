/* SPDX-License-Identifier: Apache-2.0 */
/* A site's role certificates for the tests of tunnels, made once a program, and the TLS contexts of both ends. */
#ifndef TESTS_TUNNEL_SITE_H
#define TESTS_TUNNEL_SITE_H

#include "tls/context.h"

extern struct tls_context *site_gateway_tls, *site_connector_tls;
extern struct tls_context *site_impostor_tls; /* a connector that plays gateway */

/* Set-up and tear-down of cmocka's groups. */
int site_make(void **state);
int site_drop(void **state);

#endif
