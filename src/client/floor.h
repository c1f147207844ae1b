/* SPDX-License-Identifier: Apache-2.0 */
/* The highest sequence of each kind of document that the device took, by site and key: STATE/sequences.json. Kept
 * beside the documents, so that none comes back after a change of GUID or the loss of a kept document. */
#ifndef CLIENT_FLOOR_H
#define CLIENT_FLOOR_H

#include "client/documents.h"

/* 0: none was taken, or the file is damaged (then the kept document's own sequence counts). */
MUST_USE int64_t client_floor(const struct client_reader *who, enum document_type type);
/* Written only when it is higher. */
MUST_USE enum result client_floor_raise(const struct client_reader *who, enum document_type type, int64_t sequence,
                                        struct error *err);

#endif
