/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding (RFC 3986 2.1). */
#ifndef BASE_TEXT_PERCENT_H
#define BASE_TEXT_PERCENT_H

#include "base/slice.h"

#define PERCENT_UNRESERVED "-._~" /* marks beside letters and digits (RFC 3986 2.3) */
#define PERCENT_FORM "-._*"       /* of application/x-www-form-urlencoded, without its '+' */

enum { PERCENT_MAX = 3 }; /* characters that a byte becomes */

/* Escapes what is neither letter nor digit nor one of `marks`. `ret` has room for PERCENT_MAX times the length; no NUL
 * is put behind it. Returns what was written. */
size_t percent_encode(struct slice bytes, const char *marks, char *ret);

/* Cuts one octet of *rest, which is not empty: an escaped one, in capitals or small letters, or the character itself.
 * False, and nothing is cut: a '%' that escapes nothing. */
MUST_USE bool percent_take(struct slice *rest, unsigned char *ret);

#endif
