/* SPDX-License-Identifier: Apache-2.0 */
/* sequences.json in and out: {"<kind>": {"<site>.<key>": sequence}}. */
#include "client/state/floor.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/log.h"
#include "base/text/encode.h"
#include "client/state/private.h"

#define FILE_NAME "sequences.json"

/* A device has few keys and few sites in its life; the lowest, which is the oldest by far, gives way. */
enum { FLOORS_MAX = 32, SITE_BYTES = 16, NAME_SIZE = HEX_SIZE(SITE_BYTES) + PKI_HASH_HEX };

static void name_of(const struct client_reader *who, char ret[NAME_SIZE])
{
    char site[HEX_SIZE(SITE_BYTES)];
    (void)encode_hex(slice_make(who->pin, SITE_BYTES), site);
    (void)snprintf(ret, NAME_SIZE, "%s.%.64s", site, who->key ? who->key : "all");
}

/* {"<kind>": {"<site>.<key>": number}}, all of it. */
static bool is_whole(const json_t *root)
{
    const char *kind, *name;
    json_t *floors, *value;
    bool whole = json_is_object(root);
    json_object_foreach((json_t *)(uintptr_t)root, kind, floors) {
        whole = whole && json_is_object(floors);
        json_object_foreach(floors, name, value)
            whole = whole && json_is_integer(value);
    }
    return whole;
}

static enum result set_aside(const char *dir, const struct error *why, struct error *err)
{
    char *path = file_join(dir, FILE_NAME);
    log_msg(LOG_ERROR, "client",
            "%s is damaged (%s): how far the site's documents had come is known of those alone that are kept; it is "
            "set aside as %s.damaged",
            path, why->text, FILE_NAME);
    enum result r = file_set_aside(path, err);
    free(path);
    return r;
}

static enum result load_floor(const char *dir, json_t **ret, struct error *err)
{
    struct error why;
    json_t *root = NULL;
    enum result r = client_private_load(dir, FILE_NAME, &root, &why);
    if (r == OK && root && !is_whole(root))
        r = error_set(&why, R_INVALID, "it holds what is no sequence");
    if (r == R_INVALID || r == R_LIMIT)
        r = set_aside(dir, &why, err);
    else if (r != OK)
        r = error_set(err, r, "%s", why.text);
    if (r != OK || !root || !is_whole(root)) {
        json_decref(root);
        root = json_object();
    }
    *ret = root;
    return r;
}

enum result client_floor(const struct client_reader *who, enum document_type type, int64_t *ret, struct error *err)
{
    char name[NAME_SIZE];
    json_t *root;
    enum result r = load_floor(who->dir, &root, err);
    name_of(who, name);
    *ret = json_opt_int(json_object_get(root, document_type_name(type)), name, 0);
    json_decref(root);
    return r;
}

static void make_room(json_t *floors)
{
    const char *name, *lowest = NULL;
    json_t *value;
    if (json_object_size(floors) < FLOORS_MAX)
        return;
    json_object_foreach(floors, name, value) {
        if (!lowest || json_integer_value(value) < json_integer_value(json_object_get(floors, lowest)))
            lowest = name;
    }
    (void)json_object_del(floors, lowest);
}

enum result client_floor_raise(const struct client_reader *who, enum document_type type, int64_t sequence,
                               struct error *err)
{
    char name[NAME_SIZE];
    json_t *root;
    enum result r = load_floor(who->dir, &root, err);
    json_t *floors = json_object_get(root, document_type_name(type));
    name_of(who, name);
    if (r != OK || json_opt_int(floors, name, 0) >= sequence) {
        json_decref(root);
        return r;
    }
    if (!json_is_object(floors)) {
        floors = json_object();
        if (json_object_set_new(root, document_type_name(type), floors) != 0)
            fatal("the sequences can't be put into JSON");
    }
    if (!json_object_get(floors, name))
        make_room(floors);
    if (json_object_set_new(floors, name, json_integer((json_int_t)sequence)) != 0)
        fatal("the sequences can't be put into JSON");
    r = client_private_save(who->dir, FILE_NAME, root, err);
    json_decref(root);
    return r;
}
