/* SPDX-License-Identifier: Apache-2.0 */
/* Address and mask of a network as text, and whether an address lies in it. Pure: resolves nothing. */
#include "net/network.h"

#include <arpa/inet.h>
#include <string.h>

enum { BYTES_V4 = 4, BYTES_V6 = 16, TEXT_MAX = 64 };

struct network {
    unsigned char bytes[BYTES_V6];
    size_t size;   /* bytes of an address */
    uint64_t bits; /* of the prefix */
};

static bool read_address(struct slice text, struct network *ret)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    char cstr[TEXT_MAX];
    if (!slice_to_cstr(text, cstr, sizeof cstr))
        return false;
    ret->size = BYTES_V4;
    if (inet_pton(AF_INET, cstr, ret->bytes) == 1)
        return true;
    ret->size = BYTES_V6;
    if (inet_pton(AF_INET6, cstr, ret->bytes) != 1)
        return false;
    if (memcmp(ret->bytes, mapped, sizeof mapped) == 0) {
        memmove(ret->bytes, ret->bytes + sizeof mapped, BYTES_V4);
        ret->size = BYTES_V4;
    }
    return true;
}

/* The bits of byte i that belong to the prefix. */
static unsigned char mask(const struct network *n, size_t i)
{
    if (n->bits >= 8 * (i + 1))
        return 0xff;
    return n->bits <= 8 * i ? 0 : (unsigned char)(0xff << (8 - (n->bits - 8 * i)));
}

static bool read_network(struct slice text, struct network *ret)
{
    struct slice rest = text, address = slice_cut(&rest, '/');
    if (!read_address(address, ret))
        return false;
    ret->bits = 8 * ret->size;
    if (rest.ptr && (!slice_to_u64(rest, &ret->bits) || ret->bits > 8 * ret->size))
        return false;
    for (size_t i = 0; i < ret->size; i++) {
        if (ret->bytes[i] & ~mask(ret, i))
            return false;
    }
    return true;
}

enum result net_network_check(struct slice text, struct error *err)
{
    struct network n;
    if (read_network(text, &n))
        return OK;
    return error_set(
        err, R_INVALID,
        "'%.*s' is no network: an address, or its first one with the length of the prefix, as 10.0.0.0/8 or "
        "2001:db8::/32",
        (int)(text.len < TEXT_MAX ? text.len : TEXT_MAX), text.ptr ? text.ptr : "");
}

static bool has(const struct network *n, const struct network *address)
{
    if (n->size != address->size)
        return false;
    for (size_t i = 0; i < n->size; i++) {
        if ((address->bytes[i] & mask(n, i)) != n->bytes[i])
            return false;
    }
    return true;
}

bool net_networks_have(const char *networks, const char *address)
{
    struct network own, n;
    struct slice rest = slice_of(networks);
    if (!read_address(slice_of(address), &own))
        return false;
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (word.len && read_network(word, &n) && has(&n, &own))
            return true;
    }
    return false;
}
