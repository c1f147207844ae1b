/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway's administrator is told before the string is used. */
#ifndef GATEWAY_JOIN_LOOK_H
#define GATEWAY_JOIN_LOOK_H

#include "join/report.h"
#include "join/text.h"
#include "tls/identity_file.h"

/* Does the string's name lead to this machine, and is the certificate that was brought (`certificate` NULL: none was)
 * for it? Where not, the report says what to do; a certificate that can't be read is left to --check-config. */
void gateway_join_look(struct join_report *report, const struct join_string *string,
                       const struct tls_identity_files *brought);

#endif
