/* SPDX-License-Identifier: Apache-2.0 */
/* A list of blocks, the newest first; the arena itself lies in the first. The maximum counts what was asked for, not
 * the blocks. Any thread, one at a time. */
#include "base/arena.h"

#include <bsd/sys/queue.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/stock.h"

struct block {
    SLIST_ENTRY(block) older;
    size_t used, room;
    alignas(max_align_t) char mem[];
};

struct arena {
    SLIST_HEAD(, block) blocks; /* the newest first */
    size_t used, max;
};

/* A block is one of the stock's, header included, or as large as what it is for; an ordinary request's head fits into
 * the first, which holds the arena too. */
static struct block *block_new(size_t want)
{
    size_t size = sizeof(struct block) + want;
    struct block *b = stock_take(size < STOCK_SMALL ? STOCK_SMALL : size);
    *b = (struct block){.room = (size < STOCK_SMALL ? STOCK_SMALL : size) - sizeof *b};
    return b;
}

struct arena *arena_new(size_t max)
{
    struct block *first = block_new(sizeof(struct arena));
    struct arena *a = (struct arena *)(void *)first->mem;
    first->used = (sizeof *a + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    *a = (struct arena){.max = max};
    SLIST_INSERT_HEAD(&a->blocks, first, older);
    return a;
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    struct block *b, *next;
    SLIST_FOREACH_SAFE(b, &a->blocks, older, next)
        stock_give(b, sizeof *b + b->room); /* the last one is the arena's own */
}

static void *take(struct arena *a, size_t size)
{
    if (size > a->max - a->used)
        return NULL;
    size_t want = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct block *b = SLIST_FIRST(&a->blocks);
    if (b->room - b->used < want) {
        b = block_new(want);
        SLIST_INSERT_HEAD(&a->blocks, b, older);
    }
    void *p = b->mem + b->used;
    b->used += want;
    a->used += want > a->max - a->used ? a->max - a->used : want;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    void *p = take(a, size);
    if (p)
        memset(p, 0, size);
    return p;
}

struct slice arena_dup(struct arena *a, struct slice s)
{
    char *copy = take(a, s.len + 1);
    if (!copy)
        return SLICE_NONE;
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return (struct slice){copy, s.len};
}

struct slice arena_join(struct arena *a, const struct slice *parts, size_t count)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = take(a, len + 1);
    if (!text)
        return SLICE_NONE;
    text[len] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(text + at, parts[i].ptr, parts[i].len);
        at += parts[i].len;
    }
    return (struct slice){text, len};
}

struct slice arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
    if (text)
        (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text ? (struct slice){text, (size_t)n} : SLICE_NONE;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
