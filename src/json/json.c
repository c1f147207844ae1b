/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict JSON over jansson. jansson itself refuses duplicate names (also when they are spelt with escapes), NUL, bad
 * UTF-8, numbers out of range and anything behind the document; size and depth are ours. Error texts say where and
 * which rule, and never repeat the document: it may hold a token.
 */
#include "json/json.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/mem.h"

static const struct {
    enum json_error_code code;
    const char *text;
} faults[] = {
    {json_error_invalid_utf8, "text that is not UTF-8"},
    {json_error_premature_end_of_input, "it ends in the middle"},
    {json_error_end_of_input_expected, "something follows the document"},
    {json_error_null_character, "a NUL character"},
    {json_error_null_byte_in_key, "a NUL character in a name"},
    {json_error_duplicate_key, "a name that occurs twice in one object"},
    {json_error_numeric_overflow, "a number out of range"},
};

static void wipe_and_free(void *memory)
{
    mem_free_secret(memory, malloc_usable_size(memory));
}

static void *must_allocate(size_t size)
{
    void *memory = malloc(size);
    if (!memory)
        fatal("out of memory (%zu bytes of JSON)", size);
    return memory;
}

void json_wipe_freed(bool on)
{
    json_set_alloc_funcs(must_allocate, on ? wipe_and_free : free);
}

static const char *fault_text(const json_error_t *fault)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (faults[i].code == json_error_code(fault))
            return faults[i].text;
    }
    return "a syntax error (expected: an object or array of RFC 8259)";
}

/* Recurses at most `left` levels; jansson's own parser stops at 2048. */
static bool depth_within(const json_t *value, unsigned left)
{
    if (!json_is_object(value) && !json_is_array(value))
        return true;
    if (left == 0)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!depth_within(json_array_get(value, i), left - 1))
            return false;
    }
    json_t *o = json_is_object(value) ? (json_t *)(uintptr_t)value : NULL; /* iterating takes a non-const object */
    for (void *it = json_object_iter(o); it; it = json_object_iter_next(o, it)) {
        if (!depth_within(json_object_iter_value(it), left - 1))
            return false;
    }
    return true;
}

enum result json_parse(struct slice text, size_t max, json_t **ret, struct error *err)
{
    json_error_t fault;
    *ret = NULL;
    if (text.len > max)
        return error_set(err, R_LIMIT, "JSON of %zu bytes, at most %zu are taken", text.len, max);
    json_t *value = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &fault);
    if (!value)
        return error_set(err, R_INVALID, "JSON, line %d, column %d: %s", fault.line, fault.column, fault_text(&fault));
    if (!depth_within(value, JSON_DEPTH_MAX)) {
        json_decref(value);
        return error_set(err, R_LIMIT, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
    }
    *ret = value;
    return OK;
}

static enum result need(const json_t *o, const char *name, json_type type, const char *kind, json_t **ret,
                        struct error *err)
{
    json_t *value = json_object_get(o, name);
    *ret = NULL;
    if (!value)
        return error_set(err, R_INVALID, "member '%s' is missing", name);
    if (json_typeof(value) != type)
        return error_set(err, R_INVALID, "member '%s' must be %s", name, kind);
    *ret = value;
    return OK;
}

enum result json_need_str(const json_t *o, const char *name, const char **ret, struct error *err)
{
    json_t *value;
    enum result r = need(o, name, JSON_STRING, "a string", &value, err);
    *ret = r == OK ? json_string_value(value) : NULL;
    return r;
}

enum result json_need_int(const json_t *o, const char *name, int64_t *ret, struct error *err)
{
    json_t *value;
    enum result r = need(o, name, JSON_INTEGER, "an integer", &value, err);
    *ret = r == OK ? (int64_t)json_integer_value(value) : 0;
    return r;
}

enum result json_need_array(const json_t *o, const char *name, json_t **ret, struct error *err)
{
    return need(o, name, JSON_ARRAY, "an array", ret, err);
}

enum result json_need_object(const json_t *o, const char *name, json_t **ret, struct error *err)
{
    return need(o, name, JSON_OBJECT, "an object", ret, err);
}

const char *json_opt_str(const json_t *o, const char *name, const char *fallback)
{
    const json_t *value = json_object_get(o, name);
    return json_is_string(value) ? json_string_value(value) : fallback;
}

int64_t json_opt_int(const json_t *o, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(o, name);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}

bool json_opt_bool(const json_t *o, const char *name, bool fallback)
{
    const json_t *value = json_object_get(o, name);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

char *json_text(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text)
        fatal("json: a value could not be written");
    return text;
}

bool json_array_has(const json_t *array, struct slice text)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (json_is_string(item) && slice_eq(slice_make(json_string_value(item), json_string_length(item)), text))
            return true;
    }
    return false;
}
