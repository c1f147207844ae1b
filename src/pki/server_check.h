/* SPDX-License-Identifier: Apache-2.0 */
/* What clients hold against a server's certificate although the server starts with it. */
#ifndef PKI_SERVER_CHECK_H
#define PKI_SERVER_CHECK_H

#include <openssl/x509.h>

#include "base/error.h"
#include "base/slice.h"

/* `words` go on the name of the file: "is not for servers, …", with what to do. */
typedef void pki_server_tell_fn(void *arg, const char *words);

/* Tells each fault of what the server shows (leaf first, at least one): a CA's certificate, without serverAuth (RFC
 * 5280 4.2.1.12) or digitalSignature (RFC 8446 4.4.2.2) where usages are named, for no host, ended, ending within two
 * weeks or not begun; issuers that ended, stand out of order (RFC 5246 7.4.2) or have issued none of it, or are not
 * there. `now` in wall seconds. */
void pki_server_check(STACK_OF(X509) * chain, int64_t now, pki_server_tell_fn *tell, void *arg);

/* Does what it shows lead to one of these anchors (PEM), whatever the time? R_DENIED: no, and why. R_INVALID: the
 * anchors can't be read. */
MUST_USE enum result pki_server_leads_to(STACK_OF(X509) * chain, struct slice anchors_pem, struct error *err);

#endif
