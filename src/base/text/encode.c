/* SPDX-License-Identifier: Apache-2.0 */
/* Alphabets to and from bytes, strictly: what would be left over or misread is refused. For secrets too: nothing is
 * kept. */
#include "base/text/encode.h"

#include "base/rand.h"

static const char hex_digits[] = "0123456789abcdef";
static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t encode_hex(struct slice bytes, char *ret)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        ret[2 * i] = hex_digits[c >> 4];
        ret[2 * i + 1] = hex_digits[c & 15];
    }
    ret[2 * bytes.len] = '\0';
    return 2 * bytes.len;
}

static size_t encode_64(struct slice bytes, const char *alphabet, bool pad, char *ret)
{
    size_t out = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t v = (uint32_t)(unsigned char)bytes.ptr[i] << 16;
        if (left > 1)
            v |= (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8;
        if (left > 2)
            v |= (unsigned char)bytes.ptr[i + 2];
        size_t digits = left >= 3 ? 4 : left + 1;
        for (size_t d = 0; d < digits; d++)
            ret[out++] = alphabet[(v >> (18 - 6 * d)) & 63];
        for (size_t d = digits; pad && d < 4; d++)
            ret[out++] = '=';
    }
    ret[out] = '\0';
    return out;
}

size_t encode_base64(struct slice bytes, char *ret)
{
    return encode_64(bytes, std_alphabet, true, ret);
}

size_t encode_base64url(struct slice bytes, char *ret)
{
    return encode_64(bytes, url_alphabet, false, ret);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool decode_hex(struct slice text, void *ret, size_t size, size_t *ret_len)
{
    unsigned char *out = ret;
    if (text.len % 2 || text.len / 2 > size)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_value(text.ptr[i]), low = hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (unsigned char)(high << 4 | low);
    }
    *ret_len = text.len / 2;
    return true;
}

static int digit_64(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    return c == (url ? '_' : '/') ? 63 : -1;
}

/* `text` has no padding any more. */
static bool decode_64(struct slice text, bool url, unsigned char *out, size_t size, size_t *ret_len)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = digit_64(text.ptr[i], url);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (uint32_t)digit) & 0xffffff;
        have += 6;
        if (have >= 8) {
            if (n == size)
                return false;
            have -= 8;
            out[n++] = (unsigned char)(bits >> have);
        }
    }
    *ret_len = n;
    return (bits & ((1u << have) - 1)) == 0; /* RFC 4648 3.5: left-over bits must be zero */
}

bool decode_base64(struct slice text, void *ret, size_t size, size_t *ret_len)
{
    if (text.len % 4)
        return false;
    for (int pad = 0; pad < 2 && text.len && text.ptr[text.len - 1] == '='; pad++)
        text.len--;
    return decode_64(text, false, ret, size, ret_len);
}

bool decode_base64url(struct slice text, void *ret, size_t size, size_t *ret_len)
{
    return decode_64(text, true, ret, size, ret_len);
}

void guid_new(char ret[GUID_SIZE])
{
    static const unsigned char groups[] = {4, 2, 2, 2, 6}; /* bytes */
    unsigned char b[16];
    rand_id_bytes(b, sizeof b);
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    const unsigned char *from = b;
    for (size_t i = 0; i < sizeof groups; i++) {
        if (i)
            *ret++ = '-';
        ret += encode_hex(slice_make(from, groups[i]), ret);
        from += groups[i];
    }
}

/* Done for each request, so without a branch, by loops that compilers do for many digits at once. Bit 0x20 makes
 * letters small, and digits have it. */
bool guid_digits(struct slice text, char ret[GUID_DIGITS])
{
    static const unsigned char groups[][2] = {{0, 8}, {9, 4}, {14, 4}, {19, 4}, {24, 12}}; /* where, how many */
    if (text.len != GUID_SIZE - 1)
        return false;
    for (size_t i = 0, n = 0; i < ARRAY_LEN(groups); n += groups[i++][1])
        memcpy(ret + n, text.ptr + groups[i][0], groups[i][1]);
    unsigned char odd = 0;
    for (size_t i = 0; i < GUID_DIGITS; i++) {
        unsigned char digit = (unsigned char)(ret[i] - '0'), letter = (unsigned char)((ret[i] | 0x20) - 'a');
        odd |= (digit > 9) & (letter > 5);
    }
    for (size_t i = 0; i < GUID_DIGITS; i++)
        ret[i] = (char)(ret[i] | 0x20);
    return !odd && text.ptr[8] == '-' && text.ptr[13] == '-' && text.ptr[18] == '-' && text.ptr[23] == '-';
}

bool guid_valid(struct slice text)
{
    char digits[GUID_DIGITS];
    return guid_digits(text, digits);
}
