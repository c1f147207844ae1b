/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-gateway csr: key and request (PKCS#10) for an internal CA that signs requests. */
#ifndef GATEWAY_OBTAIN_CSR_H
#define GATEWAY_OBTAIN_CSR_H

#include "conf/daemon.h"

int gateway_csr(const struct conf_daemon *d, int argc, char **argv);

#endif
