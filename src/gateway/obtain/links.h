/* SPDX-License-Identifier: Apache-2.0 */
/* Brings what ACME obtains to where gateway.yaml looks for it, without a change of that file. */
#ifndef GATEWAY_OBTAIN_LINKS_H
#define GATEWAY_OBTAIN_LINKS_H

#include "gateway/config.h"
#include "gateway/obtain/acme.h"
#include "join/report.h"

/* Of the server certificates that the configuration names, the first whose files are not there (as join leaves them),
 * or are links of ours, becomes links to key and certificate of `host`. Where none is, says which lines to write. May
 * need root. R_IO. */
MUST_USE enum result obtain_links_make(struct join_report *report, const struct gateway_config *c, const char *state,
                                       const char *host, struct error *err);

#endif
