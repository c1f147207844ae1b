/* SPDX-License-Identifier: Apache-2.0 */
/* Counting who still sends a text; the last one wipes it. */
#include "mp/content/text.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SECRETS_MAX = 64 * 1024 }; /* longer texts are lists and documents, no tokens or keys */

struct mp_text *mp_text_new_bytes(char *bytes, size_t len)
{
    struct mp_text *t = mem_zalloc(sizeof *t);
    *t = (struct mp_text){1, len, bytes};
    return t;
}

struct mp_text *mp_text_new(char *bytes)
{
    return mp_text_new_bytes(bytes, strlen(bytes));
}

struct mp_text *mp_text_ref(struct mp_text *t)
{
    t->references++;
    return t;
}

void mp_text_unref(struct mp_text *t)
{
    if (!t || --t->references)
        return;
    mem_free_secret(t->bytes, t->len < SECRETS_MAX ? t->len : 0);
    free(t);
}
