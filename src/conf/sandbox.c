/* SPDX-License-Identifier: Apache-2.0 */
/* Walks what was loaded by its tables, and names each path of it to the sandbox. */
#include "conf/sandbox.h"

static void name_texts(const struct conf_texts *t, enum sandbox_use use, struct sandbox *s)
{
    for (size_t i = 0; i < t->count; i++)
        sandbox_allow(s, use, t->items[i]);
}

static void name_blocks(const struct conf_schema *schema, const struct conf_blocks *b, struct sandbox *s)
{
    for (size_t i = 0; i < b->count; i++)
        conf_sandbox_paths(schema, (const char *)b->items + i * schema->size, s);
}

void conf_sandbox_paths(const struct conf_schema *schema, const void *loaded, struct sandbox *s)
{
    for (const struct conf_key *k = schema->keys; k->name; k++) {
        const void *at = (const char *)loaded + k->offset;
        if (k->kind == CONF_PATH)
            sandbox_allow(s, k->use, *(char *const *)at);
        else if (k->kind == CONF_PATHS)
            name_texts(at, k->use, s);
        else if (k->kind == CONF_BLOCK)
            conf_sandbox_paths(k->block, at, s);
        else if (k->kind == CONF_BLOCKS)
            name_blocks(k->block, at, s);
    }
}
