/* SPDX-License-Identifier: Apache-2.0 */
/* The client settings as last fetched, and what holds beside what was set by hand. */
#include "client/state/resultant.h"

#include <stdio.h>

#include "base/clock.h"
#include "client/state/documents.h"

enum { INTERVAL_DEFAULT_S = 3600, WAIT_DEFAULT_S = 270 };

static unsigned read_methods(const json_t *list)
{
    unsigned mask = 0;
    const json_t *item;
    size_t i;
    enum choice_client m;
    json_array_foreach(list, i, item) {
        if (json_is_string(item) && choices_client_parse(slice_of(json_string_value(item)), &m))
            mask |= CHOICE_BIT(m);
    }
    return mask ? mask : ~0u;
}

void client_resultant_read(const struct document *d, struct client_resultant *ret)
{
    const json_t *settings = json_object_get(d->content, "settings");
    int64_t interval = json_opt_int(settings, "policy_interval", 0),
            wait = json_opt_int(settings, "notification_wait", -1);
    *ret = (struct client_resultant){.known = true,
                                     .sequence = d->sequence,
                                     .issued = d->issued,
                                     .allow_cmg = json_opt_bool(settings, "allow_cmg", true),
                                     .interval = interval > 0 ? (uint64_t)interval : 0,
                                     .wait = wait >= 0 && wait <= WAIT_DEFAULT_S ? wait : -1,
                                     .methods = read_methods(json_object_get(settings, "allowed_methods"))};
    (void)snprintf(ret->allow_by, sizeof ret->allow_by, "%s",
                   json_opt_str(json_object_get(d->content, "winners"), "allow_cmg", "default settings"));
}

void client_resultant_load(const struct client *c, struct client_resultant *ret)
{
    unsigned char pin[PKI_SHA256];
    size_t len;
    const char *key = client_setting(&c->settings, SETTING_SITE_KEY);
    struct document d = {0};
    *ret = (struct client_resultant){.allow_cmg = true, .wait = -1, .methods = ~0u};
    if (!key || !decode_hex(slice_of(key), pin, sizeof pin, &len))
        return;
    for (size_t i = 0; i < CHOICE_CLIENTS && !ret->known; i++) {
        const struct client_registration *as = &c->identity.of[i];
        const struct client_reader who = {c->dir, pin, as->guid, as->key_id};
        if (!*as->guid || client_document_stored(&who, DOCUMENT_SETTINGS, &d, NULL) != OK)
            continue;
        if (!client_document_ended(&d, clock_wall_s()))
            client_resultant_read(&d, ret);
        document_done(&d);
    }
}

struct client_disallow client_disallow_cmg(const struct client *c, const struct client_resultant *r)
{
    if (c->settings.values[SETTING_DISALLOW_CMG])
        return (struct client_disallow){client_setting_on(&c->settings, SETTING_DISALLOW_CMG), "local"};
    return (struct client_disallow){!r->allow_cmg, r->known ? "site" : "default"};
}

uint64_t client_policy_interval(const struct client *c)
{
    struct client_resultant r;
    uint64_t interval = INTERVAL_DEFAULT_S;
    const char *local = c->settings.values[SETTING_POLICY_INTERVAL];
    if (local && slice_to_u64(slice_of(local), &interval))
        return interval;
    client_resultant_load(c, &r);
    return r.interval ? r.interval : INTERVAL_DEFAULT_S;
}

uint64_t client_notification_wait_s(const struct client *c)
{
    struct client_resultant r;
    uint64_t wait;
    const char *local = c->settings.values[SETTING_NOTIFICATION_WAIT];
    if (local && slice_to_u64(slice_of(local), &wait))
        return wait;
    client_resultant_load(c, &r);
    return r.wait >= 0 ? (uint64_t)r.wait : WAIT_DEFAULT_S;
}
