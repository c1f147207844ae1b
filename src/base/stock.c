/* SPDX-License-Identifier: Apache-2.0 */
/* The shelves of freed blocks, one set a thread: nothing is shared, so nothing is locked. Not an allocator: what is of
 * another size goes to malloc and free. */
#include "base/stock.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>

#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
enum { KEPT = 0 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { KEPT = 0 };
#else
enum { KEPT = 64 };
#endif
#else
enum { KEPT = 64 };
#endif

struct block {
    SLIST_ENTRY(block) below;
};

/* At most KEPT of each size: 384 KiB a thread. */
static _Thread_local struct shelf {
    SLIST_HEAD(, block) free;
    int count;
} shelves[2];

static struct shelf *shelf_of(size_t size)
{
    return size == STOCK_SMALL ? &shelves[0] : size == STOCK_LARGE ? &shelves[1] : NULL;
}

void *stock_take(size_t size)
{
    struct shelf *s = shelf_of(size);
    if (!s || SLIST_EMPTY(&s->free))
        return mem_resize(NULL, size, 1);
    struct block *b = SLIST_FIRST(&s->free);
    SLIST_REMOVE_HEAD(&s->free, below);
    s->count--;
    return b;
}

void stock_give(void *block, size_t size)
{
    struct shelf *s = shelf_of(size);
    struct block *b = block;
    if (!b || !s || s->count + 1 > KEPT) { /* KEPT may be 0 */
        free(block);
        return;
    }
    SLIST_INSERT_HEAD(&s->free, b, below);
    s->count++;
}
