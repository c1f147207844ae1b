/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's verification errors as sentences about the certificate: what was found, what was expected. Internal to
 * src/pki. */
#ifndef PKI_PATH_TEXT_H
#define PKI_PATH_TEXT_H

#include "pki/path/path.h"

/* Why this certificate at this depth of a path (0: the device's) is refused: sets v->detail. */
void pki_path_describe(int error, int depth, X509 *cert, struct pki_verdict *v);

#endif
