/* SPDX-License-Identifier: Apache-2.0 */
/* Reading limits for administrators, and judging by them. Which address is believed is decided here alone. */
#include "mp/sender/scope.h"

#include <stdio.h>
#include <string.h>

#include "mp/site.h"
#include "mp/targeting/rule.h"
#include "net/address.h"
#include "net/network.h"
#include "store/targeting/collection.h"

enum { WORDS_MAX = 64, TEXT_MAX = 4096, PATTERN_MAX = 128 };

/* --- reading --- */

static enum result check_pattern(struct slice text, struct error *err)
{
    return text.len <= PATTERN_MAX ? OK
                                   : error_set(err, R_INVALID, "a pattern of names has at most %d bytes", PATTERN_MAX);
}

typedef enum result check_fn(struct slice word, struct error *err);

static enum result read_words(struct arena *a, const json_t *body, const char *name, check_fn *check, const char **ret,
                              struct error *err)
{
    const json_t *list = json_object_get(body, name);
    struct slice words = SLICE("");
    if (list && !json_is_array(list))
        return error_set(err, R_INVALID, "'%s' is an array of strings", name);
    if (json_array_size(list) > WORDS_MAX)
        return error_set(err, R_LIMIT, "'%s' has more than %d", name, WORDS_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        if (!word || !*word || strpbrk(word, " \t\r\n"))
            return error_set(err, R_INVALID, "'%s' holds what is empty or has blanks", name);
        if (check(slice_of(word), err) != OK)
            return R_INVALID;
        words = arena_printf(a, "%s%s%s", words.ptr, words.len ? " " : "", word);
        if (!words.ptr || words.len > TEXT_MAX)
            return error_set(err, R_LIMIT, "'%s' is over %d bytes", name, TEXT_MAX);
    }
    *ret = words.ptr;
    return OK;
}

enum result mp_scope_read(struct store *store, struct arena *a, const json_t *body, struct store_token *ret,
                          struct error *err)
{
    struct store_collection c;
    ret->collection = json_opt_str(body, "collection", "");
    enum result result = read_words(a, body, "networks", net_network_check, &ret->networks, err);
    if (result == OK)
        result = read_words(a, body, "names", check_pattern, &ret->names, err);
    if (result == OK && *ret->collection)
        result = store_collection_get(store, a, ret->collection, &c, err);
    if (result == R_NOTFOUND)
        (void)error_set(err, result, "there is no collection '%.128s': cmg collection add", ret->collection);
    return result;
}

/* --- judging --- */

/* RFC 7239 4 as our connector writes it: one element, `for=192.0.2.1` or `for="[2001:db8::1]"`. */
static bool read_forwarded(struct slice value, char ret[MP_SCOPE_ADDRESS])
{
    struct slice rest = slice_cut(&value, ';');
    if (!slice_starts_nocase(rest, SLICE("for=")))
        return false;
    rest = slice_skip(rest, 4);
    if (slice_starts(rest, SLICE("\"["))) {
        size_t end = slice_find(rest, ']');
        rest = end == SIZE_MAX ? SLICE_NONE : slice_make(rest.ptr + 2, end - 2);
    }
    return slice_to_cstr(rest, ret, MP_SCOPE_ADDRESS);
}

/* "1.2.3.4:5", "[::1]:5" → without the port. */
static bool read_peer(struct slice peer, char ret[MP_SCOPE_ADDRESS])
{
    size_t end = slice_starts(peer, SLICE("[")) ? slice_find(peer, ']') : slice_find(peer, ':');
    size_t from = slice_starts(peer, SLICE("[")) ? 1 : 0;
    return end != SIZE_MAX && slice_to_cstr(slice_make(peer.ptr + from, end - from), ret, MP_SCOPE_ADDRESS);
}

void mp_scope_address(const struct mp_sender *from, char ret[MP_SCOPE_ADDRESS])
{
    struct slice forwarded = http_fields_get(&from->request->fields, SLICE("forwarded"));
    bool read =
        from->identity.connector[0] ? read_forwarded(forwarded, ret) : read_peer(slice_of(from->peer->address), ret);
    if (!read)
        ret[0] = '\0';
}

void mp_scope_origin(const struct mp_sender *from, const char *token, char ret[MP_SCOPE_ORIGIN])
{
    char address[MP_SCOPE_ADDRESS], text[MP_SCOPE_ADDRESS + 8];
    struct net_address a;
    mp_scope_address(from, address);
    (void)snprintf(text, sizeof text, strchr(address, ':') ? "[%s]:0" : "%s:0", address);
    if (!from->identity.connector[0])
        (void)snprintf(ret, MP_SCOPE_ORIGIN, "%s", from->peer->group);
    else if (*address && net_address_parse(slice_of(text), &a, NULL) == OK)
        net_address_format_group(&a, ret);
    else
        (void)snprintf(ret, MP_SCOPE_ORIGIN, "connector %s, token %s", from->identity.connector, token);
}

static bool named(const char *patterns, const char *name)
{
    struct slice rest = slice_of(patterns);
    while (rest.ptr) {
        if (mp_rule_glob(slice_cut(&rest, ' '), slice_of(name)))
            return true;
    }
    return false;
}

enum result mp_scope_holds(const struct mp_sender *from, const struct store_token *t, const char *name,
                           struct error *err)
{
    char address[MP_SCOPE_ADDRESS];
    mp_scope_address(from, address);
    if (*t->networks && !net_networks_have(t->networks, address))
        return error_set(err, R_DENIED, "the bulk token is for devices in %.200s; this one comes from %s", t->networks,
                         *address ? address : "an address that nobody told");
    if (*t->names && !named(t->names, name))
        return error_set(err, R_DENIED, "the bulk token is for devices called %.200s; this one is called '%.128s'",
                         t->names, name);
    return OK;
}
