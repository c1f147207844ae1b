/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of management point and method. */
#include "client/session/select.h"

#include <stdio.h>

static void explain(struct client_choice *ret, const struct choices_pick *pick, const char *const *lacks)
{
    for (size_t i = 0; i < CHOICE_CLIENTS; i++) {
        const char *why = pick->passed_over[i];
        if (ret->found && i == (size_t)ret->method)
            why = NULL;
        else if (lacks[i])
            why = lacks[i];
        else if (!why)
            why = "not used";
        (void)snprintf(ret->why_not[i], sizeof ret->why_not[i], "%s", why ? why : "");
    }
}

static bool has(const struct choices_device *device, const char *const *lacks, enum choice_client method)
{
    return !lacks[method] && (method != CHOICE_TOKEN || device->has_token_way);
}

/* What the device has is not at fault then, and no other credential is the only way. */
static void tell_not_taken(struct client_choice *ret, const struct choices_device *device, const char *const *lacks)
{
    for (unsigned i = 0; i < CHOICE_CLIENTS && !ret->found; i++) {
        if ((ret->role.clients & CHOICE_BIT(i)) || !choices_mode_allows(ret->role.mode, (enum choice_client)i) ||
            !has(device, lacks, (enum choice_client)i))
            continue;
        ret->not_taken = true;
        (void)snprintf(ret->why_not[i], sizeof ret->why_not[i], "the site's management point does not take it");
    }
}

static void pick_at(const struct web_role *role, const struct choices_device *device, struct choices_pick *ret)
{
    struct choices_device d = *device;
    d.allowed &= role->clients;
    choices_pick(&d, role->mode, ret);
}

static enum result no_role(const struct web_roles *roles, const char *wanted, struct error *err)
{
    char ids[256] = "";
    size_t used = 0;
    if (roles->count == 0)
        return error_set(err, R_NOTFOUND, "the site has published no management point");
    for (size_t i = 0; i < roles->count && used < sizeof ids; i++)
        used += (size_t)snprintf(ids + used, sizeof ids - used, "%s%s", i ? ", " : "", roles->items[i].id);
    return error_set(err, R_NOTFOUND, "the site has no management point '%s'; there are: %s", wanted, ids);
}

enum result client_select(const struct web_roles *roles, const char *wanted, const struct choices_device *device,
                          const char *const lacks[CHOICE_CLIENTS], struct client_choice *ret, struct error *err)
{
    const struct web_role *best = NULL;
    struct choices_pick pick = {0}, at;
    *ret = (struct client_choice){0};
    for (size_t i = 0; i < roles->count; i++) {
        const struct web_role *role = &roles->items[i];
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
    explain(ret, &pick, lacks);
    tell_not_taken(ret, device, lacks);
    return OK;
}

void client_select_blind(const struct choices_device *device, const char *const lacks[CHOICE_CLIENTS],
                         struct client_choice *ret)
{
    struct choices_pick pick;
    choices_pick(device, CHOICE_MP_HTTPS, &pick); /* the mode that takes every method */
    *ret = (struct client_choice){.found = pick.found, .method = pick.found ? pick.client : CHOICE_TOKEN};
    explain(ret, &pick, lacks);
    ret->found = false;
}
