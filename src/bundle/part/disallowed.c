/* SPDX-License-Identifier: Apache-2.0 */
/* Whom client settings do not let use the gateway: by the settings that won, in the order in which they are asked. */
#include <stdlib.h>

#include "base/mem.h"
#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

enum { BY_MAX = 300 };

static enum result read_group(struct bundle *b, struct bundle_disallowed *g, const json_t *o, struct error *err)
{
    size_t names = 0;
    index_set_init(&g->guids, BUNDLE_GUID_BYTES);
    index_set_init(&g->spkis, PKI_SHA256);
    index_set_init(&g->certificates, PKI_SHA256);
    enum result r = member_text(b->index->arena, o, "by", BY_MAX, "", &g->by, err);
    if (r == OK && !g->by[0])
        r = error_set(err, R_INVALID, "member 'by' is missing: the settings that won");
    if (r == OK)
        r = member_bool(o, "but", false, &g->but, err);
    if (r == OK)
        r = bundle_read_set(o, "guids", BUNDLE_SET_GUIDS, &g->guids, &names, err);
    if (r == OK)
        r = bundle_read_set(o, "spki", BUNDLE_SET_HASHES, &g->spkis, &names, err);
    if (r == OK)
        r = bundle_read_set(o, "certificates", BUNDLE_SET_HASHES, &g->certificates, &names, err);
    index_set_seal(&g->guids);
    index_set_seal(&g->spkis);
    index_set_seal(&g->certificates);
    return r;
}

enum result bundle_read_disallowed(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    enum result r = member_array(content, "disallowed", BUNDLE_DISALLOWED_MAX, &list, err);
    size_t count = json_array_size(list);
    if (r != OK || count == 0)
        return r;
    b->index->disallowed = mem_array(count, sizeof *b->index->disallowed);
    for (size_t i = 0; i < count && r == OK; i++) {
        b->index->disallowed_count++;
        r = read_group(b, &b->index->disallowed[i], json_array_get(list, i), err);
        if (r != OK)
            (void)error_prefix(err, "disallowed[%zu]", i);
    }
    return r;
}

void bundle_free_disallowed(struct bundle_index *x)
{
    for (size_t i = 0; i < x->disallowed_count; i++) {
        index_set_free(&x->disallowed[i].guids);
        index_set_free(&x->disallowed[i].spkis);
        index_set_free(&x->disallowed[i].certificates);
    }
    free(x->disallowed);
}

static bool is_listed(const struct bundle_disallowed *g, const struct bundle_sender *who)
{
    unsigned char guid[BUNDLE_GUID_BYTES];
    if (who->guid.len)
        return bundle_guid_bytes(who->guid, guid) && index_set_has(&g->guids, guid);
    return index_set_has(&g->spkis, who->spki) || index_set_has(&g->certificates, who->certificate);
}

const char *bundle_disallows(const struct bundle *b, const struct bundle_sender *who)
{
    for (size_t i = 0; i < b->index->disallowed_count; i++) {
        const struct bundle_disallowed *g = &b->index->disallowed[i];
        if (is_listed(g, who) != g->but)
            return g->by;
    }
    return NULL;
}
