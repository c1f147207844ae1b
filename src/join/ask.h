/* SPDX-License-Identifier: Apache-2.0 */
/* Asks the site itself: POST of the signed request to one management point after the other. */
#ifndef JOIN_ASK_H
#define JOIN_ASK_H

#include "base/buf.h"
#include "bundle/join/string.h"
#include "join/report.h"

/* The bootstrap file for `key` (JSON, a secret, malloc'ed: mem_free_secret). R_DENIED: the site refuses the string, or
 * no answer counts; R_TIMEOUT: a clock is wrong; R_IO: nobody was reached who answers as a management point does. `err`
 * must not be NULL. */
MUST_USE enum result join_ask_site(struct join_report *report, const struct join_string *s, EVP_PKEY *key, char **ret,
                                   struct error *err);

#endif
