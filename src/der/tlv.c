/* SPDX-License-Identifier: Apache-2.0 */
/* The head of one DER element: tag, length, what is inside. What the element means is OpenSSL's, which reads BER too:
 * what is not DER has no place here, so that nothing is told in a form that is looked for in another. */
#include "der/tlv.h"

enum { ELEMENT_MAX = 1 << 30 };

/* Tag and length in as few octets as they need, no strings in parts (X.690 10.1, 10.2). */
static bool is_der(const struct tlv *t)
{
    bool holds = t->tag == V_ASN1_SEQUENCE || t->tag == V_ASN1_SET;
    if (t->class == V_ASN1_UNIVERSAL && tlv_has_parts(t) != holds)
        return false;
    return (size_t)ASN1_object_size(tlv_has_parts(t), (int)t->content.len, t->tag) == t->whole.len;
}

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
    if (ret->content.len > ELEMENT_MAX || !is_der(ret))
        return false;
    *rest = slice_skip(*rest, ret->whole.len);
    return true;
}

bool tlv_has_parts(const struct tlv *t)
{
    return t->whole.ptr[0] & V_ASN1_CONSTRUCTED;
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
