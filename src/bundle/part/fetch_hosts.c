/* SPDX-License-Identifier: Apache-2.0 */
/* Member "fetch_hosts": where lists may come from that certificates point to, by anchor. */
#include "base/text/encode.h"
#include "bundle/member.h"
#include "bundle/model.h"

static enum result read_one(struct arena *a, const json_t *o, struct bundle_fetch_hosts *ret, struct error *err)
{
    const char *anchor;
    size_t len = 0;
    enum result r = member_text(a, o, "anchor", 2 * PKI_SHA256, "", &anchor, err);
    if (r == OK && (!decode_hex(slice_of(anchor), ret->anchor, PKI_SHA256, &len) || len != PKI_SHA256))
        r = error_set(err, R_INVALID, "member 'anchor' is the SHA-256 of a certificate, 64 hex digits");
    return r == OK ? member_words(a, o, "hosts", &ret->hosts, err) : r;
}

enum result bundle_read_fetch_hosts(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(content, "fetch_hosts", BUNDLE_FETCH_HOSTS_MAX, &list, err);
    size_t count = json_array_size(list);
    if (r == OK)
        r = member_room(b->index->arena, count, sizeof *b->fetch_hosts, &room, err);
    if (r != OK)
        return r;
    b->fetch_hosts = room;
    b->fetch_hosts_count = count;
    for (size_t i = 0; i < count && r == OK; i++) {
        r = read_one(b->index->arena, json_array_get(list, i), (struct bundle_fetch_hosts *)room + i, err);
        if (r != OK)
            (void)error_prefix(err, "fetch_hosts[%zu]", i);
    }
    return r;
}

bool bundle_may_fetch(const struct bundle *b, const unsigned char anchor[PKI_SHA256], struct slice host)
{
    for (size_t i = 0; i < b->fetch_hosts_count; i++) {
        const struct bundle_fetch_hosts *f = &b->fetch_hosts[i];
        if (memcmp(f->anchor, anchor, PKI_SHA256) == 0 && slice_is_word_of(host, f->hosts))
            return true;
    }
    return false;
}
