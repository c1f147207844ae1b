/* SPDX-License-Identifier: Apache-2.0 */
/* Verdicts already reached, by a SHA-256 of what was judged; a worker's own, bounded, the least recently used go first.
 * A verdict holds for one generation of the snapshot and until its time is up (PROTOCOL 5). */
#ifndef GATEWAY_JUDGE_VERDICT_CACHE_H
#define GATEWAY_JUDGE_VERDICT_CACHE_H

#include "jose/entra.h"
#include "jose/foreign.h"
#include "jose/token.h"
#include "pki/trust.h"

#define VERDICT_KEY_SIZE 32

struct verdict_cache;

struct cached_verdict {
    uint64_t generation;
    int64_t valid_until; /* wall seconds */
    enum { CACHED_CERTIFICATE, CACHED_TOKEN, CACHED_ENTRA, CACHED_FOREIGN } kind;
    union {
        struct pki_verdict certificate;
        struct token token;           /* only tokens that were let in are kept */
        struct entra_token entra;     /* its tenant is of the snapshot of this generation */
        struct foreign_token foreign; /* its site too */
    };
};

struct verdict_cache *verdict_cache_new(size_t max_entries);
void verdict_cache_free(struct verdict_cache *c);

/* NULL: not there, of another generation, or over. Borrowed until the next put. */
const struct cached_verdict *verdict_cache_get(struct verdict_cache *c, const unsigned char key[VERDICT_KEY_SIZE],
                                               uint64_t generation, int64_t now);
void verdict_cache_put(struct verdict_cache *c, const unsigned char key[VERDICT_KEY_SIZE],
                       const struct cached_verdict *verdict);

#endif
