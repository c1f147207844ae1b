/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes to escapes and back, one at a time. What an octet means in a path or a form is for who asks. */
#include "base/text/percent.h"

#include "base/ascii.h"
#include "base/text/encode.h"

size_t percent_encode(struct slice bytes, const char *marks, char *ret)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        if (ascii_is_alnum_or((char)c, marks)) {
            ret[len++] = (char)c;
            continue;
        }
        ret[len++] = '%';
        ret[len++] = hex[c >> 4];
        ret[len++] = hex[c & 15];
    }
    return len;
}

bool percent_take(struct slice *rest, unsigned char *ret)
{
    size_t len, used = 1;
    *ret = (unsigned char)rest->ptr[0];
    if (*ret == '%') {
        if (rest->len < PERCENT_MAX || !decode_hex(slice_make(rest->ptr + 1, 2), ret, 1, &len))
            return false;
        used = PERCENT_MAX;
    }
    *rest = slice_skip(*rest, used);
    return true;
}
