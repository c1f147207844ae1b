/* SPDX-License-Identifier: Apache-2.0 */
/* Signed documents as the device keeps them: the last good one of each kind, whose sequence no later one may go below
 * (PROTOCOL 3). */
#ifndef CLIENT_DOCUMENTS_H
#define CLIENT_DOCUMENTS_H

#include "bundle/document.h"

/* The kept STATE/<name>.jws, if it is of this site (pin) and audience; it counts also when it has expired meanwhile.
 * The caller document_done()s *ret. R_NOTFOUND when there is none that counts. */
MUST_USE enum result client_document_stored(const char *dir, enum document_type type,
                                            const unsigned char pin[PKI_SHA256], const char *audience,
                                            struct document *ret, struct error *err);

/* Verifies a new one against the pin, our audience and the kept one's sequence, and keeps it. R_CONFLICT: older than
 * the kept one. R_DENIED, R_TIMEOUT: document_read. R_IO: it is good and can't be kept. The caller document_done()s
 * *ret. */
MUST_USE enum result client_document_accept(const char *dir, struct slice text, enum document_type type,
                                            const unsigned char pin[PKI_SHA256], const char *audience, int64_t now,
                                            struct document *ret, struct error *err);

/* Would it be good at that time? Nothing is kept. */
MUST_USE bool client_document_good_at(struct slice text, enum document_type type, const unsigned char pin[PKI_SHA256],
                                      const char *audience, int64_t when);

#endif
