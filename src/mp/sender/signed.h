/* SPDX-License-Identifier: Apache-2.0 */
/* The site's word that a device believes whoever carries it: signed for the key that signed the request, with the nonce
 * of that signature in it (DOCUMENT_ANSWER). */
#ifndef MP_SENDER_SIGNED_H
#define MP_SENDER_SIGNED_H

#include "mp/sender/sender.h"
#include "json/json.h"

/* `o` (borrowed) for `audience`, a device's GUID; *ret is malloc'ed. The signature is read, not checked. */
MUST_USE enum result mp_signed_make(const struct mp_sender *from, const char *audience, X509 *certificate,
                                    const json_t *o, char **ret, struct error *err);

/* The site's time, which is when the document was issued, as an answer to this request; malloc'ed. NULL: the request's
 * signature names no nonce, or it can't be signed. */
char *mp_signed_time(const struct mp_sender *from, X509 *certificate);

#endif
