/* SPDX-License-Identifier: Apache-2.0 */
/* Facts as JSON: their form, their one text, and merge patches of them. How deep it goes is bounded by whoever parsed
 * it (JSON_DEPTH_MAX). */
#include "facts/facts.h"

#include <stdlib.h>

/* --- form --- */

static bool text_fits(const json_t *value)
{
    return json_string_length(value) <= FACTS_TEXT_MAX;
}

static bool list_fits(const json_t *list)
{
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        if (!json_is_string(item) || !text_fits(item))
            return false;
    }
    return json_array_size(list) <= FACTS_MEMBERS_MAX;
}

static bool value_fits(const json_t *value)
{
    return json_is_integer(value) || json_is_boolean(value) || (json_is_string(value) && text_fits(value)) ||
           (json_is_array(value) && list_fits(value));
}

static enum result check_object(const json_t *o, unsigned depth, struct error *err)
{
    const char *name;
    json_t *value;
    if (json_object_size(o) > FACTS_MEMBERS_MAX || depth > FACTS_DEPTH_MAX)
        return error_set(err, R_LIMIT, "facts have at most %d members in one object, %d levels deep", FACTS_MEMBERS_MAX,
                         FACTS_DEPTH_MAX);
    json_object_foreach((json_t *)(uintptr_t)o, name, value) {
        size_t len = strlen(name);
        if (!len || len > FACTS_NAME_MAX)
            return error_set(err, R_INVALID, "a fact's name is 1 to %d bytes", FACTS_NAME_MAX);
        enum result r = json_is_object(value) ? check_object(value, depth + 1, err) : OK;
        if (r != OK)
            return r;
        if (!json_is_object(value) && !value_fits(value))
            return error_set(err, R_INVALID,
                             "'%.64s' is no text of at most %d bytes, whole number, truth, list of texts or object",
                             name, FACTS_TEXT_MAX);
    }
    return OK;
}

enum result facts_check(const json_t *facts, char **ret_text, struct error *err)
{
    const char *name;
    json_t *section;
    if (!json_is_object(facts) || json_object_size(facts) > FACTS_SECTIONS_MAX)
        return error_set(err, R_INVALID, "facts are an object of at most %d sections", FACTS_SECTIONS_MAX);
    json_object_foreach((json_t *)(uintptr_t)facts, name, section) {
        if (!json_is_object(section))
            return error_set(err, R_INVALID, "'%.64s' is no section: an object", name);
    }
    enum result r = check_object(facts, 0, err);
    if (r != OK)
        return r;
    char *text = facts_text(facts);
    if (strlen(text) > FACTS_MAX)
        r = error_set(err, R_LIMIT, "facts are at most %d bytes", FACTS_MAX);
    if (r == OK && ret_text)
        *ret_text = text;
    else
        free(text);
    return r;
}

char *facts_text(const json_t *facts)
{
    char *text = json_dumps(facts, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    if (!text)
        fatal("facts can't be put into JSON");
    return text;
}

void facts_fingerprint(const char *text, char ret[DIGEST_HEX])
{
    digest_hex_of(slice_of(text), ret);
}

/* --- merge patches --- */

static void put(json_t *o, const char *name, json_t *value)
{
    if (json_object_set_new(o, name, value) != 0)
        fatal("facts can't be kept");
}

json_t *facts_change(const json_t *before, const json_t *now)
{
    json_t *change = json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)before, name, value) {
        if (!json_object_get(now, name))
            put(change, name, json_null());
    }
    json_object_foreach((json_t *)(uintptr_t)now, name, value) {
        const json_t *was = json_object_get(before, name);
        if (json_equal(was, value))
            continue;
        put(change, name,
            json_is_object(value) && json_is_object(was) ? facts_change(was, value) : json_deep_copy(value));
    }
    return change;
}

/* Nothing of it is null, as far as objects go. */
json_t *facts_apply(const json_t *before, const json_t *change)
{
    json_t *ret = json_is_object(before) ? json_copy((json_t *)(uintptr_t)before) : json_object(), *value;
    const char *name;
    json_object_foreach((json_t *)(uintptr_t)change, name, value) {
        if (json_is_null(value))
            (void)json_object_del(ret, name);
        else if (json_is_object(value))
            put(ret, name, facts_apply(json_object_get(ret, name), value));
        else
            put(ret, name, json_incref(value));
    }
    return ret;
}
