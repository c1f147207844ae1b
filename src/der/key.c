/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the way to a certificate's key and looks at the form of its curve and point; what they are worth is
 * pki/cert/strength.c's. */
#include "der/key.h"

#include <string.h>

#include <openssl/objects.h>

#include "der/tlv.h"

/* RFC 5280 4.1, down to subjectPublicKeyInfo. */
static bool find_key(struct slice rest, struct tlv *ret)
{
    static const int before[] = {V_ASN1_INTEGER, V_ASN1_SEQUENCE, V_ASN1_SEQUENCE, V_ASN1_SEQUENCE, V_ASN1_SEQUENCE};
    struct tlv certificate, tbs, first;
    if (!tlv_take(&rest, V_ASN1_SEQUENCE, &certificate) || rest.len ||
        !tlv_take(&certificate.content, V_ASN1_SEQUENCE, &tbs))
        return false;
    struct slice at = tbs.content;
    if (tlv_next(&at, &first) && first.class == V_ASN1_CONTEXT_SPECIFIC) /* the version; else it is read again */
        tbs.content = at;
    for (size_t i = 0; i < ARRAY_LEN(before); i++) {
        if (!tlv_take(&tbs.content, before[i], ret))
            return false;
    }
    return tlv_take(&tbs.content, V_ASN1_SEQUENCE, ret);
}

static int name_of(const struct tlv *t)
{
    const unsigned char *at = (const unsigned char *)t->whole.ptr;
    ASN1_OBJECT *object = d2i_ASN1_OBJECT(NULL, &at, (long)t->whole.len);
    int nid = object ? OBJ_obj2nid(object) : NID_undef;
    ASN1_OBJECT_free(object);
    return nid;
}

/* The roots in the fields of others take up to 0.7 ms. */
static bool may_be_compressed(int curve)
{
    static const int curves[] = {NID_X9_62_prime256v1, NID_secp384r1,       NID_secp521r1,
                                 NID_brainpoolP256r1,  NID_brainpoolP384r1, NID_brainpoolP512r1};
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (curve == curves[i])
            return true;
    }
    return false;
}

/* SEC 1 2.3.3: 2 or 3. An octet before it says how many bits of the last one do not count. */
static bool is_compressed(struct slice bits)
{
    return bits.len > 1 && (bits.ptr[1] == 2 || bits.ptr[1] == 3);
}

/* Whatever the key is called: SM2's are read as EC's, up to the point. */
const char *der_key_slow(struct slice certificate)
{
    struct tlv info, algorithm, name, curve, bits;
    if (!find_key(certificate, &info) || !tlv_take(&info.content, V_ASN1_SEQUENCE, &algorithm) ||
        !tlv_take(&algorithm.content, V_ASN1_OBJECT, &name) || !tlv_take(&info.content, V_ASN1_BIT_STRING, &bits))
        return "is not encoded in DER, or is none";
    bool named = tlv_take(&algorithm.content, V_ASN1_OBJECT, &curve);
    if (der_names_field(certificate) || (!named && name_of(&name) == NID_X9_62_id_ecPublicKey))
        return "has a key on a curve of its own making (explicit parameters, RFC 5480 2.1.1)";
    if (named && is_compressed(bits.content) && !may_be_compressed(name_of(&curve)))
        return "has a compressed key on a curve that is not taken (RFC 5480 2.2)";
    return NULL;
}

/* An identifier's octets stand together, whatever the lengths around them look like. */
bool der_names_field(struct slice der)
{
    static const char kinds_of_field[] = "\x2a\x86\x48\xce\x3d\x01";
    return der.len && memmem(der.ptr, der.len, kinds_of_field, sizeof kinds_of_field - 1) != NULL;
}
