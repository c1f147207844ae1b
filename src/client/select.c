/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of management point and method. */
#include "client/select.h"

#include <stdio.h>

static unsigned read_clients(const json_t *list, enum choice_mp mode)
{
    unsigned bits = 0;
    size_t i;
    json_t *name;
    if (!json_is_array(list))
        return choices_mode_clients(mode);
    json_array_foreach(list, i, name)
    {
        enum choice_client client;
        if (json_is_string(name) && choices_client_parse(slice_of(json_string_value(name)), &client))
            bits |= CHOICE_BIT(client);
    }
    return bits;
}

static enum result read_role(const json_t *o, struct client_roles *ret, struct error *err)
{
    const char *id, *mode;
    enum result r;
    if ((r = json_need_str(o, "id", &id, err)) != OK || (r = json_need_str(o, "mode", &mode, err)) != OK)
        return r;
    struct client_role *role = &ret->items[ret->count];
    if (!client_role_valid(slice_of(id)) || !slice_to_cstr(slice_of(id), role->id, sizeof role->id))
        return error_set(err, R_INVALID, "a role's id is malformed");
    if (!choices_mp_parse(slice_of(mode), &role->mode))
        return OK;
    role->clients = read_clients(json_object_get(o, "clients"), role->mode);
    ret->count++;
    return OK;
}

enum result client_roles_read(const json_t *location, struct client_roles *ret, struct error *err)
{
    json_t *roles, *o;
    size_t i;
    ret->count = 0;
    enum result r = json_need_array(location, "roles", &roles, err);
    if (r != OK)
        return r;
    json_array_foreach(roles, i, o)
    {
        if (ret->count == CLIENT_ROLES_MAX)
            return error_set(err, R_LIMIT, "more than %d roles", CLIENT_ROLES_MAX);
        if ((r = read_role(o, ret, err)) != OK)
            return r;
    }
    return OK;
}

/* --- the choice --- */

static void explain(struct client_choice *ret, const struct choices_pick *pick, const struct choices_device *d,
                    const char *no_certificate)
{
    for (size_t i = 0; i < CHOICE_CLIENTS; i++) {
        const char *why = pick->passed_over[i];
        if (ret->found && i == (size_t)ret->method)
            why = NULL;
        else if (i == CHOICE_PKI && !d->has_certificate && no_certificate)
            why = no_certificate;
        else if (!why)
            why = "not used";
        (void)snprintf(ret->why_not[i], sizeof ret->why_not[i], "%s", why ? why : "");
    }
}

static void pick_at(const struct client_role *role, const struct choices_device *device, struct choices_pick *ret)
{
    struct choices_device d = *device;
    d.allowed &= role->clients;
    choices_pick(&d, role->mode, ret);
}

static enum result no_role(const struct client_roles *roles, const char *wanted, struct error *err)
{
    char ids[256] = "";
    size_t used = 0;
    if (roles->count == 0)
        return error_set(err, R_NOTFOUND, "the site has published no management point");
    for (size_t i = 0; i < roles->count && used < sizeof ids; i++)
        used += (size_t)snprintf(ids + used, sizeof ids - used, "%s%s", i ? ", " : "", roles->items[i].id);
    return error_set(err, R_NOTFOUND, "the site has no management point '%s'; there are: %s", wanted, ids);
}

enum result client_select(const struct client_roles *roles, const char *wanted, const struct choices_device *device,
                          const char *no_certificate, struct client_choice *ret, struct error *err)
{
    const struct client_role *best = NULL;
    struct choices_pick pick = {0}, at;
    *ret = (struct client_choice){0};
    for (size_t i = 0; i < roles->count; i++) {
        const struct client_role *role = &roles->items[i];
        if (wanted && !slice_eq_nocase(slice_of(wanted), slice_of(role->id)))
            continue;
        pick_at(role, device, &at);
        /* the first of all; a later one only for a method that is preferred */
        if (!best || (at.found && (!pick.found || at.client < pick.client))) {
            best = role;
            pick = at;
        }
    }
    if (!best)
        return no_role(roles, wanted, err);
    ret->role = *best;
    ret->found = pick.found || device->has_certificate;
    ret->against_rules = !pick.found && device->has_certificate;
    ret->method = pick.found ? pick.client : CHOICE_PKI;
    explain(ret, &pick, device, no_certificate);
    return OK;
}
