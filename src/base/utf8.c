/* SPDX-License-Identifier: Apache-2.0 */
/* Well-formed sequences by Unicode 15, table 3-7, and the few ranges that are never shown. */
#include "base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/attr.h"

enum { LONGEST = 4 };

size_t utf8_character(struct slice text)
{
    static const struct {
        unsigned char first, last, low, high; /* of the first byte; of the second */
        size_t len;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    const unsigned char *c = (const unsigned char *)text.ptr;
    for (size_t i = 0; text.len && i < ARRAY_LEN(forms); i++) {
        size_t len = forms[i].len;
        if (c[0] < forms[i].first || c[0] > forms[i].last)
            continue;
        if (len > text.len || (len > 1 && (c[1] < forms[i].low || c[1] > forms[i].high)))
            return 0;
        for (size_t k = 2; k < len; k++) {
            if ((c[k] & 0xc0) != 0x80)
                return 0;
        }
        return len;
    }
    return 0;
}

static uint32_t code_point(const char *text, size_t len)
{
    const unsigned char *c = (const unsigned char *)text;
    uint32_t ret = len == 1 ? c[0] : c[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++)
        ret = ret << 6 | (c[i] & 0x3fU);
    return ret;
}

size_t utf8_shown(struct slice text)
{
    static const struct {
        uint32_t first, last;
    } hidden[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},   {0x200b, 0x200b}, {0x200e, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    size_t len = utf8_character(text);
    uint32_t c = len ? code_point(text.ptr, len) : 0;
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (c >= hidden[i].first && c <= hidden[i].last)
            return 0;
    }
    return len;
}

bool utf8_all_shown(struct slice text)
{
    while (text.len) {
        size_t len = utf8_shown(text);
        if (!len)
            return false;
        text = slice_skip(text, len);
    }
    return true;
}

void utf8_escape(struct slice text, char *ret, size_t size)
{
    enum { ESCAPED = 3 };
    size_t used = 0;
    while (text.len && size) {
        size_t len = utf8_shown(text), wanted = len ? len : ESCAPED;
        if (used + wanted >= size)
            break;
        if (len)
            memcpy(ret + used, text.ptr, len);
        else
            (void)snprintf(ret + used, size - used, "\\%02X", (unsigned char)*text.ptr);
        used += wanted;
        text = slice_skip(text, len ? len : 1);
    }
    if (size)
        ret[used] = '\0';
}

void utf8_mend_end(char *text)
{
    size_t len = strlen(text), back = 1;
    while (back < LONGEST && back < len && ((unsigned char)text[len - back] & 0xc0) == 0x80)
        back++;
    if (back <= len && (unsigned char)text[len - back] >= 0xc0 && !utf8_character(slice_make(text + len - back, back)))
        text[len - back] = '\0';
}
