/* SPDX-License-Identifier: Apache-2.0 */
/* Names that a server certificate is asked for: DNS names in the form that stands in certificates and in SNI (RFC 5890
 * 2.3.1, RFC 6066 3). They become names of files, too. */
#ifndef GATEWAY_OBTAIN_HOST_H
#define GATEWAY_OBTAIN_HOST_H

#include "base/error.h"
#include "base/slice.h"

enum { OBTAIN_HOST_SIZE = 254, OBTAIN_HOSTS_MAX = 32 };

/* In small letters; false: it is no such name (an address, a single label, other characters than a-z 0-9 - in it). */
MUST_USE bool obtain_host(struct slice text, char ret[OBTAIN_HOST_SIZE]);

/* The same of what an administrator wrote, each once and at most OBTAIN_HOSTS_MAX. `wildcards`: "*." may stand before
 * it. R_INVALID, R_LIMIT. */
MUST_USE enum result obtain_hosts(const char *const *texts, size_t count, bool wildcards,
                                  char ret[OBTAIN_HOSTS_MAX][OBTAIN_HOST_SIZE], struct error *err);

#endif
