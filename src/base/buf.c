/* SPDX-License-Identifier: Apache-2.0 */
/* Growing, moving to the front and giving back of a buffer's one block. Secret buffers are wiped wherever their bytes
 * are left behind. Any thread, one at a time. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/stock.h"

enum { FIRST_ROOM = 256, KEEP_ROOM = 4096 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_init_secret(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max, .secret = true};
}

static void give_back(struct buf *b)
{
    if (b->secret && b->mem)
        explicit_bzero(b->mem, b->room);
    stock_give(b->mem, b->room);
}

void buf_free(struct buf *b)
{
    give_back(b);
    *b = (struct buf){.max = b->max, .secret = b->secret};
}

static void move_to_front(struct buf *b)
{
    if (b->start == 0)
        return;
    size_t len = buf_len(b);
    memmove(b->mem, b->mem + b->start, len);
    b->start = 0;
    b->end = len;
}

/* Rooms are powers of two, so that those of the stock are among them. */
static void grow(struct buf *b, size_t want)
{
    size_t room = b->room ? b->room : FIRST_ROOM;
    while (room < want)
        room *= 2;
    if (room <= STOCK_LARGE || b->secret) {
        char *mem = room <= STOCK_LARGE ? stock_take(room) : mem_array(room, 1);
        if (b->end)
            memcpy(mem, b->mem, b->end);
        give_back(b);
        b->mem = mem;
    } else {
        b->mem = mem_resize(b->mem, room, 1);
    }
    b->room = room;
}

/* Room for n bytes at the end, whatever the maximum is. */
static char *make_room(struct buf *b, size_t n)
{
    size_t len = buf_len(b);
    if (b->room - b->end < n)
        move_to_front(b);
    if (!b->mem || b->room - b->end < n)
        grow(b, len + n);
    return b->mem + b->end;
}

char *buf_reserve(struct buf *b, size_t n)
{
    return n > b->max - buf_len(b) ? NULL : make_room(b, n);
}

void buf_commit(struct buf *b, size_t n)
{
    if (n > b->room - b->end)
        fatal("buf_commit: %zu bytes were never reserved", n);
    b->end += n;
}

enum result buf_append(struct buf *b, struct slice data)
{
    if (data.len == 0)
        return OK;
    char *at = buf_reserve(b, data.len);
    if (!at)
        return R_LIMIT;
    memcpy(at, data.ptr, data.len);
    buf_commit(b, data.len);
    return OK;
}

enum result buf_append_str(struct buf *b, const char *text)
{
    return buf_append(b, slice_of(text));
}

enum result buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    /* one byte more than the text: vsnprintf always writes its NUL, which does not count */
    char *at = n < 0 || (size_t)n > b->max - buf_len(b) ? NULL : make_room(b, (size_t)n + 1);
    if (at) {
        (void)vsnprintf(at, (size_t)n + 1, fmt, again);
        buf_commit(b, (size_t)n);
    }
    va_end(again);
    return at ? OK : R_LIMIT;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > buf_len(b))
        fatal("buf_consume: %zu bytes of %zu", n, buf_len(b));
    b->start += n;
    if (b->start < b->end)
        return;
    b->start = b->end = 0;
    if (b->room > KEEP_ROOM)
        buf_free(b);
}

char *buf_take_str(struct buf *b)
{
    char *text = slice_dup(buf_data(b));
    buf_free(b);
    return text;
}
