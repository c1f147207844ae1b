/* SPDX-License-Identifier: Apache-2.0 */
/* A tree and a list of last use, bounded. Knows generations and times, and nothing of what a verdict means. A
 * worker's own, without a lock. */
#include "gateway/judge/verdict_cache.h"

#include <stdlib.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "base/mem.h"

/* The key is a hash, but of something that a peer chose: a tree, so that no choice of keys makes look-ups slow. */
struct entry {
    RB_ENTRY(entry) node;
    TAILQ_ENTRY(entry) used;
    unsigned char key[VERDICT_KEY_SIZE];
    struct cached_verdict verdict;
};

RB_HEAD(entry_tree, entry);

struct verdict_cache {
    struct entry_tree tree;
    TAILQ_HEAD(entry_list, entry) recent; /* most recently used first */
    size_t count, max;
};

static int entry_cmp(struct entry *a, struct entry *b)
{
    return memcmp(a->key, b->key, VERDICT_KEY_SIZE);
}

RB_PROTOTYPE_INTERNAL(entry_tree, entry, node, entry_cmp, static UNUSED)
RB_GENERATE_INTERNAL(entry_tree, entry, node, entry_cmp, static UNUSED)

struct verdict_cache *verdict_cache_new(size_t max_entries)
{
    struct verdict_cache *c = mem_zalloc(sizeof *c);
    RB_INIT(&c->tree);
    TAILQ_INIT(&c->recent);
    c->max = max_entries;
    return c;
}

static void drop_entry(struct verdict_cache *c, struct entry *e)
{
    (void)RB_REMOVE(entry_tree, &c->tree, e);
    TAILQ_REMOVE(&c->recent, e, used);
    c->count--;
    free(e);
}

void verdict_cache_free(struct verdict_cache *c)
{
    if (!c)
        return;
    while (!TAILQ_EMPTY(&c->recent))
        drop_entry(c, TAILQ_FIRST(&c->recent));
    free(c);
}

static struct entry *find_entry(struct verdict_cache *c, const unsigned char *key)
{
    struct entry wanted;
    memcpy(wanted.key, key, VERDICT_KEY_SIZE);
    return RB_FIND(entry_tree, &c->tree, &wanted);
}

const struct cached_verdict *verdict_cache_get(struct verdict_cache *c, const unsigned char key[VERDICT_KEY_SIZE],
                                               uint64_t generation, int64_t now)
{
    struct entry *e = find_entry(c, key);
    if (!e)
        return NULL;
    if (e->verdict.generation != generation || now >= e->verdict.valid_until) {
        drop_entry(c, e);
        return NULL;
    }
    if (e != TAILQ_FIRST(&c->recent)) {
        TAILQ_REMOVE(&c->recent, e, used);
        TAILQ_INSERT_HEAD(&c->recent, e, used);
    }
    return &e->verdict;
}

void verdict_cache_put(struct verdict_cache *c, const unsigned char key[VERDICT_KEY_SIZE],
                       const struct cached_verdict *verdict)
{
    struct entry *old = find_entry(c, key);
    if (old)
        drop_entry(c, old);
    if (c->count == c->max)
        drop_entry(c, TAILQ_LAST(&c->recent, entry_list));
    struct entry *e = mem_zalloc(sizeof *e);
    memcpy(e->key, key, VERDICT_KEY_SIZE);
    e->verdict = *verdict;
    (void)RB_INSERT(entry_tree, &c->tree, e);
    TAILQ_INSERT_HEAD(&c->recent, e, used);
    c->count++;
}
