/* SPDX-License-Identifier: Apache-2.0 */
/* The order of gateways. */
#include "client/location/health.h"

#include <stdlib.h>

/* MS_MAX: no answer takes a day. */
enum { MS_MAX = 86400 * 1000, FAILED_LATELY = 1 << 20, KNOWN_MAX = 2 * CLIENT_FQDNS_MAX };

static const json_t *find_entry(const json_t *known, const struct client_fqdn *f)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(f, authority);
    return json_object_get(known, authority);
}

static bool is_lately(const json_t *e, int64_t limit_s, int64_t now)
{
    int64_t at = json_opt_int(e, "at", 0);
    return e && at <= now && at >= now - limit_s;
}

/* Small is good. Steps keep two gateways of about the same speed in the order that was set. */
static int64_t rank(const json_t *known, const struct client_fqdn *f, int64_t now)
{
    const json_t *e = find_entry(known, f);
    int64_t ms = json_opt_int(e, "ms", 0);
    bool failed = json_opt_str(e, "why", NULL) != NULL;
    if (!is_lately(e, failed ? CLIENT_HEALTH_FAILED_S : CLIENT_HEALTH_KNOWN_S, now))
        return 0;
    if (failed)
        return FAILED_LATELY;
    return ms < 0 ? 0 : ms / CLIENT_HEALTH_STEP_MS < FAILED_LATELY ? ms / CLIENT_HEALTH_STEP_MS : FAILED_LATELY - 1;
}

void client_health_sort(const json_t *known, struct client_fqdns *gateways, int64_t now)
{
    int64_t ranks[CLIENT_FQDNS_MAX];
    for (size_t i = 0; i < gateways->count; i++) { /* insertion keeps the order of equals */
        struct client_fqdn f = gateways->items[i];
        int64_t mine = rank(known, &f, now);
        size_t at = i;
        for (; at > 0 && ranks[at - 1] > mine; at--) {
            gateways->items[at] = gateways->items[at - 1];
            ranks[at] = ranks[at - 1];
        }
        gateways->items[at] = f;
        ranks[at] = mine;
    }
}

static void note_health(json_t *known, const char *name, json_t *health)
{
    if (json_object_size(known) > KNOWN_MAX) /* those of former times */
        (void)json_object_clear(known);
    if (!health || json_object_set_new(known, name, health) != 0)
        fatal("the health of %s can't be put into JSON", name);
}

void client_health_note(json_t *known, const struct client_fqdn *gateway, long ms, const char *why, int64_t now)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    const json_t *before = find_entry(known, gateway);
    int64_t smooth = json_opt_int(before, "ms", -1);
    client_fqdn_authority(gateway, authority);
    if (!why)
        smooth = smooth < 0 || smooth > MS_MAX ? ms : (3 * smooth + ms) / 4;
    note_health(known, authority,
                json_pack("{s:I, s:s?, s:I, s:I}", "ms", (json_int_t)smooth, "why", why, "at", (json_int_t)now, "good",
                          (json_int_t)(why ? json_opt_int(before, "good", 0) : now)));
}

int64_t client_health_good(const json_t *known, const struct client_fqdn *gateway)
{
    return json_opt_int(find_entry(known, gateway), "good", 0);
}

void client_health_note_failed(json_t *known, const char *role, const char *why, int64_t now)
{
    note_health(known, role, json_pack("{s:s, s:I}", "why", why, "at", (json_int_t)now));
}

const char *client_health_failed(const json_t *known, const char *role, int64_t now)
{
    const json_t *e = json_object_get(known, role);
    return is_lately(e, CLIENT_HEALTH_FAILED_S, now) ? json_opt_str(e, "why", NULL) : NULL;
}
