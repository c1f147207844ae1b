/* SPDX-License-Identifier: Apache-2.0 */
/* One run of the ACME client: uacme, which Debian keeps. */
#ifndef GATEWAY_OBTAIN_CLIENT_H
#define GATEWAY_OBTAIN_CLIENT_H

#include "gateway/obtain/acme.h"

/* Makes sure that there is an account at the CA (RFC 8555 7.3), whose terms of service are agreed to by this. */
MUST_USE enum result acme_client_account(const char *state, const struct acme_settings *s, struct error *err);

/* Has a certificate issued, unless the one that is there is for the same names and ends in over 30 days, and nothing
 * forces it: then *ret_issued is false. Each name's challenge is answered by the gateway that runs. R_DENIED: the CA,
 * or the way to it, says no, in the client's words; R_NOTFOUND: there is no uacme; R_TIMEOUT. */
MUST_USE enum result acme_client_issue(const char *state, const struct acme_settings *s, bool force, bool *ret_issued,
                                       struct error *err);

#endif
