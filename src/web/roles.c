/* SPDX-License-Identifier: Apache-2.0 */
/* The management points of location data, read once into a bounded list. Who of them may be chosen is not said here. */
#include "web/roles.h"

#include "base/text/name.h"

static unsigned read_clients(const json_t *list, enum choice_mp mode)
{
    unsigned bits = 0;
    size_t i;
    json_t *name;
    if (!json_is_array(list))
        return choices_mode_clients(mode);
    json_array_foreach(list, i, name) {
        enum choice_client client;
        if (json_is_string(name) && choices_client_parse(slice_of(json_string_value(name)), &client))
            bits |= CHOICE_BIT(client);
    }
    return bits;
}

static enum result read_role(const json_t *o, struct web_roles *ret, struct error *err)
{
    const char *id, *mode;
    enum result r;
    if ((r = json_need_str(o, "id", &id, err)) != OK || (r = json_need_str(o, "mode", &mode, err)) != OK)
        return r;
    struct web_role *role = &ret->items[ret->count];
    if (!name_valid(NAME_ROLE, slice_of(id)) || !slice_to_cstr(slice_of(id), role->id, sizeof role->id))
        return error_set(err, R_INVALID, "a role's id is malformed");
    if (!choices_mp_parse(slice_of(mode), &role->mode))
        return OK;
    role->clients = read_clients(json_object_get(o, "clients"), role->mode);
    ret->count++;
    return OK;
}

enum result web_roles_read(const json_t *location, struct web_roles *ret, struct error *err)
{
    json_t *roles, *o;
    size_t i;
    ret->count = 0;
    enum result r = json_need_array(location, "roles", &roles, err);
    if (r != OK)
        return r;
    json_array_foreach(roles, i, o) {
        if (ret->count == WEB_ROLES_MAX)
            return error_set(err, R_LIMIT, "more than %d roles", WEB_ROLES_MAX);
        if ((r = read_role(o, ret, err)) != OK)
            return r;
    }
    return OK;
}
