/* SPDX-License-Identifier: Apache-2.0 */
/* ustar heads: fields at fixed places, numbers in octal digits, a sum over all bytes (tar.h). */
#include "archive/tar.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    MODE = 100,
    UID = 108,
    GID = 116,
    SIZE = 124,
    TIME = 136,
    SUM = 148,
    TYPE = 156,
    MAGIC = 257,
    USER = 265,
    GROUP = 297
};
enum { SHORT = 8, LONG = 12 }; /* fields of numbers */

static void put_octal(char *head, size_t at, size_t width, uint64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%0*" PRIo64, (int)width - 1, number);
    memcpy(head + at, text, width - 1);
}

/* Its own field counts as blanks. */
static unsigned sum_of(const char *head)
{
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i >= SUM && i < SUM + SHORT ? ' ' : (unsigned char)head[i];
    return sum;
}

void tar_head(const char *name, uint64_t size, int64_t changed, char ret[TAR_BLOCK])
{
    if (strlen(name) >= TAR_NAME)
        fatal("a name over %d bytes in an archive", TAR_NAME);
    memset(ret, 0, TAR_BLOCK);
    memcpy(ret, name, strlen(name));
    put_octal(ret, MODE, SHORT, 0600);
    put_octal(ret, UID, SHORT, 0);
    put_octal(ret, GID, SHORT, 0);
    put_octal(ret, SIZE, LONG, size);
    put_octal(ret, TIME, LONG, (uint64_t)changed);
    ret[TYPE] = '0';
    memcpy(ret + MAGIC, "ustar\00000", SHORT);
    memcpy(ret + USER, "root", sizeof "root");
    memcpy(ret + GROUP, "root", sizeof "root");
    put_octal(ret, SUM, SHORT - 1, sum_of(ret));
    ret[SUM + SHORT - 1] = ' ';
}

static bool get_octal(const char *head, size_t at, size_t width, uint64_t *ret)
{
    size_t digits = 0;
    *ret = 0;
    while (digits < width && head[at + digits] >= '0' && head[at + digits] <= '7')
        *ret = *ret << 3 | (uint64_t)(head[at + digits++] - '0');
    return digits > 0 && digits < width;
}

enum result tar_read(const char head[TAR_BLOCK], char ret_name[TAR_NAME], uint64_t *ret_size, struct error *err)
{
    static const char zeros[TAR_BLOCK];
    uint64_t sum;
    if (memcmp(head, zeros, TAR_BLOCK) == 0)
        return R_EOF;
    if (!get_octal(head, SUM, SHORT, &sum) || sum != sum_of(head) || memcmp(head + MAGIC, "ustar", 6) != 0 ||
        head[TYPE] != '0' || !get_octal(head, SIZE, LONG, ret_size) || !memchr(head, '\0', TAR_NAME) || !*head)
        return error_set(err, R_INVALID, "what it holds was not made by cmg site backup");
    memcpy(ret_name, head, TAR_NAME);
    return OK;
}
