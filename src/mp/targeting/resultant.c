/* SPDX-License-Identifier: Apache-2.0 */
/* The table of client settings, and who wins. */
#include "mp/targeting/resultant.h"

#include <stdio.h>
#include <stdlib.h>

#include "choices/choices.h"
#include "conf/units.h"
#include "mp/put.h"
#include "mp/site.h"
#include "mp/targeting/rule.h"
#include "store/targeting/client_settings.h"
#include "store/targeting/collection.h"

enum { INTERVAL_MIN = 10, INTERVAL_MAX = 7 * 86400, WAIT_MIN = 10, WAIT_MAX = 270 };

/* --- values --- */

static json_t *flag(const json_t *given)
{
    bool on;
    const char *text = json_string_value(given);
    if (json_is_boolean(given))
        return json_boolean(json_is_true(given));
    if (text && (strcmp(text, "1") == 0 || strcmp(text, "0") == 0))
        return json_boolean(*text == '1');
    return text && conf_parse_bool(slice_of(text), &on) ? json_boolean(on) : NULL;
}

static json_t *interval(const json_t *given)
{
    uint64_t s = json_is_integer(given) && json_integer_value(given) > 0 ? (uint64_t)json_integer_value(given) : 0;
    const char *text = json_string_value(given);
    if (text && !conf_parse_duration(slice_of(text), &s))
        return NULL;
    return s >= INTERVAL_MIN && s <= INTERVAL_MAX ? json_integer((json_int_t)s) : NULL;
}

/* 0, or as long as a request may wait (mp/notify/waiting.h). */
static json_t *wait_time(const json_t *given)
{
    uint64_t s = json_is_integer(given) && json_integer_value(given) > 0 ? (uint64_t)json_integer_value(given) : 0;
    const char *text = json_string_value(given);
    if (text ? !conf_parse_duration(slice_of(text), &s) : !json_is_integer(given) || json_integer_value(given) < 0)
        return NULL;
    return !s || (s >= WAIT_MIN && s <= WAIT_MAX) ? json_integer((json_int_t)s) : NULL;
}

static json_t *of_mask(unsigned mask)
{
    json_t *list = json_array();
    for (unsigned m = 0; m < CHOICE_CLIENTS; m++) {
        if (mask & CHOICE_BIT(m))
            mp_push(list, json_string(choices_client_name((enum choice_client)m)));
    }
    return list;
}

static bool add_method(struct slice word, unsigned *mask)
{
    enum choice_client m;
    bool good = choices_client_parse(word, &m);
    if (good)
        *mask |= CHOICE_BIT(m);
    return good;
}

static json_t *methods(const json_t *given)
{
    unsigned mask = 0;
    bool good = true;
    struct slice rest = slice_of(json_string_value(given));
    const json_t *item;
    size_t i;
    json_array_foreach(given, i, item)
        good = good && json_is_string(item) && add_method(slice_of(json_string_value(item)), &mask);
    while (rest.ptr && good)
        good = add_method(slice_trim(slice_cut(&rest, ',')), &mask);
    return good && mask ? of_mask(mask) : NULL;
}

static json_t *allowed(void)
{
    return json_true();
}

static json_t *hourly(void)
{
    return json_integer(3600);
}

static json_t *longest(void)
{
    return json_integer(WAIT_MAX);
}

static json_t *all_methods(void)
{
    return of_mask(~0u);
}

static const struct setting {
    const char *name, *form;
    json_t *(*read)(const json_t *given);
    json_t *(*fallback)(void);
} table[] = {
    {"allow_cmg", "yes or no: may the device use a cloud management gateway", flag, allowed},
    {"policy_interval", "a duration between 10s and 7d: between two policy requests", interval, hourly},
    {"notification_wait",
     "a duration between 10s and 270s: how long one request waits to be told something; 0: none does", wait_time,
     longest},
    {"allowed_methods", "some of pki,entra,token", methods, all_methods},
};

json_t *mp_resultant_value(const char *name, const json_t *given, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        json_t *value = table[i].read(given);
        char *text = json_dumps(given, JSON_COMPACT | JSON_ENCODE_ANY);
        if (!value)
            (void)error_set(err, R_INVALID, "%s can't be %.64s: it wants %s", name, text ? text : "this",
                            table[i].form);
        free(text);
        return value;
    }
    (void)error_set(err, R_INVALID,
                    "there is no client setting '%.64s'; there are: allow_cmg, policy_interval, notification_wait, "
                    "allowed_methods",
                    name);
    return NULL;
}

/* --- collections of the device --- */

enum result mp_collections_of(struct mp_site *site, struct arena *a, const struct store_device *d, json_t **ret,
                              struct error *err)
{
    struct store_collection *list;
    size_t count;
    *ret = json_array();
    enum result r = store_collection_list(site->store, a, d->guid, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        if (list[i].has || mp_rules_hold(list[i].rules, d))
            mp_push(*ret, json_string(list[i].name));
    }
    return r;
}

/* --- who wins --- */

struct contest {
    struct store_client_settings *list; /* by priority */
    json_t **settings;                  /* of each of them, parsed */
    size_t count;
    const json_t *collections; /* that have the device */
};

void mp_resultant_name(const struct store_client_settings *c, char *ret, size_t size)
{
    if (!c)
        (void)snprintf(ret, size, "built-in default");
    else if (!c->collection)
        (void)snprintf(ret, size, "default settings");
    else
        (void)snprintf(ret, size, "custom settings '%.64s' (priority %lld, collection %.64s)", c->name,
                       (long long)c->priority, c->collection);
}

/* c NULL: what is built in. Takes `value`. */
static json_t *candidate(const struct store_client_settings *c, json_t *value, const char *why)
{
    return json_pack("{s:s, s:I, s:s?, s:o, s:s}", "from", c ? c->name : "built-in", "priority",
                     (json_int_t)(c ? c->priority : STORE_CLIENT_SETTINGS_LAST + 1), "collection",
                     c ? c->collection : NULL, "value", value, "why", why);
}

static bool concerns(const struct contest *t, const struct store_client_settings *c)
{
    return !c->collection || json_array_has(t->collections, slice_of(c->collection));
}

static const struct store_client_settings *find_winner(const struct contest *t, const char *name, json_t **ret_value)
{
    for (size_t i = 0; i < t->count; i++) {
        *ret_value = json_object_get(t->settings[i], name);
        if (*ret_value && concerns(t, &t->list[i]))
            return &t->list[i];
    }
    return NULL;
}

static const char *why_lost(const struct contest *t, const struct store_client_settings *c, const char *winner,
                            char *ret, size_t size)
{
    if (!concerns(t, c))
        (void)snprintf(ret, size, "the device is not in collection %.64s", c->collection);
    else if (!c->collection)
        (void)snprintf(ret, size, "default settings come after every custom setting: %.200s wins", winner);
    else
        (void)snprintf(ret, size, "priority %lld comes after %.200s", (long long)c->priority, winner);
    return ret;
}

static void decide(const struct contest *t, const struct setting *s, json_t *ret)
{
    char name[256], why[320];
    json_t *value = NULL, *losers = json_array();
    const struct store_client_settings *winner = find_winner(t, s->name, &value);
    mp_resultant_name(winner, name, sizeof name);
    json_t *chosen = winner ? json_incref(value) : s->fallback();
    for (size_t i = 0; i < t->count; i++) {
        json_t *other = json_object_get(t->settings[i], s->name);
        if (other && &t->list[i] != winner)
            mp_push(losers,
                    candidate(&t->list[i], json_incref(other), why_lost(t, &t->list[i], name, why, sizeof why)));
    }
    if (winner) {
        (void)snprintf(why, sizeof why, "%s wins", name);
        mp_push(losers, candidate(NULL, s->fallback(), why));
    }
    (void)snprintf(why, sizeof why, "%s",
                   !winner               ? "nothing else says anything of it for this device"
                   : !winner->collection ? "no custom settings of a collection with this device "
                                           "say anything of it"
                                         : "the first by priority of those whose collection "
                                           "has the device");
    mp_push(json_object_get(ret, "settings"),
            json_pack("{s:s, s:O, s:o, s:o}", "name", s->name, "value", chosen, "winner",
                      candidate(winner, json_incref(chosen), why), "losers", losers));
    mp_put(json_object_get(ret, "values"), s->name, chosen);
    mp_put(json_object_get(ret, "winners"), s->name, json_string(name));
}

static enum result load(struct mp_site *site, struct arena *a, struct contest *ret, struct error *err)
{
    enum result r = store_client_settings_list(site->store, a, &ret->list, &ret->count, err);
    if (r != OK || ret->count == 0)
        return r;
    ret->settings = arena_alloc(a, ret->count * sizeof(json_t *));
    if (!ret->settings)
        return error_set(err, R_LIMIT, "too many client settings");
    for (size_t i = 0; i < ret->count; i++)
        ret->settings[i] = NULL;
    for (size_t i = 0; r == OK && i < ret->count; i++)
        r = json_parse(slice_of(ret->list[i].settings), STORE_CLIENT_SETTINGS_MAX * 1024, &ret->settings[i], err);
    return r;
}

enum result mp_resultant(struct mp_site *site, struct arena *a, const struct store_device *d, json_t **ret,
                         struct error *err)
{
    struct contest t = {0};
    json_t *o = json_pack("{s:{}, s:{}, s:[]}", "values", "winners", "settings"), *collections;
    enum result r = mp_collections_of(site, a, d, &collections, err);
    t.collections = collections;
    mp_put(o, "collections", collections);
    if (r == OK)
        r = load(site, a, &t, err);
    for (size_t i = 0; r == OK && i < ARRAY_LEN(table); i++)
        decide(&t, &table[i], o);
    for (size_t i = 0; t.settings && i < t.count; i++)
        json_decref(t.settings[i]);
    if (r == OK)
        *ret = o;
    else
        json_decref(o);
    return r;
}
