/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of ASCII characters and their small letters, whatever the locale says and however `char` is signed. */
#ifndef BASE_ASCII_H
#define BASE_ASCII_H

#include "base/slice.h"

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static inline bool ascii_is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool ascii_is_letter(char c)
{
    return ascii_is_small(c) || ascii_is_capital(c);
}

static inline bool ascii_is_alnum(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c);
}

/* A letter, a digit or one of `marks`. */
static inline bool ascii_is_alnum_or(char c, const char *marks)
{
    return ascii_is_alnum(c) || (c != '\0' && strchr(marks, c));
}

/* Is every character one of these? "" is. */
static inline bool ascii_all_alnum_or(struct slice s, const char *marks)
{
    for (size_t i = 0; i < s.len; i++)
        if (!ascii_is_alnum_or(s.ptr[i], marks))
            return false;
    return true;
}

static inline char ascii_lower(char c)
{
    return (char)(ascii_is_capital(c) ? c + ('a' - 'A') : c);
}

static inline void ascii_lower_all(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        text[i] = ascii_lower(text[i]);
}

#endif
