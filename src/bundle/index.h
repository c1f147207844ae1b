/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted arrays to search in: text → thing, and sets of keys of one width. Of this folder only. */
#ifndef BUNDLE_INDEX_H
#define BUNDLE_INDEX_H

#include "base/error.h"
#include "base/slice.h"

struct index_entry {
    struct slice key; /* borrowed */
    const void *value;
};

struct index_map {
    struct index_entry *entries; /* malloc'ed */
    size_t count, room;
};

void index_map_add(struct index_map *m, struct slice key, const void *value);
/* Sorts; returns a key that stands twice, or SLICE_NONE. */
struct slice index_map_seal(struct index_map *m);
const void *index_map_find(const struct index_map *m, struct slice key); /* NULL: none. Only once sealed */
void index_map_free(struct index_map *m);

enum { INDEX_TEXT_WIDTH = 64 };

struct index_set {
    unsigned char *keys; /* malloc'ed: count × width bytes */
    size_t width, count, room;
};

void index_set_init(struct index_set *s, size_t width);
void index_set_add(struct index_set *s, const void *key); /* width bytes */
void index_set_seal(struct index_set *s);
bool index_set_has(const struct index_set *s, const void *key); /* only once sealed */
void index_set_free(struct index_set *s);

/* Text in a set of the width INDEX_TEXT_WIDTH, padded with NULs; false (and nothing added) when it is too long. */
MUST_USE bool index_set_add_text(struct index_set *s, struct slice text);
bool index_set_has_text(const struct index_set *s, struct slice text);

#endif
