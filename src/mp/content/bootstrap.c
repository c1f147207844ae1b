/* SPDX-License-Identifier: Apache-2.0 */
/* The same file for whom it is printed and for who joins. */
#include "mp/content/bootstrap.h"

#include "mp/content/content.h"
#include "mp/content/part.h"
#include "mp/put.h"

/* ehttp by its role certificate, https by the anchors beside it. */
enum result mp_content_site_urls(struct mp_site *site, struct arena *a, json_t **ret, struct error *err)
{
    struct store_mp *list;
    size_t count;
    json_t *urls = json_array();
    enum result r = store_mp_list(site->store, a, &list, &count, err);
    for (size_t i = 0; r == OK && i < count; i++)
        mp_push(urls, list[i].anchors_pem
                          ? json_pack("{s:s, s:s}", "url", list[i].url, "anchors_pem", list[i].anchors_pem)
                          : json_string(list[i].url));
    return mp_content_finish(r, urls, ret);
}

static enum result put_ways(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    json_t *urls, *gateways;
    enum result r = mp_content_site_urls(site, a, &urls, err);
    if (r != OK)
        return r;
    mp_put(o, "site_urls", urls);
    r = mp_content_gateways(site, a, &gateways, err);
    if (r == OK)
        mp_put(o, "gateways", gateways);
    return r;
}

enum result mp_content_bootstrap(struct mp_site *site, struct arena *a, const char *kind, const char *id,
                                 const struct mp_role_certificate *c, json_t **ret, struct error *err)
{
    json_t *o = json_object();
    mp_put(o, "opencmg", json_sprintf("%s-bootstrap", kind));
    mp_put(o, "version", json_integer(1));
    mp_put(o, "site", json_string(site->keys.site));
    mp_put(o, "id", json_string(id));
    mp_put(o, "root_pem", json_string(site->keys.root_pem));
    mp_put(o, "certificate_pem", json_string(c->certificate_pem));
    if (c->key_pem)
        mp_put(o, "key_pem", json_string(c->key_pem));
    enum result r = strcmp(kind, "connector") == 0 ? put_ways(site, a, o, err) : OK;
    return mp_content_finish(r, o, ret);
}
