/* SPDX-License-Identifier: Apache-2.0 */
/* What of slices is too long to be inline. Compares ASCII letters alone without their case: never by locale. */
#include "base/slice.h"

#include "base/ascii.h"
#include "base/mem.h"

static bool same_nocase(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i]))
            return false;
    }
    return true;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    return a.len == b.len && same_nocase(a.ptr, b.ptr, a.len);
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && same_nocase(s.ptr, prefix.ptr, prefix.len);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_skip(s, s.len - suffix.len), suffix);
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

int slice_cmp_nocase(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    for (size_t i = 0; i < n; i++) {
        int x = (unsigned char)ascii_lower(a.ptr[i]), y = (unsigned char)ascii_lower(b.ptr[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool slice_eq_secret(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    unsigned char diff = 0;
    for (size_t i = 0; i < a.len; i++)
        diff |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
    /* volatile: the compiler may not turn the loop above into one that stops early */
    volatile unsigned char seen = diff;
    return seen == 0;
}

size_t slice_find(struct slice s, char c)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

size_t slice_find_slice(struct slice s, struct slice needle)
{
    const char *at = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return at ? (size_t)(at - s.ptr) : SIZE_MAX;
}

struct slice slice_cut(struct slice *rest, char sep)
{
    struct slice whole = *rest;
    size_t at = slice_find(whole, sep);
    if (at == SIZE_MAX) {
        *rest = SLICE_NONE;
        return whole;
    }
    *rest = slice_skip(whole, at + 1);
    return (struct slice){whole.ptr, at};
}

struct slice slice_trim(struct slice s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = slice_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool slice_to_u64(struct slice s, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.ptr[i]))
            return false;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret = value;
    return true;
}

bool slice_to_cstr(struct slice s, char *ret, size_t size)
{
    if (size == 0)
        return false;
    ret[0] = '\0';
    if (s.len >= size || slice_find(s, '\0') != SIZE_MAX)
        return false;
    if (s.len)
        memcpy(ret, s.ptr, s.len);
    ret[s.len] = '\0';
    return true;
}

void cstr_copy(char *ret, size_t size, const char *text)
{
    size_t n = strlen(text);
    if (n >= size)
        n = size - 1;
    memcpy(ret, text, n);
    ret[n] = '\0';
}

char *slice_dup(struct slice s)
{
    char *copy = mem_zalloc(s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

bool slice_is_word_of(struct slice word, const char *words)
{
    struct slice rest = slice_of(words);
    while (rest.ptr && word.len) {
        if (slice_eq(slice_cut(&rest, ' '), word))
            return true;
    }
    return false;
}

bool slice_word(struct slice s, const char *const *words, size_t count, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(s, slice_of(words[i]))) {
            *ret = i;
            return true;
        }
    }
    return false;
}
