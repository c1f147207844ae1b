/* SPDX-License-Identifier: Apache-2.0 */
/* Answers that a device believes whoever carries them: signed by the site for the key that signed the request, with the
 * nonce of that signature in them (DOCUMENT_ANSWER). What sets a device's identity or clock comes so alone. */
#ifndef MP_SENDER_SIGNED_H
#define MP_SENDER_SIGNED_H

#include "mp/server/request.h"

/* Ends the request with `o` (taken) and, as its member "signed", the same as a document for the device `guid` and the
 * certificate's key. The request's signature was checked before. */
void mp_answer_signed(struct mp_request *r, int status, const char *guid, X509 *certificate, json_t *o);

/* The site's time, which is when the document was issued, as an answer to this request; malloc'ed. NULL: the request's
 * signature names no nonce, or it can't be signed. */
char *mp_signed_time(struct mp_request *r, X509 *certificate);

#endif
