/* SPDX-License-Identifier: Apache-2.0 */
/* The head of one DER element: tag, length, what is inside. What the element means is OpenSSL's. */
#include "der/tlv.h"

bool tlv_next(struct slice *rest, struct tlv *ret)
{
    const unsigned char *at = (const unsigned char *)rest->ptr;
    long len = 0;
    if (rest->len == 0)
        return false;
    int flags = ASN1_get_object(&at, &len, &ret->tag, &ret->class, (long)rest->len);
    if (flags & 0x81) /* 0x80: malformed or too long; 0x01: indefinite length, not DER */
        return false;
    size_t head = (size_t)((const char *)at - rest->ptr);
    ret->content = slice_make(at, (size_t)len);
    ret->whole = slice_make(rest->ptr, head + (size_t)len);
    *rest = slice_skip(*rest, ret->whole.len);
    return true;
}

bool tlv_is(const struct tlv *t, int tag)
{
    return t->class == V_ASN1_UNIVERSAL && t->tag == tag;
}

bool tlv_take(struct slice *rest, int tag, struct tlv *ret)
{
    return tlv_next(rest, ret) && tlv_is(ret, tag);
}

bool tlv_is_time(const struct tlv *t)
{
    return tlv_is(t, V_ASN1_UTCTIME) || tlv_is(t, V_ASN1_GENERALIZEDTIME);
}
