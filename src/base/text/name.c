/* SPDX-License-Identifier: Apache-2.0 */
/* The table of names, and the one function that reads it. */
#include "base/text/name.h"

#define DIGITS "0123456789"
#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const struct {
    const char *alphabet;
    size_t max;
} forms[] = {
    [NAME_SITE] = {CAPITALS DIGITS, 8},
    [NAME_MEMBER] = {SMALL DIGITS "-", 40},
    [NAME_ROLE] = {CAPITALS SMALL DIGITS "._-", 40},
    [NAME_ENDPOINT] = {CAPITALS SMALL DIGITS "._-", 64},
};

bool name_valid(enum name_kind kind, struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!name.ptr[i] || !strchr(forms[kind].alphabet, name.ptr[i]))
            return false;
    }
    return name.len > 0 && name.len <= forms[kind].max;
}
