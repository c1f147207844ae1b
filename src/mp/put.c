/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of what the store holds: never half an object. */
#include "mp/put.h"

void mp_put(json_t *o, const char *name, json_t *value)
{
    if (json_object_set_new(o, name, value) != 0)
        fatal("out of memory, or text that is not UTF-8, in a document (%s)", name);
}

void mp_push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        fatal("out of memory, or text that is not UTF-8, in a document");
}

json_t *mp_content_words(const char *words)
{
    json_t *array = json_array();
    struct slice rest = slice_of(words);
    while (rest.ptr) {
        struct slice word = slice_cut(&rest, ' ');
        if (word.len)
            mp_push(array, json_stringn(word.ptr, word.len));
    }
    return array;
}
