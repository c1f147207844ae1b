/* SPDX-License-Identifier: Apache-2.0 */
/* The site as a whole: status, settings, enrolment file, bundle, audit. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mp/admin/admin.h"
#include "mp/content/content.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "mp/server/point.h"
#include "mp/watch/alerts.h"
#include "mp/watch/status.h"
#include "net/url.h"
#include "store/site/audit.h"
#include "store/site/role.h"
#include "store/site/setting.h"
#include "store/site/went_back.h"

/* --- status --- */

void mp_admin_status(struct mp_request *r)
{
    struct error err;
    json_t *status;
    if (mp_status(r->site, r->arena, &status, &err) == OK)
        mp_answer_json(r, 200, status);
    else
        mp_admin_fail(r, &err, NULL);
}

/* An administrator's word that what an older copy of the store had lost was made again. */
void mp_admin_restore_done(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_went_back_settle(r->site->store, &err), "restore.done", r->site->config->site,
                                 "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "cmg status tells whether there is one");
}

/* --- keys --- */

void mp_admin_keys_reload(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, mp_site_reload_keys(r->site, &err), "keys.reload", r->site->config->site, "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "see `cmg keys list`; the keys in use are still the ones of before");
}

/* --- settings --- */

void mp_admin_settings_list(struct mp_request *r)
{
    struct error err;
    json_t *o = json_object();
    for (const struct store_setting_info *i = store_settings; i->name; i++) {
        char *value;
        if (store_setting_get(r->site->store, i->name, &value, &err) != OK) {
            json_decref(o);
            mp_admin_fail(r, &err, NULL);
            return;
        }
        mp_put(o, i->name, json_string(value));
        free(value);
    }
    mp_answer_json(r, 200, json_pack("{s:o}", "settings", o));
}

/* "auto", 3600 and true (on) are all taken. */
static const char *value_text(struct mp_request *r, const json_t *value)
{
    if (json_is_boolean(value))
        return json_is_true(value) ? "on" : "off";
    if (json_is_integer(value))
        return arena_printf(r->arena, "%lld", (long long)json_integer_value(value)).ptr;
    return json_string_value(value);
}

static enum result put_setting(struct mp_request *r, const char *value, struct error *err)
{
    if (!value)
        return error_set(err, R_INVALID, "'value' is a string, a number or a boolean");
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = store_setting_put(r->site->store, r->params[0], slice_of(value), err);
    return mp_admin_commit(r, result, "setting.put", r->params[0], value, err);
}

void mp_admin_setting_put(struct mp_request *r)
{
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    const char *value = value_text(r, json_object_get(body, "value"));
    if (put_setting(r, value, &err) == OK) {
        mp_alerts_soon(r->site->alerts); /* alert_check counts at once */
        mp_answer_json(r, 200, json_pack("{s:s, s:s}", "name", r->params[0], "value", value));
    } else {
        mp_admin_fail(r, &err, "list them with: cmg settings get");
    }
    json_decref(body);
}

/* --- enrolment file (docs/protocol/wire.md 3) --- */

static enum result fqdns_of(struct mp_request *r, const char **ret, struct error *err)
{
    struct store_gateway *list;
    size_t count;
    const char *text = "";
    enum result result = store_gateway_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        const char *form = strchr(list[i].host, ':') ? "%s%s[%s]:%lld" : "%s%s%s:%lld"; /* an IPv6 address */
        text = arena_printf(r->arena, form, text, *text ? ";" : "", list[i].host, (long long)list[i].port).ptr;
    }
    *ret = text;
    return result;
}

/* Where devices inside find the site. A URL of this very machine tells nothing to others. */
static enum result put_inside(struct mp_request *r, json_t *o, struct error *err)
{
    struct store_mp *list;
    size_t count;
    json_t *urls = json_array();
    const char *anchors = NULL;
    enum result result = store_mp_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        struct net_url url;
        if (net_url_parse(slice_of(list[i].url), &url, err) != OK || net_host_loopback(slice_of(url.host)))
            continue;
        mp_push(urls, json_string(list[i].url));
        if (list[i].anchors_pem)
            anchors = arena_printf(r->arena, "%s%s", anchors ? anchors : "", list[i].anchors_pem).ptr;
    }
    mp_put(o, "mp_urls", urls);
    mp_put(o, "mp_ca_pem", anchors ? json_string(anchors) : json_null());
    return result;
}

enum result mp_admin_enrollment_json(struct mp_request *r, json_t **ret, struct error *err)
{
    const char *fqdns;
    char *ca = NULL;
    json_t *o = json_object();
    enum result result = fqdns_of(r, &fqdns, err);
    if (result == OK)
        result = store_setting_get(r->site->store, "gateway_ca_pem", &ca, err);
    if (result == OK)
        result = put_inside(r, o, err);
    if (result == OK) {
        mp_put(o, "opencmg", json_string("enrollment"));
        mp_put(o, "version", json_integer(1));
        mp_put(o, "site", json_string(r->site->keys.site));
        mp_put(o, "site_key", json_string(r->site->keys.pin));
        mp_put(o, "cmg_fqdns", json_string(fqdns));
        mp_put(o, "gateway_ca_pem", *ca ? json_string(ca) : json_null());
        *ret = o;
    } else {
        json_decref(o);
    }
    free(ca);
    return result;
}

void mp_admin_enrollment(struct mp_request *r)
{
    json_t *o;
    struct error err;
    if (mp_admin_enrollment_json(r, &o, &err) == OK)
        mp_answer_json(r, 200, o);
    else
        mp_admin_fail(r, &err, NULL);
}

/* --- bundle --- */

static void mask_sources(json_t *list)
{
    json_t *source;
    size_t i;
    json_array_foreach(list, i, source) {
        char shown[NET_URL_SHOWN_SIZE];
        const char *url = json_opt_str(source, "url", NULL);
        net_url_shown(slice_of(url), shown);
        if (url)
            mp_put(source, "url", json_string(shown));
    }
}

void mp_admin_bundle(struct mp_request *r)
{
    struct mp_text *text;
    json_t *header, *payload;
    struct error err;
    enum result result = mp_documents_bundle(r->site, &text, &err);
    if (result == OK) {
        result = jose_peek(slice_make(text->bytes, text->len), JOSE_DOCUMENT_MAX, &header, &payload, &err);
        mp_text_unref(text);
    }
    if (result != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_decref(header);
    if (r->role < MP_OPERATOR)
        mask_sources(json_object_get(json_object_get(payload, "content"), "sources"));
    mp_answer_json(r, 200, payload);
}
