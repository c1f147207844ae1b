/* SPDX-License-Identifier: Apache-2.0 */
/* The order of gateways. */
#include "client/health.h"

#include <stdlib.h>

enum { FAILED_LATELY = 1 << 20 };

static const json_t *entry(const json_t *known, const struct client_fqdn *f)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    client_fqdn_authority(f, authority);
    return json_object_get(known, authority);
}

/* Small is good. Steps keep two gateways of about the same speed in the order that was set. */
static int64_t rank(const json_t *known, const struct client_fqdn *f, int64_t now)
{
    const json_t *e = entry(known, f);
    int64_t age = now - json_opt_int(e, "at", 0), ms = json_opt_int(e, "ms", 0);
    bool failed = json_opt_str(e, "why", NULL) != NULL;
    if (!e || age < 0 || age > (failed ? CLIENT_HEALTH_FAILED_S : CLIENT_HEALTH_KNOWN_S))
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

void client_health_note(json_t *known, const struct client_fqdn *gateway, long ms, const char *why, int64_t now)
{
    char authority[CLIENT_AUTHORITY_SIZE];
    const json_t *before = entry(known, gateway);
    int64_t smooth = json_opt_int(before, "ms", -1);
    client_fqdn_authority(gateway, authority);
    if (!why)
        smooth = smooth < 0 ? ms : (3 * smooth + ms) / 4;
    if (json_object_size(known) > 2 * (size_t)CLIENT_FQDNS_MAX) /* gateways of former times */
        (void)json_object_clear(known);
    json_t *o = json_pack("{s:I, s:s?, s:I}", "ms", (json_int_t)smooth, "why", why, "at", (json_int_t)now);
    if (!o || json_object_set_new(known, authority, o) != 0)
        fatal("a gateway's health can't be put into JSON");
}
