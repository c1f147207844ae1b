/* SPDX-License-Identifier: Apache-2.0 */
/* What OCSP responders said, by question; the least recently used goes when it is full. Of one thread at a time. */
#ifndef GATEWAY_JUDGE_RESPONDER_MEMORY_H
#define GATEWAY_JUDGE_RESPONDER_MEMORY_H

#include <stddef.h>

#include "pki/revocation/ocsp_client.h"

struct responder_memory;

struct responder_memory *responder_memory_new(size_t max);

/* `until` (wall seconds): from then on it is forgotten. */
void responder_memory_put(struct responder_memory *m, const unsigned char key[PKI_OCSP_KEY_SIZE],
                          const struct pki_ocsp_answer *answer, int64_t until);
/* false: nothing that still counts. */
MUST_USE bool responder_memory_get(struct responder_memory *m, const unsigned char key[PKI_OCSP_KEY_SIZE], int64_t now,
                                   struct pki_ocsp_answer *ret);

#endif
