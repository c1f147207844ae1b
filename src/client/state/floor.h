/* SPDX-License-Identifier: Apache-2.0 */
/* The highest sequence of each kind of document that the device took, by site and key: STATE/sequences.json. Kept
 * beside the documents, so that none comes back after a change of GUID or the loss of a kept document. */
#ifndef CLIENT_STATE_FLOOR_H
#define CLIENT_STATE_FLOOR_H

#include "client/state/documents.h"

/* *ret 0: none was taken. A file that is damaged is told, set aside (`sequences.json.damaged`) and begun anew: then the
 * kept documents' own sequences count. One that can't be read is a fault: who can't know takes nothing. */
MUST_USE enum result client_floor(const struct client_reader *who, enum document_type type, int64_t *ret,
                                  struct error *err);
/* Written only when it is higher. */
MUST_USE enum result client_floor_raise(const struct client_reader *who, enum document_type type, int64_t sequence,
                                        struct error *err);

#endif
