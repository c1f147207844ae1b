/* SPDX-License-Identifier: Apache-2.0 */
/* Member "foreign": Configuration Manager sites whose tokens are taken, knowingly. */
#include "bundle/member.h"
#include "bundle/model.h"
#include "json/json.h"

enum { TEXT_MAX = 256 };

static enum result read_keys(const json_t *o, struct foreign_site *s, struct error *err)
{
    json_t *jwks;
    struct jose_keys *keys = NULL;
    enum result r = json_need_object(o, "jwks", &jwks, err);
    if (r == OK)
        r = jose_keys_new_foreign(jwks, &keys, err);
    s->keys = keys;
    return r;
}

static enum result read_site(struct arena *a, const json_t *o, struct foreign_site *s, struct error *err)
{
    const struct {
        const char *name;
        const char **ret;
    } texts[] = {{"issuer", &s->issuer}, {"audience", &s->audience}, {"header", &s->header}, {"key", &s->key}};
    enum result r = member_id(a, o, "id", MEMBER_PEER_ID, false, &s->id, err);
    for (size_t i = 0; i < ARRAY_LEN(texts) && r == OK; i++) {
        r = member_text(a, o, texts[i].name, TEXT_MAX, "", texts[i].ret, err);
        if (r == OK && !**texts[i].ret)
            r = error_set(err, R_INVALID, "member '%s' is missing or empty", texts[i].name);
    }
    if (r == OK && strcmp(s->header, FOREIGN_X5T) != 0 && strcmp(s->header, FOREIGN_KID) != 0)
        r = error_set(err, R_INVALID, "member 'header' must be " FOREIGN_X5T " or " FOREIGN_KID);
    if (r == OK)
        r = member_words(a, o, "endpoints", &s->endpoints, err);
    return r == OK ? read_keys(o, s, err) : r;
}

enum result bundle_read_foreign(struct bundle *b, const json_t *content, struct error *err)
{
    json_t *list;
    void *sites;
    enum result r = member_array(content, "foreign", BUNDLE_FOREIGN_MAX, &list, err);
    size_t count = json_array_size(list);
    if (r == OK)
        r = member_room(b->index->arena, count, sizeof *b->foreign, &sites, err);
    if (r != OK)
        return r;
    b->foreign = sites;
    for (size_t i = 0; i < count && r == OK; i++) {
        b->foreign_count = i + 1; /* its keys are freed with the bundle, also after a fault */
        r = read_site(b->index->arena, json_array_get(list, i), (struct foreign_site *)sites + i, err);
        if (r != OK)
            (void)error_prefix(err, "foreign[%zu]", i);
    }
    return r;
}
