/* SPDX-License-Identifier: Apache-2.0 */
/* The site's gateways, connectors and management points in its status, and what of theirs ends when. */
#include "base/clock.h"
#include "mp/content/content.h"
#include "mp/put.h"
#include "mp/server/point.h"
#include "mp/status/connector_certificate.h"
#include "mp/watch/names.h"
#include "mp/watch/status.h"
#include "mp/watch/status_part.h"
#include "store/site/endpoint.h"
#include "store/site/join.h"
#include "store/site/role.h"

static json_t *joining_until(const struct store_join *list, size_t count, const char *kind, const char *id)
{
    for (size_t i = 0; i < count; i++) {
        if (!list[i].used && strcmp(list[i].kind, kind) == 0 && strcmp(list[i].id, id) == 0)
            return json_integer((json_int_t)list[i].expires);
    }
    return json_null();
}

enum result mp_status_put_joining(struct mp_site *site, struct arena *a, const char *kind, json_t *roles,
                                  struct error *err)
{
    struct store_join *list;
    size_t count, i;
    json_t *role;
    enum result result = store_join_list(site->store, a, clock_wall_s(), &list, &count, err);
    if (result != OK)
        return result;
    json_array_foreach(roles, i, role)
        mp_put(role, "joining", joining_until(list, count, kind, json_opt_str(role, "id", "")));
    return OK;
}

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

/* Members of it, up to the NULL; null for what it has not. */
static void put_told(json_t *role, const json_t *report, const char *const *names)
{
    for (; *names; names++) {
        json_t *value = json_object_get(report, *names);
        mp_put(role, *names, value ? json_incref(value) : json_null());
    }
}

/* Those that devices see, which the gateway holds and tells of. */
static void put_server_certificates(const char *gateway, const json_t *report, json_t *ends)
{
    const json_t *certificate;
    size_t i;
    json_array_foreach(json_object_get(report, "server_certificates"), i, certificate) {
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

enum result mp_status_put_gateways(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    struct store_gateway *list;
    struct store_endpoint *endpoints;
    static const char *const told[] = {"version",           "bundle",     "tunnels",     "connections",
                                       "refusals",          "sources",    "refused",     "ahead_s",
                                       "disk_free",         "disk_size",  "state_fault", "document_refused",
                                       "certificate_fault", "acme_fault", NULL};
    struct mp_names names = {NULL, 0};
    size_t count = 0;
    json_t *array = json_array(), *ends = json_object_get(o, "certificates");
    enum result result = store_endpoint_list(site->store, a, &endpoints, &names.endpoint_count, err);
    if (result == OK)
        result = store_gateway_list(site->store, a, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        names.endpoints = endpoints;
        json_t *report = read_report(list[i].report);
        json_t *gateway = json_pack("{s:s, s:s, s:I, s:o}", "id", list[i].id, "host", list[i].host, "port",
                                    (json_int_t)list[i].port, "seen", seen_json(list[i].seen));
        put_told(gateway, report, told);
        mp_put(gateway, "joined", json_boolean(list[i].not_after != 0));
        mp_put(gateway, "names_missing", mp_status_names_missing(&names, &list[i], report));
        mp_push(array, gateway);
        put_server_certificates(list[i].id, report, ends);
        put_role_end("gateway", list[i].id, list[i].not_after, report, ends);
        json_decref(report);
    }
    mp_put(o, "gateways", array);
    return result == OK ? mp_status_put_joining(site, a, "gateway", array, err) : result;
}

/* The first management point that connectors must show a client certificate of the PKI to; NULL: none. */
static enum result find_demanding(struct mp_site *site, struct arena *a, const struct store_mp **ret, struct error *err)
{
    struct store_mp *list;
    size_t count;
    *ret = NULL;
    enum result result = store_mp_list(site->store, a, &list, &count, err);
    for (size_t i = 0; result == OK && i < count && !*ret; i++)
        *ret = mp_content_needs_certificate(&list[i]) ? &list[i] : NULL;
    return result;
}

enum result mp_status_put_connectors(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    static const char *const told[] = {"gateways",  "upstreams",   "ahead_s",          "disk_free",
                                       "disk_size", "state_fault", "document_refused", NULL};
    struct store_connector *list;
    const struct store_mp *demanding;
    size_t count = 0;
    json_t *array = json_array(), *ends = json_object_get(o, "certificates");
    enum result result = find_demanding(site, a, &demanding, err);
    if (result == OK)
        result = store_connector_list(site->store, a, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        json_t *report = read_report(list[i].report);
        json_t *connector =
            json_pack("{s:s, s:o, s:b, s:o, s:b}", "id", list[i].id, "seen", seen_json(list[i].seen), "certificate",
                      list[i].pki_sha256 != NULL, "client_certificate",
                      mp_connector_certificate(&list[i], demanding, report), "joined", (int)(list[i].not_after != 0));
        put_told(connector, report, told);
        mp_push(array, connector);
        put_role_end("connector", list[i].id, list[i].not_after, report, ends);
        json_decref(report);
        if (list[i].pki_sha256)
            mp_push(ends, json_pack("{s:o, s:I}", "what", json_sprintf("PKI certificate of connector %s", list[i].id),
                                    "not_after", (json_int_t)list[i].pki_not_after));
    }
    mp_put(o, "connectors", array);
    return result == OK ? mp_status_put_joining(site, a, "connector", array, err) : result;
}

enum result mp_status_put_points(struct mp_site *site, struct arena *a, json_t *o, struct error *err)
{
    struct store_mp *list;
    size_t count;
    json_t *array = json_array(), *ends = json_object_get(o, "certificates");
    enum result result = store_mp_list(site->store, a, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++)
        mp_push(array, json_pack("{s:s, s:s, s:s, s:o}", "id", list[i].id, "mode", list[i].mode, "url", list[i].url,
                                 "clients", mp_content_words(list[i].clients)));
    mp_put(o, "management_points", array);
    for (size_t i = 0; i < site->config->points.count; i++) {
        const struct mp_point *p = &site->points[i];
        mp_push(ends, json_pack("{s:o, s:I}", "what", json_sprintf("management point %s", p->config->id), "not_after",
                                (json_int_t)p->not_after));
    }
    return result;
}
