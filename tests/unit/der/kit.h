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

enum { DER_MAX = 4096, SEQUENCE = 0x30, SET = 0x31, INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, OBJECT = 0x06 };

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

#endif
