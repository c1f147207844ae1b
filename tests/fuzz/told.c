/* SPDX-License-Identifier: Apache-2.0 */
/* Headers of the PROXY protocol: what is a whole one stays it whatever follows, and no part of it is. */
#include "net/told.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_make(data, size);
    struct net_told told, part;
    struct error err;
    if (size == 0 || net_told_read(all, &told, &err) != OK)
        return 0;
    MUST(told.len <= size && told.len <= NET_TOLD_MAX);
    MUST(net_told_read(slice_make(data, told.len), &part, &err) == OK && part.len == told.len);
    for (size_t n = 1; n < told.len; n++)
        MUST(net_told_read(slice_make(data, n), &part, &err) == R_AGAIN);
    char text[NET_ADDRESS_TEXT];
    if (told.kind == NET_TOLD_CLIENT)
        net_address_format(&told.client, text);
    return 0;
}
