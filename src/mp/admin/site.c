/* SPDX-License-Identifier: Apache-2.0 */
/* The site as a whole: status, settings, enrolment file, bundle, audit. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mp/admin/admin.h"
#include "mp/admin/names.h"
#include "mp/admin/role.h"
#include "mp/answer/parked.h"
#include "mp/content/content.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "mp/server/point.h"
#include "mp/status/connector_certificate.h"
#include "mp/status/problems.h"
#include "mp/status/trust_fault.h"
#include "mp/status/went_back.h"
#include "net/url.h"
#include "store/device/device.h"
#include "store/sequence.h"
#include "store/site/audit.h"
#include "store/site/endpoint.h"
#include "store/site/role.h"
#include "store/site/setting.h"
#include "store/site/trust.h"
#include "store/site/went_back.h"

/* --- status --- */

/* The last report; an empty object when there is none. */
static json_t *read_report(const char *report)
{
    json_t *o = NULL;
    if (!report || json_parse(slice_of(report), strlen(report), &o, NULL) != OK || !json_is_object(o)) {
        json_decref(o);
        return json_object();
    }
    return o;
}

/* A member of it; null when it has none. */
static json_t *member_of(const json_t *report, const char *member)
{
    json_t *value = json_object_get(report, member);
    return value ? json_incref(value) : json_null();
}

/* Those that devices see, which the gateway holds and tells of. */
static void put_server_certificates(const char *gateway, const json_t *report, json_t *ends)
{
    const json_t *certificate;
    size_t i;
    json_array_foreach(json_object_get(report, "server_certificates"), i, certificate)
    {
        mp_push(ends, json_pack("{s:o, s:I}", "what",
                                json_sprintf("server certificate of gateway %s (%s)", gateway,
                                             json_opt_str(certificate, "subject", "?")),
                                "not_after", (json_int_t)json_opt_int(certificate, "not_after", 0)));
    }
}

static json_t *seen_json(int64_t seen)
{
    return seen ? json_integer(seen) : json_null();
}

/* The role certificate that is in use ends, not the newest that was made. */
static void put_role_end(const char *kind, const char *id, int64_t issued, const json_t *report, json_t *ends)
{
    int64_t in_use = json_opt_int(report, "not_after", issued);
    if (!in_use) /* it has not joined yet */
        return;
    json_t *end = json_pack("{s:o, s:I}", "what", json_sprintf("%s %s", kind, id), "not_after", (json_int_t)in_use);
    if (issued > in_use)
        mp_put(end, "newer", json_integer((json_int_t)issued));
    mp_push(ends, end);
}

static enum result put_gateways(struct mp_request *r, json_t *o, json_t *ends, struct error *err)
{
    struct store_gateway *list;
    struct store_endpoint *endpoints;
    struct mp_names names = {NULL, 0};
    size_t count = 0;
    json_t *array = json_array();
    enum result result = store_endpoint_list(r->site->store, r->arena, &endpoints, &names.endpoint_count, err);
    if (result == OK)
        result = store_gateway_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        static const char *const told[] = {
            "version", "bundle",      "tunnels",          "connections",       "refusals",  "sources",
            "ahead_s", "state_fault", "document_refused", "certificate_fault", "acme_fault"};
        names.endpoints = endpoints;
        json_t *report = read_report(list[i].report);
        json_t *gateway = json_pack("{s:s, s:s, s:I, s:o}", "id", list[i].id, "host", list[i].host, "port",
                                    (json_int_t)list[i].port, "seen", seen_json(list[i].seen));
        for (size_t k = 0; k < ARRAY_LEN(told); k++)
            mp_put(gateway, told[k], member_of(report, told[k]));
        mp_put(gateway, "joined", json_boolean(list[i].not_after != 0));
        mp_put(gateway, "names_missing", mp_admin_names_missing(&names, &list[i], report));
        mp_push(array, gateway);
        put_server_certificates(list[i].id, report, ends);
        put_role_end("gateway", list[i].id, list[i].not_after, report, ends);
        json_decref(report);
    }
    mp_put(o, "gateways", array);
    return result == OK ? mp_role_put_joining(r, "gateway", array, err) : result;
}

/* The first management point that connectors must show a client certificate of the PKI to; NULL: none. */
static enum result find_demanding(struct mp_request *r, const struct store_mp **ret, struct error *err)
{
    struct store_mp *list;
    size_t count;
    *ret = NULL;
    enum result result = store_mp_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count && !*ret; i++)
        *ret = mp_content_needs_certificate(&list[i]) ? &list[i] : NULL;
    return result;
}

static enum result put_connectors(struct mp_request *r, json_t *o, json_t *ends, struct error *err)
{
    struct store_connector *list;
    const struct store_mp *demanding;
    size_t count = 0;
    json_t *array = json_array();
    enum result result = find_demanding(r, &demanding, err);
    if (result == OK)
        result = store_connector_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        json_t *report = read_report(list[i].report);
        mp_push(array, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:b}", "id", list[i].id, "seen",
                                 seen_json(list[i].seen), "gateways", member_of(report, "gateways"), "upstreams",
                                 member_of(report, "upstreams"), "ahead_s", member_of(report, "ahead_s"), "state_fault",
                                 member_of(report, "state_fault"), "document_refused",
                                 member_of(report, "document_refused"), "certificate", list[i].pki_sha256 != NULL,
                                 "client_certificate", mp_connector_certificate(&list[i], demanding, report), "joined",
                                 (int)(list[i].not_after != 0)));
        put_role_end("connector", list[i].id, list[i].not_after, report, ends);
        json_decref(report);
        if (list[i].pki_sha256)
            mp_push(ends, json_pack("{s:o, s:I}", "what", json_sprintf("PKI certificate of connector %s", list[i].id),
                                    "not_after", (json_int_t)list[i].pki_not_after));
    }
    mp_put(o, "connectors", array);
    return result == OK ? mp_role_put_joining(r, "connector", array, err) : result;
}

static enum result put_points(struct mp_request *r, json_t *o, json_t *ends, struct error *err)
{
    struct store_mp *list;
    size_t count;
    json_t *array = json_array();
    enum result result = store_mp_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(array, json_pack("{s:s, s:s, s:s, s:o}", "id", list[i].id, "mode", list[i].mode, "url", list[i].url,
                                 "clients", mp_content_words(list[i].clients)));
    mp_put(o, "management_points", array);
    for (size_t i = 0; i < r->site->config->points.count; i++) {
        const struct mp_point *p = &r->site->points[i];
        mp_push(ends, json_pack("{s:o, s:I}", "what", json_sprintf("management point %s", p->config->id), "not_after",
                                (json_int_t)p->not_after));
    }
    return result;
}

/* Devices about which an administrator has to say something: the first few. */
static enum result put_noticed(struct mp_request *r, json_t *o, struct error *err)
{
    enum { TOLD = 5 };
    struct store_device *waiting, *cloned;
    size_t waiting_count, cloned_count;
    json_t *w = json_array(), *c = json_array();
    mp_put(o, "waiting", w);
    mp_put(o, "cloned", c);
    enum result result = store_device_waiting(r->site->store, r->arena, TOLD, &waiting, &waiting_count, err);
    if (result == OK)
        result = store_device_cloned(r->site->store, r->arena, TOLD, &cloned, &cloned_count, err);
    for (size_t i = 0; result == OK && i < waiting_count; i++)
        mp_push(w, json_pack("{s:s, s:s, s:s}", "guid", waiting[i].guid, "name", waiting[i].name, "reason",
                             waiting[i].reason));
    for (size_t i = 0; result == OK && i < cloned_count; i++)
        mp_push(c, json_pack("{s:s, s:s, s:s, s:s, s:I}", "guid", cloned[i].guid, "name", cloned[i].name, "hardware_id",
                             cloned[i].hardware_id, "other_hardware", cloned[i].other_hardware, "at",
                             (json_int_t)cloned[i].other_hardware_at));
    return result;
}

static enum result put_counts(struct mp_request *r, json_t *o, struct error *err)
{
    struct store_device_counts n;
    int64_t sequence = 0, issued = 0;
    enum result result = store_device_count(r->site->store, &n, err);
    if (result == OK)
        result = store_sequence_get(r->site->store, STORE_SEQUENCE_BUNDLE, &sequence, &issued, err);
    if (result != OK)
        return result;
    mp_put(o, "devices",
           json_pack("{s:I, s:I, s:I}", "approved", (json_int_t)n.approved, "pending", (json_int_t)n.pending, "blocked",
                     (json_int_t)n.blocked));
    mp_put(o, "bundle", json_pack("{s:I, s:I}", "sequence", (json_int_t)sequence, "issued", (json_int_t)issued));
    mp_put(o, "parked", json_integer((json_int_t)mp_parked_count(r->site->parked)));
    return OK;
}

/* Endpoints whose server is told of no certificate any more: mp/content/connector.c. */
static enum result put_unnamed(struct mp_request *r, json_t *o, struct error *err)
{
    struct store_endpoint *list;
    size_t count, anchors;
    json_t *unnamed = json_array();
    mp_put(o, "headers_left_out", unnamed);
    enum result result = store_trust_anchors(r->site->store, &anchors, err);
    if (result == OK)
        result = store_endpoint_list(r->site->store, r->arena, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (strcmp(list[i].headers, "cmg") != 0 && !mp_content_form_is_safe(&list[i], anchors))
            mp_push(unnamed, json_pack("{s:s, s:s}", "endpoint", list[i].id, "headers", list[i].headers));
    }
    return result;
}

static json_t *fault_json(const struct mp_site *site)
{
    json_t *text = json_string(site->fault.text); /* NULL when it quotes what is not UTF-8 */
    if (!site->fault.at) {
        json_decref(text);
        return json_null();
    }
    return json_pack("{s:I, s:o}", "at", (json_int_t)site->fault.at, "text", text ? text : json_string("unknown"));
}

static json_t *join_refused_json(const struct mp_site *site)
{
    if (!site->join_refused.at)
        return json_null();
    json_t *text = json_string(site->join_refused.text); /* NULL when it was cut inside a character */
    return json_pack("{s:I, s:s, s:o}", "at", (json_int_t)site->join_refused.at, "of", site->join_refused.of, "text",
                     text ? text : json_string("unknown"));
}

void mp_admin_status(struct mp_request *r)
{
    struct error err;
    const struct mp_keys *k = &r->site->keys;
    json_t *ends = json_array();
    json_t *o = json_pack("{s:s, s:s, s:s}", "site", k->site, "pin", k->pin, "version", CMG_VERSION);
    for (size_t i = 0; i < k->end_count; i++)
        mp_push(ends, json_pack("{s:s, s:I}", "what", k->ends[i].what, "not_after", (json_int_t)k->ends[i].not_after));
    enum result result = put_points(r, o, ends, &err);
    if (result == OK)
        result = put_gateways(r, o, ends, &err);
    if (result == OK)
        result = put_connectors(r, o, ends, &err);
    if (result == OK)
        result = put_counts(r, o, &err);
    if (result == OK)
        result = put_noticed(r, o, &err);
    if (result == OK)
        result = put_unnamed(r, o, &err);
    if (result == OK)
        result = mp_trust_put_faults(r->site, r->arena, o, &err);
    mp_put(o, "certificates", ends);
    mp_put(o, "fault", fault_json(r->site));
    mp_put(o, "join_refused", join_refused_json(r->site));
    json_t *went_back = NULL;
    if (result == OK)
        result = mp_went_back_json(r->site, &went_back, &err);
    mp_put(o, "went_back", went_back ? went_back : json_null());
    if (result == OK) {
        mp_put(o, "problems", mp_problems(o, clock_wall_s()));
        mp_answer_json(r, 200, o);
        return;
    }
    json_decref(o);
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
    if (put_setting(r, value, &err) == OK)
        mp_answer_json(r, 200, json_pack("{s:s, s:s}", "name", r->params[0], "value", value));
    else
        mp_admin_fail(r, &err, "list them with: cmg settings get");
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
    json_array_foreach(list, i, source)
    {
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
