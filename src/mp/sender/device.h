/* SPDX-License-Identifier: Apache-2.0 */
/* The registered device behind a request: found by certificate or token, neither blocked nor pending, and proven by the
 * request's signature. */
#ifndef MP_SENDER_DEVICE_H
#define MP_SENDER_DEVICE_H

#include "jose/entra.h"
#include "jose/token.h"
#include "mp/server/request.h"
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
 * Entra device, unblocked there too (mp/sender/device_entra.c). false: answered. */
MUST_USE bool mp_device_by_entra(struct mp_request *r, enum token_purpose purpose, struct mp_device *d);

/* Judges the request's bearer as the Entra token of a device, which no blocked record names. false: answered. */
MUST_USE bool mp_entra_device(struct mp_request *r, struct entra_token *ret);

enum mp_signed { MP_SIGNED_IF_THERE, MP_SIGNED_ALWAYS };

/* false: the request was answered (refused) and is gone. */
MUST_USE bool mp_device_authenticate(struct mp_request *r, enum token_purpose purpose, enum mp_signed how,
                                     struct mp_device *ret);

/* The signature by `certificate`'s key over this request, and its nonce when the method is not safe. false: answered.
 * *ret_signed false: there is none, and `how` allows that. */
MUST_USE bool mp_signature_check(struct mp_request *r, X509 *certificate, enum mp_signed how, bool *ret_signed);

/* Judges a token as the site's. R_OK or why not; the text is in *detail. `x5t`: base64url of what was presented. */
MUST_USE enum result mp_token_judge(struct mp_request *r, struct slice text, enum token_purpose purpose,
                                    struct slice x5t, struct token *ret, enum verdict_reason *ret_reason,
                                    struct error *err);

/* Was the device's certificate revoked? Then its tokens count no more (PROTOCOL 4): some certificate that a PKI gave to
 * a record of this machine, or `shown` (NULL allowed), is revoked, and none is good. false: answered. */
MUST_USE bool mp_device_not_revoked(struct mp_request *r, const char *machine, X509 *shown);

/* SHA-256 of the certificate as hex and as x5t#S256, and of its key as hex. */
void mp_certificate_hex(X509 *cert, char ret[PKI_HASH_HEX]);
void mp_certificate_x5t(X509 *cert, char ret[TOKEN_X5T_SIZE]);
void mp_certificate_spki_hex(X509 *cert, char ret[PKI_HASH_HEX]);

#endif
