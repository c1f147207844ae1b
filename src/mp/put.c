/* SPDX-License-Identifier: Apache-2.0 */
/* JSON of what the store holds: never half an object. */
#include "mp/put.h"

#include "base/host/log.h"

static json_t *or_null(json_t *value, const char *where)
{
    if (value)
        return value;
    log_msg(LOG_ERROR, "json", "text that is not UTF-8 was left out: %s", where);
    return json_null();
}

void mp_put(json_t *o, const char *name, json_t *value)
{
    if (!o)
        json_decref(value);
    else if (json_object_set_new(o, name, or_null(value, name)) != 0)
        fatal("mp: '%s' is put into what is no object", name);
}

void mp_push(json_t *array, json_t *value)
{
    if (!array)
        json_decref(value);
    else if (json_array_append_new(array, or_null(value, "an item of a list")) != 0)
        fatal("mp: something is put into what is no list");
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
