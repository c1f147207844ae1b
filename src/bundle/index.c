/* SPDX-License-Identifier: Apache-2.0 */
/* Built once for each document, then only searched. */
#include "bundle/index.h"

#include <stdlib.h>

#include "base/mem.h"

/* Doubles the room: the number of items has a maximum before they come here. */
static size_t grown(size_t room)
{
    return room ? room * 2 : 16;
}

void index_map_add(struct index_map *m, struct slice key, const void *value)
{
    if (m->count == m->room) {
        m->room = grown(m->room);
        m->entries = mem_resize(m->entries, m->room, sizeof *m->entries);
    }
    m->entries[m->count++] = (struct index_entry){key, value};
}

static int by_key(const void *a, const void *b)
{
    return slice_cmp(((const struct index_entry *)a)->key, ((const struct index_entry *)b)->key);
}

struct slice index_map_seal(struct index_map *m)
{
    if (m->count)
        qsort(m->entries, m->count, sizeof *m->entries, by_key);
    for (size_t i = 1; i < m->count; i++) {
        if (slice_eq(m->entries[i - 1].key, m->entries[i].key))
            return m->entries[i].key;
    }
    return SLICE_NONE;
}

const void *index_map_find(const struct index_map *m, struct slice key)
{
    struct index_entry wanted = {key, NULL};
    const struct index_entry *e = m->count ? bsearch(&wanted, m->entries, m->count, sizeof *m->entries, by_key) : NULL;
    return e ? e->value : NULL;
}

void index_map_free(struct index_map *m)
{
    free(m->entries);
    *m = (struct index_map){0};
}

void index_set_init(struct index_set *s, size_t width)
{
    *s = (struct index_set){.width = width};
}

void index_set_add(struct index_set *s, const void *key)
{
    if (s->count == s->room) {
        s->room = grown(s->room);
        s->keys = mem_resize(s->keys, s->room, s->width);
    }
    memcpy(s->keys + s->count++ * s->width, key, s->width);
}

static int by_bytes(const void *a, const void *b, void *width)
{
    return memcmp(a, b, *(const size_t *)width);
}

void index_set_seal(struct index_set *s)
{
    if (s->count)
        qsort_r(s->keys, s->count, s->width, by_bytes, &s->width);
}

bool index_set_has(const struct index_set *s, const void *key)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = memcmp(key, s->keys + middle * s->width, s->width);
        if (c == 0)
            return true;
        if (c < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}

void index_set_free(struct index_set *s)
{
    free(s->keys);
    *s = (struct index_set){0};
}

static bool pad_text(struct slice text, char ret[INDEX_TEXT_WIDTH])
{
    memset(ret, 0, INDEX_TEXT_WIDTH);
    return text.len > 0 && slice_to_cstr(text, ret, INDEX_TEXT_WIDTH);
}

bool index_set_add_text(struct index_set *s, struct slice text)
{
    char key[INDEX_TEXT_WIDTH];
    if (!pad_text(text, key))
        return false;
    index_set_add(s, key);
    return true;
}

bool index_set_has_text(const struct index_set *s, struct slice text)
{
    char key[INDEX_TEXT_WIDTH];
    return pad_text(text, key) && index_set_has(s, key);
}
