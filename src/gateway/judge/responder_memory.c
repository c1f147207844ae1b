/* SPDX-License-Identifier: Apache-2.0 */
/* A tree and a list of last use, bounded. The key is a hash of what a peer may choose, so a tree, not a table. Its
 * lock is the responder's. */
#include "gateway/judge/responder_memory.h"

#include <stdlib.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "base/mem.h"

struct memory {
    RB_ENTRY(memory) node;
    TAILQ_ENTRY(memory) used;
    unsigned char key[PKI_OCSP_KEY_SIZE];
    struct pki_ocsp_answer answer;
    int64_t until;
};

RB_HEAD(memory_tree, memory);

struct responder_memory {
    struct memory_tree tree;
    TAILQ_HEAD(memory_list, memory) recent; /* most recently used first */
    size_t count, max;
};

static int memory_cmp(struct memory *a, struct memory *b)
{
    return memcmp(a->key, b->key, PKI_OCSP_KEY_SIZE);
}

RB_PROTOTYPE_INTERNAL(memory_tree, memory, node, memory_cmp, static UNUSED)
RB_GENERATE_INTERNAL(memory_tree, memory, node, memory_cmp, static UNUSED)

struct responder_memory *responder_memory_new(size_t max)
{
    struct responder_memory *m = mem_zalloc(sizeof *m);
    RB_INIT(&m->tree);
    TAILQ_INIT(&m->recent);
    m->max = max;
    return m;
}

static void drop_entry(struct responder_memory *m, struct memory *e)
{
    (void)RB_REMOVE(memory_tree, &m->tree, e);
    TAILQ_REMOVE(&m->recent, e, used);
    m->count--;
    free(e);
}

static struct memory *find_entry(struct responder_memory *m, const unsigned char *key)
{
    struct memory wanted;
    memcpy(wanted.key, key, PKI_OCSP_KEY_SIZE);
    return RB_FIND(memory_tree, &m->tree, &wanted);
}

void responder_memory_put(struct responder_memory *m, const unsigned char key[PKI_OCSP_KEY_SIZE],
                          const struct pki_ocsp_answer *answer, int64_t until)
{
    struct memory *e = find_entry(m, key);
    if (e)
        drop_entry(m, e);
    if (m->count == m->max)
        drop_entry(m, TAILQ_LAST(&m->recent, memory_list));
    e = mem_zalloc(sizeof *e);
    memcpy(e->key, key, PKI_OCSP_KEY_SIZE);
    e->answer = *answer;
    e->until = until;
    (void)RB_INSERT(memory_tree, &m->tree, e);
    TAILQ_INSERT_HEAD(&m->recent, e, used);
    m->count++;
}

bool responder_memory_get(struct responder_memory *m, const unsigned char key[PKI_OCSP_KEY_SIZE], int64_t now,
                          struct pki_ocsp_answer *ret)
{
    struct memory *e = find_entry(m, key);
    if (!e)
        return false;
    if (now >= e->until) {
        drop_entry(m, e);
        return false;
    }
    TAILQ_REMOVE(&m->recent, e, used);
    TAILQ_INSERT_HEAD(&m->recent, e, used);
    *ret = e->answer;
    return true;
}
