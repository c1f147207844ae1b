/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of members. Each error names its member; what calls puts the path in front ("endpoints[3]: …"). */
#include "bundle/member.h"

#include <inttypes.h>

#include "base/ascii.h"
#include "json/json.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static const struct {
    const char *alphabet;
    size_t max;
    const char *expected;
} forms[] = {
    [MEMBER_ROLE_ID] = {LOWER UPPER DIGITS "._-", 40, "1 to 40 of A-Z a-z 0-9 . _ -"},
    [MEMBER_PEER_ID] = {LOWER DIGITS "-", 40, "1 to 40 of a-z 0-9 -"},
    [MEMBER_ENDPOINT_ID] = {LOWER UPPER DIGITS "._-", 64, "1 to 64 of A-Z a-z 0-9 . _ -"},
    [MEMBER_HOST] = {LOWER UPPER DIGITS "._-", 253,
                     "a DNS name (other letters in their xn-- form) or IPv4 address without port"},
    [MEMBER_METHOD] = {LOWER UPPER DIGITS "_-", 32, "a method of HTTP"},
    [MEMBER_JTI] = {NULL, 63, "1 to 63 printable characters"},
};

static bool printable(const char *text)
{
    for (; *text; text++) {
        if (*text <= 0x20 || *text > 0x7e)
            return false;
    }
    return true;
}

/* No empty label: neither at the ends nor between two dots. */
static bool labels_ok(const char *text)
{
    struct slice rest = slice_of(text);
    while (rest.ptr) {
        struct slice label = slice_cut(&rest, '.');
        if (label.len == 0 || label.len > 63)
            return false;
    }
    return true;
}

bool member_form_ok(enum member_form form, const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > forms[form].max)
        return false;
    if (form == MEMBER_HOST && !labels_ok(text))
        return false;
    return forms[form].alphabet ? strspn(text, forms[form].alphabet) == len : printable(text);
}

static const char *kind_name(json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    default:
        return "an integer";
    }
}

enum result member_opt(const json_t *o, const char *name, json_type type, json_t **ret, struct error *err)
{
    json_t *value = json_object_get(o, name);
    *ret = NULL;
    if (!value || json_is_null(value))
        return OK;
    if (json_typeof(value) != type)
        return error_set(err, R_INVALID, "member '%s' must be %s", name, kind_name(type));
    *ret = value;
    return OK;
}

enum result member_room(struct arena *a, size_t count, size_t size, void **ret, struct error *err)
{
    *ret = count < SIZE_MAX / size ? arena_alloc(a, count * size) : NULL;
    return *ret ? OK : error_set(err, R_LIMIT, "the document needs more memory than a document may");
}

enum result member_copy(struct arena *a, const char *text, const char **ret, struct error *err)
{
    *ret = arena_dup(a, slice_of(text)).ptr;
    return *ret ? OK : error_set(err, R_LIMIT, "the document needs more memory than a document may");
}

enum result member_id(struct arena *a, const json_t *o, const char *name, enum member_form form, bool lower,
                      const char **ret, struct error *err)
{
    const char *text;
    *ret = NULL;
    enum result r = json_need_str(o, name, &text, err);
    if (r != OK)
        return r;
    if (!member_form_ok(form, text))
        return error_set(err, R_INVALID, "member '%s' is not %s", name, forms[form].expected);
    struct slice copy = arena_dup(a, slice_of(text));
    if (!copy.ptr)
        return error_set(err, R_LIMIT, "the document needs more memory than a document may");
    if (lower)
        ascii_lower_all((char *)(uintptr_t)copy.ptr, copy.len); /* our own copy */
    *ret = copy.ptr;
    return OK;
}

enum result member_text(struct arena *a, const json_t *o, const char *name, size_t max, const char *fallback,
                        const char **ret, struct error *err)
{
    json_t *value;
    *ret = fallback;
    enum result r = member_opt(o, name, JSON_STRING, &value, err);
    if (r != OK || !value)
        return r;
    if (json_string_length(value) > max)
        return error_set(err, R_LIMIT, "member '%s' is over %zu bytes", name, max);
    return member_copy(a, json_string_value(value), ret, err);
}

enum result member_int(const json_t *o, const char *name, int64_t min, int64_t max, int64_t fallback, int64_t *ret,
                       struct error *err)
{
    json_t *value;
    *ret = fallback;
    enum result r = member_opt(o, name, JSON_INTEGER, &value, err);
    if (r != OK || !value)
        return r;
    *ret = (int64_t)json_integer_value(value);
    if (*ret < min || *ret > max)
        return error_set(err, R_INVALID, "member '%s' is %" PRId64 ", expected is %" PRId64 " to %" PRId64, name, *ret,
                         min, max);
    return OK;
}

enum result member_bool(const json_t *o, const char *name, bool fallback, bool *ret, struct error *err)
{
    const json_t *value = json_object_get(o, name);
    *ret = fallback;
    if (!value || json_is_null(value))
        return OK;
    if (!json_is_boolean(value))
        return error_set(err, R_INVALID, "member '%s' must be true or false", name);
    *ret = json_is_true(value);
    return OK;
}

enum result member_array(const json_t *o, const char *name, size_t max, json_t **ret, struct error *err)
{
    enum result r = member_opt(o, name, JSON_ARRAY, ret, err);
    if (r == OK && json_array_size(*ret) > max)
        return error_set(err, R_LIMIT, "member '%s' has %zu items, at most %zu are taken", name, json_array_size(*ret),
                         max);
    return r;
}

/* The exact word: the synonyms that choices takes from people are not for documents. */
static bool client_word(const json_t *word, enum choice_client *ret)
{
    const char *text = json_is_string(word) ? json_string_value(word) : "";
    return choices_client_parse(slice_of(text), ret) && strcmp(choices_client_name(*ret), text) == 0;
}

enum result member_clients(const json_t *o, const char *name, unsigned *ret, struct error *err)
{
    json_t *list;
    *ret = 0;
    enum result r = member_array(o, name, CHOICE_CLIENTS, &list, err);
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        enum choice_client client;
        if (!client_word(json_array_get(list, i), &client))
            r = error_set(err, R_INVALID, "member '%s' holds something else than pki, entra and token", name);
        else
            *ret |= CHOICE_BIT(client);
    }
    return r;
}

enum result member_mode(const json_t *o, const char *name, enum choice_mp *ret, struct error *err)
{
    const char *text;
    enum result r = json_need_str(o, name, &text, err);
    if (r != OK)
        return r;
    if (!choices_mp_parse(slice_of(text), ret) || strcmp(choices_mp_name(*ret), text) != 0)
        return error_set(err, R_INVALID, "member '%s' is neither https nor ehttp", name);
    return OK;
}

enum result member_upgrade(const json_t *o, bool *ret_websocket, struct error *err)
{
    json_t *word;
    enum result r = member_opt(o, "upgrade", JSON_STRING, &word, err);
    if (r == OK && word && strcmp(json_string_value(word), "websocket") != 0)
        r = error_set(err, R_INVALID, "member 'upgrade' is not websocket");
    *ret_websocket = word != NULL;
    return r;
}

enum { WORDS_MAX = 2048 };
enum result member_words(struct arena *a, const json_t *o, const char *name, const char **ret, struct error *err)
{
    json_t *list;
    enum result r = member_array(o, name, 16, &list, err);
    struct slice words = SLICE("");
    for (size_t i = 0; r == OK && i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (!word || !*word || strpbrk(word, " \t\r\n") || words.len + strlen(word) > WORDS_MAX)
            return error_set(err, R_INVALID, "member '%s' holds what is no word, or too many", name);
        words = arena_printf(a, "%s%s%s", words.len ? words.ptr : "", words.len ? " " : "", word);
        if (!words.ptr)
            return error_set(err, R_LIMIT, "member '%s' is too long", name);
    }
    if (r == OK && words.len == 0)
        return error_set(err, R_INVALID, "member '%s' is missing or empty", name);
    *ret = words.ptr;
    return r;
}
