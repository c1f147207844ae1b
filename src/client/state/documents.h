/* SPDX-License-Identifier: Apache-2.0 */
/* Signed documents as the device believes and keeps them: for its key alone, and never below the highest sequence that
 * it took of that kind for that key, whatever its GUID was then (PROTOCOL 3 and 8). */
#ifndef CLIENT_STATE_DOCUMENTS_H
#define CLIENT_STATE_DOCUMENTS_H

#include "bundle/document.h"

/* Who reads. All borrowed. */
struct client_reader {
    const char *dir;          /* STATE */
    const unsigned char *pin; /* PKI_SHA256 bytes: of the site's root */
    const char *audience;     /* our GUID (with the user, of a user policy), or "all" */
    const char *key;          /* hex SHA-256 of our public key; NULL: documents for all */
};

/* The kept STATE/<name>.jws, if it is for this reader; it counts also when it has ended meanwhile
 * (client_document_ended). The caller document_done()s *ret. R_NOTFOUND when there is none that counts. */
MUST_USE enum result client_document_stored(const struct client_reader *who, enum document_type type,
                                            struct document *ret, struct error *err);

/* Past its end it says nothing any more. */
MUST_USE bool client_document_ended(const struct document *d, int64_t now);
/* Nearer to its end than to its beginning: the next one is fetched whole, since "not modified" would not make this one
 * live longer. */
MUST_USE bool client_document_aged(const struct document *d, int64_t now);

/* What to name as held when the whole document is wanted: just below what will be taken, so that a site whose store
 * went back hears of it and goes above (0: nothing was taken yet). */
MUST_USE int64_t client_document_below(const struct client_reader *who, enum document_type type);

/* Verifies a new one against the pin, our key and GUID, and the highest sequence so far, and keeps it. R_CONFLICT:
 * older than one that was taken. R_DENIED, R_TIMEOUT: document_read. R_IO: it is good and can't be kept. The caller
 * document_done()s *ret. */
MUST_USE enum result client_document_accept(const struct client_reader *who, struct slice text, enum document_type type,
                                            int64_t now, struct document *ret, struct error *err);

/* The same of what is told once: it must be above all that was taken, whose number is raised before it is used, so that
 * nothing is done twice; it is not kept. */
MUST_USE enum result client_document_take(const struct client_reader *who, struct slice text, enum document_type type,
                                          int64_t now, struct document *ret, struct error *err);

/* Would it be good at that time? Nothing is kept. */
MUST_USE bool client_document_good_at(const struct client_reader *who, struct slice text, enum document_type type,
                                      int64_t when);

/* What the site says to the one request whose signature had `nonce` (DOCUMENT_ANSWER). By the nonce it is as fresh as
 * the request, whatever our clock says. audience NULL: a GUID is told by it. The caller document_done()s *ret. */
MUST_USE enum result client_document_answer(const struct client_reader *who, struct slice text, const char *nonce,
                                            struct document *ret, struct error *err);

#endif
