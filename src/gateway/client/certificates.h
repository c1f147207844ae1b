/* SPDX-License-Identifier: Apache-2.0 */
/* The server certificates that devices see: read from their files, chosen by SNI. */
#ifndef GATEWAY_CLIENT_CERTIFICATES_H
#define GATEWAY_CLIENT_CERTIFICATES_H

#include "gateway/config.h"
#include "tls/context.h"

struct certificates; /* reference-counted, immutable once made, for any thread */

enum { CERTIFICATES_MAX = 16 };

/* Those that the configuration names, at least one. R_INVALID, R_NOTFOUND, R_LIMIT, R_IO: the text names the file. */
MUST_USE enum result certificates_load(const struct gateway_config *config, struct certificates **ret,
                                       struct error *err);
struct certificates *certificates_ref(struct certificates *c);
void certificates_unref(struct certificates *c); /* NULL allowed */

/* Tries each of them alone: a fault for each that could not be used, a warning for one that clients refuse. */
void certificates_check(const struct gateway_config *config, struct conf_faults *faults);
/* The same warnings of those in use, into the log. */
void certificates_warn(const struct certificates *c, const struct gateway_config *config);

/* One that is for this name (RFC 6125, as OpenSSL reads it): an exact name goes before a wildcard, the first before the
 * others; none: the first of all. Of several with keys of different kinds for the same names the client's abilities
 * choose in the handshake. Borrowed. */
struct tls_context *certificates_choose(const struct certificates *c, struct slice sni);

/* What a connection that named `sni` is good for: false when a client that names `host` would be shown another
 * certificate (RFC 9110 15.5.20). */
bool certificates_same(const struct certificates *c, struct slice sni, struct slice host);

size_t certificates_count(const struct certificates *c);
X509 *certificates_at(const struct certificates *c, size_t i); /* borrowed */

#endif
