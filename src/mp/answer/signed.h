/* SPDX-License-Identifier: Apache-2.0 */
/* What sets a device's identity or clock comes so alone: an answer that it believes whoever carries it. */
#ifndef MP_ANSWER_SIGNED_H
#define MP_ANSWER_SIGNED_H

#include "mp/server/request.h"

/* Ends the request with `o` (taken) and, as its member "signed", the same as a document for the device `guid` and the
 * certificate's key (mp/sender/signed.h). The request's signature was checked before. */
void mp_answer_signed(struct mp_request *r, int status, const char *guid, X509 *certificate, json_t *o);

#endif
