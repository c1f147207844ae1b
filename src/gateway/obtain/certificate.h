/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-gateway certificate: a server certificate of a public CA (ACME), and its renewal, which a timer runs. */
#ifndef GATEWAY_OBTAIN_CERTIFICATE_H
#define GATEWAY_OBTAIN_CERTIFICATE_H

#include "conf/daemon.h"

int gateway_certificate(const struct conf_daemon *d, int argc, char **argv);

#endif
