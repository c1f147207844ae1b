/* SPDX-License-Identifier: Apache-2.0 */
/* DER put together element by element, right or wrong, for the tests of this folder. */
#ifndef TESTS_DER_KIT_H
#define TESTS_DER_KIT_H

/* cmocka wants these first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/mem.h"
#include "der/tlv.h"

enum {
    DER_MAX = 4096,
    VERSION = 0xa0,
    SEQUENCE = 0x30,
    SET = 0x31,
    INTEGER = 0x02,
    BITS = 0x03,
    OCTETS = 0x04,
    OBJECT = 0x06
};

struct der {
    unsigned char at[DER_MAX];
    size_t len;
};

static inline struct slice slice_of_der(const struct der *d)
{
    return slice_make(d->at, d->len);
}

static inline void der_add(struct der *d, const void *octets, size_t len)
{
    assert_true(d->len + len <= DER_MAX);
    if (len)
        memcpy(d->at + d->len, octets, len);
    d->len += len;
}

/* Behind what is there: an element of this first octet, with a length as DER wants it. */
static inline void der_element(struct der *d, int first, struct slice content)
{
    unsigned char head[4] = {(unsigned char)first, (unsigned char)content.len};
    size_t len = 2;
    if (content.len > 127) {
        head[1] = 0x82, head[2] = (unsigned char)(content.len >> 8), head[3] = (unsigned char)content.len;
        len = 4;
    }
    if (content.len > 127 && content.len < 256) {
        head[1] = 0x81, head[2] = head[3];
        len = 3;
    }
    der_add(d, head, len);
    der_add(d, content.ptr, content.len);
}

static inline void der_wrap(struct der *d, int first)
{
    struct der inside = *d;
    d->len = 0;
    der_element(d, first, slice_of_der(&inside));
}

#define OID(text) slice_make(text, sizeof(text) - 1)
#define EC_KEY OID("\x2a\x86\x48\xce\x3d\x02\x01")
#define P256 OID("\x2a\x86\x48\xce\x3d\x03\x01\x07")
#define P224 OID("\x2b\x81\x04\x00\x21")
#define SM2_KEY OID("\x2a\x81\x1c\xcf\x55\x01\x82\x2d")
#define RSA_KEY OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
#define COMPRESSED SLICE("\0\x02xxxx")
#define PLAIN SLICE("\0\x04xxxxyyyy")

/* --- what stands around a key --- */

/* The parts of a tbsCertificate before the key, by their first octets. */
static const int der_parts[] = {VERSION, INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE};

static inline struct der der_key_info(struct slice name, struct slice curve, int bits_first, struct slice bits)
{
    struct der d = {.len = 0};
    der_element(&d, OBJECT, name);
    if (curve.len)
        der_element(&d, OBJECT, curve);
    der_wrap(&d, SEQUENCE);
    der_element(&d, bits_first, bits);
    der_wrap(&d, SEQUENCE);
    return d;
}

/* `but`: this part is of the first octet `first`, 0: it is missing; -1: all are as they must be. */
static inline struct der der_certificate_but(const struct der *key, int but, int first)
{
    struct der d = {.len = 0};
    for (int i = 0; i < (int)ARRAY_LEN(der_parts); i++) {
        if (i != but || first)
            der_element(&d, i == but ? first : der_parts[i], der_parts[i] == INTEGER ? SLICE("\x01") : SLICE_NONE);
    }
    der_add(&d, key->at, key->len);
    der_wrap(&d, SEQUENCE);
    der_element(&d, SEQUENCE, SLICE_NONE); /* the signature is not looked at */
    der_wrap(&d, SEQUENCE);
    return d;
}

static inline struct der der_certificate(const struct der *key)
{
    return der_certificate_but(key, -1, 0);
}

#endif
