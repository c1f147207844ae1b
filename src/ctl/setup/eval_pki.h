/* SPDX-License-Identifier: Apache-2.0 */
/* A small PKI for evaluation, in one folder: ca.pem ca.key ca.crl (DER), and <name>.pem <name>.key for the gateway and
 * the https management point (servers on localhost), the connector, a device, and a device whose certificate is
 * revoked. */
#ifndef CTL_SETUP_EVAL_PKI_H
#define CTL_SETUP_EVAL_PKI_H

#include "base/error.h"

/* Makes it in `dir` (made when missing). */
MUST_USE enum result eval_pki_make(const char *dir, struct error *err);

#endif
