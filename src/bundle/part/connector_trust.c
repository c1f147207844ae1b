/* SPDX-License-Identifier: Apache-2.0 */
/* Member "trust" of the connector document: what the connector judges its own client certificate by. */
#include "base/text/encode.h"
#include "bundle/member.h"
#include "bundle/model.h"

enum { PEM_MAX = 8 * 1024 * 1024 };

static enum result read_crl(struct arena *a, const json_t *item, struct slice *ret, struct error *err)
{
    void *der;
    size_t size = json_string_length(item) / 4 * 3 + 3, len;
    enum result r = member_room(a, size, 1, &der, err);
    if (r != OK)
        return r;
    if (!json_is_string(item) || !decode_base64(slice_of(json_string_value(item)), der, size, &len) || !len)
        return error_set(err, R_INVALID, "is not a string of base64");
    *ret = slice_make(der, len);
    return OK;
}

static enum result read_crls(struct arena *a, const json_t *o, struct connector_trust *t, struct error *err)
{
    json_t *list;
    void *room;
    enum result r = member_array(o, "crls", BUNDLE_CRLS_MAX, &list, err);
    if (r == OK)
        r = member_room(a, json_array_size(list), sizeof *t->crls, &room, err);
    if (r != OK)
        return r;
    struct slice *crls = room;
    for (size_t i = 0; i < json_array_size(list) && r == OK; i++) {
        r = read_crl(a, json_array_get(list, i), &crls[i], err);
        if (r != OK)
            (void)error_prefix(err, "crls[%zu]", i);
    }
    t->crls = crls;
    t->crl_count = json_array_size(list);
    return r;
}

enum result connector_read_trust(struct arena *a, const json_t *content, const struct connector_trust **ret,
                                 struct error *err)
{
    json_t *o;
    void *room;
    *ret = NULL;
    enum result r = member_opt(content, "trust", JSON_OBJECT, &o, err);
    if (r != OK || !o)
        return r;
    r = member_room(a, 1, sizeof **ret, &room, err);
    if (r != OK)
        return r;
    struct connector_trust *t = room;
    r = bundle_read_settings(o, &t->settings, err);
    if (r == OK)
        r = member_text(a, o, "anchors_pem", PEM_MAX, "", &t->anchors_pem, err);
    if (r == OK)
        r = member_text(a, o, "intermediates_pem", PEM_MAX, "", &t->intermediates_pem, err);
    if (r == OK)
        r = read_crls(a, o, t, err);
    if (r == OK)
        r = member_int(o, "lists_elsewhere", 0, 2 * BUNDLE_CRLS_MAX, 0, &t->lists_elsewhere, err);
    *ret = t;
    return r == OK ? OK : error_prefix(err, "trust");
}
