/* SPDX-License-Identifier: Apache-2.0 */
/* What certificates are judged by: settings, anchors, intermediates, lists, and where lists come from. */
#include "store/site/trust.h"
#include "base/buf.h"
#include "mp/content/part.h"
#include "mp/put.h"
#include "store/site/setting.h"
#include "store/site/source.h"

enum result mp_part_settings(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    bool crl_check, allow;
    (void)a;
    int64_t max_age, grace;
    struct store *s = site->store;
    enum result r = store_setting_is(s, "crl_check", "on", &crl_check, err);
    if (r == OK)
        r = store_setting_is(s, "on_unavailable", "allow", &allow, err);
    if (r == OK)
        r = store_setting_get_int(s, "bundle_max_age", &max_age, err);
    if (r == OK)
        r = store_setting_get_int(s, "renewal_grace", &grace, err);
    if (r == OK)
        mp_put(ret, "settings",
               json_pack("{s:b, s:s, s:I, s:I}", "crl_check", (int)crl_check, "on_unavailable",
                         allow ? "allow" : "fail", "bundle_max_age", (json_int_t)max_age, "renewal_grace",
                         (json_int_t)grace));
    return r;
}

struct pems {
    struct buf anchors, intermediates;
};

/* Long lists are named, and fetched by whoever does not have them yet. */
static json_t *crl_json(const struct store_trust *t)
{
    return t->data[0] ? json_string(t->data)
                      : json_pack("{s:s, s:I}", "sha256", t->sha256, "size", (json_int_t)t->size);
}

static enum result take_trust(struct pems *p, json_t *crls, const struct store_trust *t)
{
    if (t->kind == STORE_CRL) {
        mp_push(crls, crl_json(t));
        return OK;
    }
    struct buf *to = t->kind == STORE_ANCHOR ? &p->anchors : &p->intermediates;
    return buf_append_str(to, t->data);
}

enum result mp_part_trust(struct mp_site *site, int64_t crl_max, struct arena *a, json_t *ret, struct error *err)
{
    struct store_trust *list;
    struct pems p;
    size_t count;
    enum result r = store_trust_list(site->store, crl_max, a, &list, &count, err);
    if (r != OK)
        return r;
    json_t *crls = json_array();
    buf_init(&p.anchors, JOSE_DOCUMENT_MAX);
    buf_init(&p.intermediates, JOSE_DOCUMENT_MAX);
    for (size_t i = 0; i < count && r == OK; i++)
        r = take_trust(&p, crls, &list[i]);
    struct slice anchors = buf_data(&p.anchors), intermediates = buf_data(&p.intermediates);
    mp_put(ret, "anchors_pem", json_stringn(anchors.ptr ? anchors.ptr : "", anchors.len));
    mp_put(ret, "intermediates_pem", json_stringn(intermediates.ptr ? intermediates.ptr : "", intermediates.len));
    mp_put(ret, "crls", crls);
    buf_free(&p.anchors);
    buf_free(&p.intermediates);
    return r == OK ? OK : error_set(err, r, "the site's anchors and intermediates are too large for a document");
}

enum result mp_part_fetch_hosts(struct mp_site *site, struct arena *a, json_t *ret, struct error *err)
{
    struct store_trust *list;
    size_t count;
    json_t *array = json_array();
    enum result r = store_trust_list(site->store, 0, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++) {
        if (list[i].fetch_hosts[0] && list[i].kind == STORE_ANCHOR)
            mp_push(array,
                    json_pack("{s:s, s:o}", "anchor", list[i].id, "hosts", mp_content_words(list[i].fetch_hosts)));
    }
    mp_put(ret, "fetch_hosts", array);
    return r;
}

/* Gateways learn the URLs of what they fetch themselves; connectors those of what they are asked for by id. */
enum result mp_part_sources(struct mp_site *site, struct arena *a, bool for_connector, json_t *ret, struct error *err)
{
    struct store_source *list;
    size_t count;
    enum result r = store_source_list(site->store, a, &list, &count, err);
    json_t *array = json_array();
    for (size_t i = 0; r == OK && i < count; i++) {
        bool relayed = list[i].via == STORE_VIA_CONNECTOR;
        if (for_connector && !relayed)
            continue;
        json_t *o = json_pack("{s:s, s:s}", "id", list[i].id, "kind", list[i].kind);
        if (for_connector == relayed)
            mp_put(o, "url", json_string(list[i].url));
        if (for_connector == relayed && list[i].ca_pem[0])
            mp_put(o, "ca_pem", json_string(list[i].ca_pem));
        if (!for_connector) {
            mp_put(o, "via", json_string(store_via_name(list[i].via)));
            mp_put(o, "refresh_s", json_integer((json_int_t)list[i].refresh_s));
        }
        mp_push(array, o);
    }
    mp_put(ret, "sources", array);
    return r;
}
