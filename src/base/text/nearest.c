/* SPDX-License-Identifier: Apache-2.0 */
/* The distance of two words, and how far is still near. Pure; longer words than a command has are not compared. */
#include "base/text/nearest.h"

#include <ctype.h>
#include <stdio.h>

enum { WORD_MAX = 48, PREFIX_MIN = 3 };

struct nearest nearest_to(struct slice word)
{
    return (struct nearest){.word = word};
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Both of at most WORD_MAX. Three rows of the table at a time: a swap looks two back. */
static size_t distance(struct slice a, struct slice b)
{
    size_t rows[3][WORD_MAX + 1];
    for (size_t k = 0; k <= b.len; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3], *before = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            size_t other = same(a.ptr[i - 1], b.ptr[k - 1]) ? 0 : 1;
            now[k] = least(before[k] + 1, now[k - 1] + 1, before[k - 1] + other);
            if (i > 1 && k > 1 && same(a.ptr[i - 1], b.ptr[k - 2]) && same(a.ptr[i - 2], b.ptr[k - 1]) &&
                two[k - 2] + 1 < now[k])
                now[k] = two[k - 2] + 1;
        }
    }
    return rows[a.len % 3][b.len];
}

/* Of three letters one may be wrong, of six two. */
static size_t tolerance(size_t len)
{
    return len < PREFIX_MIN ? 0 : len / 3 > 3 ? 3 : len / 3;
}

void nearest_try(struct nearest *n, const char *candidate)
{
    struct slice c = slice_of(candidate);
    if (n->word.len == 0 || n->word.len > WORD_MAX || c.len > WORD_MAX)
        return;
    size_t d = distance(n->word, c);
    bool goes_on = n->word.len >= PREFIX_MIN && slice_starts_nocase(c, n->word);
    if (d > tolerance(n->word.len) && !goes_on)
        return;
    d = goes_on && d > 1 ? 1 : d;
    if (n->best && d >= n->distance)
        return;
    n->best = candidate;
    n->distance = d;
}

const char *nearest_text(const struct nearest *n, const char *before, char *ret, size_t size)
{
    ret[0] = '\0';
    if (n->best)
        (void)snprintf(ret, size, "; did you mean '%s%s'?", before, n->best);
    return ret;
}
