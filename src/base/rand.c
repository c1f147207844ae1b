/* SPDX-License-Identifier: Apache-2.0 */
/* getrandom(2), and numbers below a limit without bias. No state: any thread. */
#include "base/rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"

void rand_bytes(void *ret, size_t len)
{
    char *at = ret;
    while (len) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            fatal("getrandom failed (errno %d)", errno);
        at += n;
        len -= (size_t)n;
    }
}

void rand_id_bytes(void *ret, size_t len)
{
    enum { STOCK = 4096 };
    static _Thread_local struct {
        unsigned char bytes[STOCK];
        size_t left; /* at the end of `bytes` */
    } stock;
    if (len > STOCK) {
        rand_bytes(ret, len);
        return;
    }
    if (stock.left < len) {
        rand_bytes(stock.bytes, STOCK);
        stock.left = STOCK;
    }
    unsigned char *from = stock.bytes + STOCK - stock.left;
    memcpy(ret, from, len);
    memset(from, 0, len); /* nobody gets them again */
    stock.left -= len;
}

uint64_t rand_below(uint64_t limit)
{
    uint64_t value, ceiling = UINT64_MAX - UINT64_MAX % limit;
    do
        rand_bytes(&value, sizeof value);
    while (value >= ceiling);
    return value % limit;
}
