/* SPDX-License-Identifier: Apache-2.0 */
/* Who is kept out: blocked and removed devices, blocked tokens, and devices whose settings forbid the CMG. */
#include "base/clock.h"
#include "jose/entra.h"
#include "mp/content/part.h"
#include "mp/put.h"
#include "mp/targeting/disallowed.h"
#include "store/device/known.h"
#include "store/device/token.h"

static enum result block_of(struct mp_site *site, struct arena *a, const struct store_device *d, json_t **ret,
                            struct error *err)
{
    struct store_certificate *list;
    size_t count;
    enum result r = store_certificate_list(site->store, a, d->guid, &list, &count, err);
    json_t *hashes = json_array();
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(hashes, json_string(list[i].sha256));
    *ret = json_pack("{s:s, s:[s], s:o, s:[]}", "guid", d->guid, "spki", d->spki, "certificates", hashes, "tokens");
    if (d->entra_device[0] && d->state == STORE_APPROVED) { /* else it only waits to be that one */
        char key[ENTRA_KEY_HEX];
        entra_device_key(d->entra_tenant, d->entra_device, key);
        mp_put(*ret, "entra", json_pack("[s]", key));
    }
    return r;
}

static enum result push_blocked_devices(struct mp_site *site, struct arena *a, json_t *blocks, struct error *err)
{
    struct store_device *list;
    size_t count;
    json_t *block;
    enum result r = store_device_blocked_list(site->store, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        r = block_of(site, a, &list[i], &block, err);
        mp_push(blocks, block);
    }
    return r;
}

static enum result push_removed_devices(struct mp_site *site, struct arena *a, json_t *blocks, struct error *err)
{
    const char *const *guids;
    size_t count;
    enum result r = store_device_removed_list(site->store, a, clock_wall_s(), &guids, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(blocks, json_pack("{s:s, s:b}", "guid", guids[i], "removed", 1));
    return r;
}

/* Those of a PKI: its certificates alone would open the gateways. */
static enum result push_removed_keys(struct mp_site *site, struct arena *a, json_t *blocks, struct error *err)
{
    struct store_removed_key *list;
    size_t count;
    enum result r = store_removed_keys(site->store, a, clock_wall_s(), &list, &count, err);
    if (r != OK || !count)
        return r;
    json_t *block = json_pack("{s:[], s:[], s:[]}", "spki", "certificates", "tokens");
    for (size_t i = 0; i < count; i++)
        mp_push(json_object_get(block, strcmp(list[i].kind, "key") == 0 ? "spki" : "certificates"),
                json_string(list[i].value));
    mp_push(blocks, block);
    return r;
}

/* They belong to no device. */
static enum result push_blocked_tokens(struct mp_site *site, struct arena *a, json_t *blocks, struct error *err)
{
    struct store_token *list;
    size_t count;
    enum result r = store_token_blocked_list(site->store, a, clock_wall_s(), &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(blocks, json_pack("{s:[], s:[], s:[s]}", "spki", "certificates", "tokens", list[i].id));
    return r;
}

enum result mp_part_blocks(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    json_t *blocks = json_array();
    enum result r = push_blocked_devices(site, a, blocks, err);
    if (r == OK)
        r = push_removed_devices(site, a, blocks, err);
    if (r == OK)
        r = push_removed_keys(site, a, blocks, err);
    if (r == OK)
        r = push_blocked_tokens(site, a, blocks, err);
    mp_put(ret, "blocks", blocks);
    return r;
}

enum result mp_part_disallowed(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    json_t *groups = json_array();
    enum result r = mp_disallowed(site, a, groups, err);
    mp_put(ret, "disallowed", groups);
    return r;
}
