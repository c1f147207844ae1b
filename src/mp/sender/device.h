/* SPDX-License-Identifier: Apache-2.0 */
/* The registered device behind a request: found by certificate or token, neither blocked nor pending, and proven by the
 * request's signature. Each judge here returns true, or false with the reason in *no. */
#ifndef MP_SENDER_DEVICE_H
#define MP_SENDER_DEVICE_H

#include "jose/entra.h"
#include "jose/token.h"
#include "mp/sender/denial.h"
#include "mp/sender/sender.h"
#include "store/device/device.h"

struct mp_device {
    struct store_device record;
    struct token token;  /* method token; entra: its x5t alone */
    bool entra;          /* proven by an Entra token of the device */
    X509 *certificate;   /* of its key; owned */
    bool signed_request; /* a signature was there and is right */
};
void mp_device_done(struct mp_device *d);

/* The device's record behind its Entra token, found by the key that signed the request: only that of the registered
 * Entra device, unblocked there too (mp/sender/device_entra.c). */
MUST_USE bool mp_device_by_entra(struct mp_sender *from, enum token_purpose purpose, struct mp_device *d,
                                 struct mp_denial *no);

/* Judges the request's bearer as the Entra token of a device, which no blocked record names. */
MUST_USE bool mp_entra_device(struct mp_sender *from, struct entra_token *ret, struct mp_denial *no);

enum mp_signed { MP_SIGNED_IF_THERE, MP_SIGNED_ALWAYS };

MUST_USE bool mp_device_authenticate(struct mp_sender *from, enum token_purpose purpose, enum mp_signed how,
                                     struct mp_device *ret, struct mp_denial *no);

/* The signature by `certificate`'s key over this request, and its nonce when the method is not safe.
 * *ret_signed false: there is none, and `how` allows that. */
MUST_USE bool mp_signature_check(struct mp_sender *from, X509 *certificate, enum mp_signed how, bool *ret_signed,
                                 struct mp_denial *no);

/* Judges a token as the site's. R_OK or why not; the text is in *detail. `x5t`: base64url of what was presented. */
MUST_USE enum result mp_token_judge(struct mp_site *site, struct slice text, enum token_purpose purpose,
                                    struct slice x5t, struct token *ret, enum verdict_reason *ret_reason,
                                    struct error *err);

/* Was the device's certificate revoked? Then its tokens count no more (PROTOCOL 4): some certificate that a PKI gave to
 * a record of this machine, or `shown` (NULL allowed), is revoked, and none is good. */
MUST_USE bool mp_device_not_revoked(struct mp_sender *from, const char *machine, X509 *shown, struct mp_denial *no);

/* Neither blocked nor waiting? Pure. */
MUST_USE bool mp_device_stands(const struct store_device *d, struct mp_denial *no);

#endif
