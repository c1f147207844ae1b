/* SPDX-License-Identifier: Apache-2.0 */
/* Stepping through DER in place with OpenSSL's ASN1_get_object, for what is too large, or too dear, to be decoded. */
#ifndef DER_TLV_H
#define DER_TLV_H

#include <openssl/asn1.h>

#include "base/attr.h"
#include "base/slice.h"

struct tlv {
    int tag, class;
    struct slice whole, content;
};

/* Cuts the next element from *rest, which stays as it is where there is none: malformed, cut off, or BER that is not
 * DER. What is inside is not looked at. */
MUST_USE bool tlv_next(struct slice *rest, struct tlv *ret);
/* The same; false too when it is not of this universal tag. */
MUST_USE bool tlv_take(struct slice *rest, int tag, struct tlv *ret);
bool tlv_has_parts(const struct tlv *t); /* constructed */
bool tlv_is(const struct tlv *t, int tag);
bool tlv_is_time(const struct tlv *t);

#endif
