/* SPDX-License-Identifier: Apache-2.0 */
/* Hex, base64 and base64url (RFC 4648), and GUIDs as text. */
#ifndef BASE_TEXT_ENCODE_H
#define BASE_TEXT_ENCODE_H

#include "base/buf.h"
#include "base/slice.h"

/* Room for n bytes as text, the NUL included. */
#define HEX_SIZE(n) (2 * (n) + 1)
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4 + 1)

/* Lower-case hex / base64 with padding / base64url without padding; `ret` has the room named above. Returns the length.
 */
size_t encode_hex(struct slice bytes, char *ret);
size_t encode_base64(struct slice bytes, char *ret);
size_t encode_base64url(struct slice bytes, char *ret);

/* Strict: right alphabet, right padding (base64) or none (base64url), no left-over bits, no white space. `ret` has room
 * for `size` bytes; false when the text is malformed or too long. *ret_len gets the bytes written. */
MUST_USE bool decode_hex(struct slice text, void *ret, size_t size, size_t *ret_len);
MUST_USE bool decode_base64(struct slice text, void *ret, size_t size, size_t *ret_len);
MUST_USE bool decode_base64url(struct slice text, void *ret, size_t size, size_t *ret_len);

/* A random GUID (RFC 9562 version 4) in lower case: 36 characters and a NUL. */
#define GUID_SIZE 37
void guid_new(char ret[GUID_SIZE]);
bool guid_valid(struct slice text); /* in capitals or small letters */
/* Its digits alone, in small letters. False, and any text: it is no GUID. */
#define GUID_DIGITS 32
MUST_USE bool guid_digits(struct slice text, char ret[GUID_DIGITS]);

#endif
