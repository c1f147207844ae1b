/* SPDX-License-Identifier: Apache-2.0 */
/* Networks as people write them: "10.0.0.0/8", "2001:db8::/32", "192.0.2.7" (RFC 4632 3.1, RFC 4291 2.3). */
#ifndef NET_NETWORK_H
#define NET_NETWORK_H

#include "base/error.h"
#include "base/slice.h"

/* R_INVALID: no address, a length that it does not have, or bits behind the length that are not zero. */
MUST_USE enum result net_network_check(struct slice text, struct error *err);

/* Is the numeric address (without port or brackets) in one of the networks, which stand with blanks between? IPv4
 * within IPv6 (::ffff:0:0/96) counts as IPv4. What can't be read is in none. */
bool net_networks_have(const char *networks, const char *address);

#endif
