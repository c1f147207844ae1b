/* SPDX-License-Identifier: Apache-2.0 */
/* sequences.json in and out: {"<kind>": {"<site>.<key>": sequence}}. */
#include "client/floor.h"

#include <stdio.h>

#include "base/encode.h"
#include "client/private.h"

/* A device has few keys and few sites in its life; the lowest, which is the oldest by far, gives way. */
enum { FLOORS_MAX = 32, SITE_BYTES = 16, NAME_SIZE = HEX_SIZE(SITE_BYTES) + PKI_HASH_HEX };

static void name_of(const struct client_reader *who, char ret[NAME_SIZE])
{
    char site[HEX_SIZE(SITE_BYTES)];
    (void)encode_hex(slice_make(who->pin, SITE_BYTES), site);
    (void)snprintf(ret, NAME_SIZE, "%s.%.64s", site, who->key ? who->key : "all");
}

static json_t *load(const char *dir)
{
    json_t *root = NULL;
    if (client_private_load(dir, "sequences.json", &root, NULL) != OK || !json_is_object(root)) {
        json_decref(root);
        root = json_object();
    }
    return root;
}

int64_t client_floor(const struct client_reader *who, enum document_type type)
{
    char name[NAME_SIZE];
    json_t *root = load(who->dir);
    name_of(who, name);
    int64_t found = json_opt_int(json_object_get(root, document_type_name(type)), name, 0);
    json_decref(root);
    return found;
}

static void make_room(json_t *floors)
{
    const char *name, *lowest = NULL;
    json_t *value;
    if (json_object_size(floors) < FLOORS_MAX)
        return;
    json_object_foreach(floors, name, value)
    {
        if (!lowest || json_integer_value(value) < json_integer_value(json_object_get(floors, lowest)))
            lowest = name;
    }
    (void)json_object_del(floors, lowest);
}

enum result client_floor_raise(const struct client_reader *who, enum document_type type, int64_t sequence,
                               struct error *err)
{
    char name[NAME_SIZE];
    if (client_floor(who, type) >= sequence)
        return OK;
    json_t *root = load(who->dir), *floors = json_object_get(root, document_type_name(type));
    name_of(who, name);
    if (!json_is_object(floors)) {
        floors = json_object();
        if (json_object_set_new(root, document_type_name(type), floors) != 0)
            fatal("the sequences can't be put into JSON");
    }
    if (!json_object_get(floors, name))
        make_room(floors);
    if (json_object_set_new(floors, name, json_integer((json_int_t)sequence)) != 0)
        fatal("the sequences can't be put into JSON");
    enum result r = client_private_save(who->dir, "sequences.json", root, err);
    json_decref(root);
    return r;
}
