/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: SipHash-2-4 of (CRL, serial) under a random key, sorted. The hashes are evenly spread whatever serials a
 * CA or an attacker chooses, so that a position is found close to where interpolation says, within a page or two of
 * memory.
 */
#include "pki/list/index.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/error.h"
#include "base/host/mapping.h"
#include "base/mem.h"
#include "base/rand.h"

enum { KEY_SIZE = 16, STEP = 64, HEAPS = 256, FEW = 32 };

struct entry {
    uint64_t hash;
    uint32_t crl, offset;
};
_Static_assert(sizeof(struct entry) == 16, "a million entries are 16 MB");

struct pki_crl_index {
    EVP_MAC *mac;
    EVP_MAC_CTX *building; /* until sealed */
    unsigned char key[KEY_SIZE];
    size_t count, capacity;
    struct entry *entries;
};

/* The shortest form of a two's complement number, as DER wants it. */
static struct slice shortest(struct slice n)
{
    while (n.len > 1) {
        unsigned char first = (unsigned char)n.ptr[0], second = (unsigned char)n.ptr[1];
        if (!(first == 0x00 && second < 0x80) && !(first == 0xff && second >= 0x80))
            break;
        n = slice_skip(n, 1);
    }
    return n;
}

bool pki_crl_serial_eq(struct slice a, struct slice b)
{
    return slice_eq(shortest(a), shortest(b));
}

static uint64_t hash(const struct pki_crl_index *x, EVP_MAC_CTX *ctx, uint32_t crl, struct slice serial)
{
    uint64_t value = 0;
    size_t len = 0;
    serial = shortest(serial);
    if (!EVP_MAC_init(ctx, x->key, KEY_SIZE, NULL) || !EVP_MAC_update(ctx, (const unsigned char *)&crl, sizeof crl) ||
        !EVP_MAC_update(ctx, (const unsigned char *)serial.ptr, serial.len) ||
        !EVP_MAC_final(ctx, (unsigned char *)&value, &len, sizeof value) || len != sizeof value)
        fatal("pki: SipHash failed");
    return value;
}

static EVP_MAC_CTX *new_hash(const struct pki_crl_index *x)
{
    size_t size = sizeof(uint64_t);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(x->mac);
    if (!ctx || !EVP_MAC_CTX_set_params(ctx, params)) /* once: it costs as much as the hash itself */
        fatal("pki: out of memory, or SipHash of 8 bytes is not to be had");
    return ctx;
}

struct pki_crl_index *pki_crl_index_new(size_t capacity)
{
    struct pki_crl_index *x = mem_zalloc(sizeof *x);
    x->mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    if (!x->mac)
        fatal("pki: OpenSSL has no SipHash");
    x->building = new_hash(x);
    rand_bytes(x->key, sizeof x->key);
    x->capacity = capacity;
    x->entries = capacity ? map_memory(capacity * sizeof *x->entries) : NULL; /* capacity: of bytes that are there */
    return x;
}

void pki_crl_index_free(struct pki_crl_index *x)
{
    if (!x)
        return;
    EVP_MAC_CTX_free(x->building);
    EVP_MAC_free(x->mac);
    map_memory_free(x->entries, x->capacity * sizeof *x->entries);
    free(x);
}

void pki_crl_index_add(struct pki_crl_index *x, uint32_t crl, uint32_t offset, struct slice serial)
{
    if (!x->building || x->count == x->capacity)
        fatal("pki: a CRL index was filled beyond its room or after it was sealed");
    x->entries[x->count++] = (struct entry){hash(x, x->building, crl, serial), crl, offset};
}

/* --- sorting --- */

/* A few entries in order: each moves down to its place. */
static void sort_few(struct entry *e, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct entry one = e[i];
        size_t at = i;
        for (; at > 0 && e[at - 1].hash > one.hash; at--)
            e[at] = e[at - 1];
        e[at] = one;
    }
}

/* Which of 256 heaps an entry belongs to, by the byte of its hash that begins `shift` bits from the lowest. */
static size_t heap_of(const struct entry *e, unsigned shift)
{
    return (e->hash >> shift) & 0xff;
}

/* Takes an entry that lies elsewhere to its heap, then the one that lay there to its own, until one belongs here. */
static void fill_heap(struct entry *e, size_t heap, size_t *next, size_t end, unsigned shift)
{
    while (next[heap] < end) {
        struct entry one = e[next[heap]];
        for (size_t home = heap_of(&one, shift); home != heap; home = heap_of(&one, shift)) {
            struct entry other = e[next[home]];
            e[next[home]++] = one;
            one = other;
        }
        e[next[heap]++] = one;
    }
}

/* In place, byte by byte from the highest. The hashes are evenly spread, so that a million of them lie in heaps of a
 * few after two passes; 256 heaps at a time stay within the processor's caches. Entries of one serial, however many,
 * cost eight passes. */
static void sort(struct entry *e, size_t count, unsigned shift)
{
    size_t end[HEAPS] = {0}, next[HEAPS];
    if (count <= FEW) {
        sort_few(e, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        end[heap_of(&e[i], shift)]++;
    for (size_t h = 0, at = 0; h < HEAPS; h++) {
        next[h] = at;
        end[h] = at += end[h];
    }
    for (size_t h = 0; h < HEAPS; h++)
        fill_heap(e, h, next, end[h], shift);
    for (size_t h = 0; shift > 0 && h < HEAPS; h++)
        sort(e + (h ? end[h - 1] : 0), end[h] - (h ? end[h - 1] : 0), shift - 8);
}

void pki_crl_index_seal(struct pki_crl_index *x)
{
    EVP_MAC_CTX_free(x->building);
    x->building = NULL;
    sort(x->entries, x->count, 56);
}

/* --- looking up --- */

/* Where the hash should lie if they are evenly spread over 0 … 2^64-1; off by about the root of the count. */
static size_t guess(const struct pki_crl_index *x, uint64_t wanted)
{
    size_t at = (size_t)((double)wanted / 18446744073709551616.0 * (double)x->count);
    return at < x->count ? at : x->count - 1;
}

/* Index of the first entry whose hash is not below `wanted`: from the guess outwards in doubling steps until it is
 * bracketed, then by halves. What is looked at lies close together, and the end is certain whatever the hashes are. */
static size_t lower_bound(const struct pki_crl_index *x, uint64_t wanted)
{
    size_t lo = guess(x, wanted), hi = lo;
    for (size_t step = STEP; lo > 0 && x->entries[lo].hash >= wanted; step *= 2)
        lo = lo > step ? lo - step : 0;
    for (size_t step = STEP; hi < x->count && x->entries[hi].hash < wanted; step *= 2)
        hi = x->count - hi > step ? hi + step : x->count;
    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        if (x->entries[middle].hash < wanted)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

bool pki_crl_index_has(const struct pki_crl_index *x, uint32_t crl, struct slice serial, pki_crl_index_confirm *confirm,
                       void *arg)
{
    if (x->count == 0)
        return false;
    EVP_MAC_CTX *ctx = new_hash(x);
    uint64_t wanted = hash(x, ctx, crl, serial);
    EVP_MAC_CTX_free(ctx);
    for (size_t i = lower_bound(x, wanted); i < x->count && x->entries[i].hash == wanted; i++) {
        if (x->entries[i].crl == crl && confirm(arg, crl, x->entries[i].offset, serial))
            return true;
    }
    return false;
}
