/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket: connections, the table of requests, answers that all handlers share. */
#include "mp/admin/admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "http/server.h"
#include "mp/admin/access.h"
#include "mp/server/form.h"
#include "net/tcp.h"
#include "store/site/audit.h"

enum { SOCKET_MODE = 0660, BODY_MAX = 64 * 1024 * 1024, LIMITED_MAX = 64 };

/* Who sees changes nothing; an operator changes what concerns single devices and what they get, which can be undone;
 * whom the site trusts, what it publishes, how it judges and its keys are the administrator's. No answer to a GET holds
 * a secret. */
static const struct mp_admin_route routes[] = {
    {"GET", "/v1/status", MP_READER, mp_admin_status},
    {"POST", "/v1/gateways", MP_ADMINISTRATOR, mp_admin_gateway_add},
    {"GET", "/v1/gateways", MP_READER, mp_admin_gateway_list},
    {"DELETE", "/v1/gateways/*", MP_ADMINISTRATOR, mp_admin_gateway_remove},
    {"POST", "/v1/connectors", MP_ADMINISTRATOR, mp_admin_connector_add},
    {"GET", "/v1/connectors", MP_READER, mp_admin_connector_list},
    {"DELETE", "/v1/connectors/*", MP_ADMINISTRATOR, mp_admin_connector_remove},
    {"PUT", "/v1/connectors/*/certificate", MP_ADMINISTRATOR, mp_admin_connector_certificate},
    {"GET", "/v1/management-points", MP_READER, mp_admin_mp_list},
    {"DELETE", "/v1/management-points/*", MP_ADMINISTRATOR, mp_admin_mp_remove},
    {"POST", "/v1/tokens", MP_OPERATOR, mp_admin_token_add},
    {"GET", "/v1/tokens", MP_READER, mp_admin_token_list},
    {"POST", "/v1/tokens/*/block", MP_OPERATOR, mp_admin_token_block},
    {"POST", "/v1/tokens/*/unblock", MP_OPERATOR, mp_admin_token_unblock},
    {"GET", "/v1/devices", MP_READER, mp_admin_device_list},
    {"GET", "/v1/devices/*", MP_READER, mp_admin_device_get},
    {"DELETE", "/v1/devices/*", MP_OPERATOR, mp_admin_device_remove},
    {"POST", "/v1/devices/remove-waiting", MP_OPERATOR, mp_admin_device_remove_waiting},
    {"POST", "/v1/devices/*/block", MP_OPERATOR, mp_admin_device_block},
    {"POST", "/v1/devices/*/unblock", MP_OPERATOR, mp_admin_device_unblock},
    {"POST", "/v1/devices/*/approve", MP_OPERATOR, mp_admin_device_approve},
    {"POST", "/v1/policies", MP_OPERATOR, mp_admin_policy_put},
    {"GET", "/v1/policies", MP_READER, mp_admin_policy_list},
    {"DELETE", "/v1/policies/*", MP_OPERATOR, mp_admin_policy_remove},
    {"POST", "/v1/endpoints", MP_ADMINISTRATOR, mp_admin_endpoint_add},
    {"GET", "/v1/endpoints", MP_READER, mp_admin_endpoint_list},
    {"PATCH", "/v1/endpoints/*", MP_ADMINISTRATOR, mp_admin_endpoint_set},
    {"DELETE", "/v1/endpoints/*", MP_ADMINISTRATOR, mp_admin_endpoint_remove},
    {"POST", "/v1/trust", MP_ADMINISTRATOR, mp_admin_trust_add},
    {"GET", "/v1/trust", MP_READER, mp_admin_trust_list},
    {"DELETE", "/v1/trust/*", MP_ADMINISTRATOR, mp_admin_trust_remove},
    {"PUT", "/v1/trust/*/fetch-hosts", MP_ADMINISTRATOR, mp_admin_fetch_hosts_put},
    {"POST", "/v1/foreign-sites", MP_ADMINISTRATOR, mp_admin_foreign_add},
    {"GET", "/v1/foreign-sites", MP_READER, mp_admin_foreign_list},
    {"DELETE", "/v1/foreign-sites/*", MP_ADMINISTRATOR, mp_admin_foreign_remove},
    {"POST", "/v1/sources", MP_ADMINISTRATOR, mp_admin_source_add},
    {"GET", "/v1/sources", MP_READER, mp_admin_source_list},
    {"DELETE", "/v1/sources/*", MP_ADMINISTRATOR, mp_admin_source_remove},
    {"POST", "/v1/tenants", MP_ADMINISTRATOR, mp_admin_tenant_add},
    {"GET", "/v1/tenants", MP_READER, mp_admin_tenant_list},
    {"POST", "/v1/tenants/*/enable", MP_ADMINISTRATOR, mp_admin_tenant_enable},
    {"POST", "/v1/tenants/*/disable", MP_ADMINISTRATOR, mp_admin_tenant_disable},
    {"DELETE", "/v1/tenants/*", MP_ADMINISTRATOR, mp_admin_tenant_remove},
    {"POST", "/v1/restore/done", MP_ADMINISTRATOR, mp_admin_restore_done},
    {"POST", "/v1/keys/reload", MP_ADMINISTRATOR, mp_admin_keys_reload},
    {"GET", "/v1/settings", MP_READER, mp_admin_settings_list},
    {"PUT", "/v1/settings/*", MP_ADMINISTRATOR, mp_admin_setting_put},
    {"POST", "/v1/collections", MP_OPERATOR, mp_admin_collection_put},
    {"GET", "/v1/collections", MP_READER, mp_admin_collection_list},
    {"GET", "/v1/collections/*", MP_READER, mp_admin_collection_get},
    {"DELETE", "/v1/collections/*", MP_OPERATOR, mp_admin_collection_remove},
    {"PUT", "/v1/collections/*/devices/*", MP_OPERATOR, mp_admin_collection_device_add},
    {"DELETE", "/v1/collections/*/devices/*", MP_OPERATOR, mp_admin_collection_device_remove},
    {"POST", "/v1/client-settings", MP_OPERATOR, mp_admin_client_settings_put},
    {"GET", "/v1/client-settings", MP_READER, mp_admin_client_settings_list},
    {"DELETE", "/v1/client-settings/*", MP_OPERATOR, mp_admin_client_settings_remove},
    {"GET", "/v1/devices/*/settings", MP_READER, mp_admin_resultant},
    {"GET", "/v1/devices/*/policies", MP_READER, mp_admin_policy_resultant},
    {"GET", "/v1/enrollment", MP_READER, mp_admin_enrollment},
    {"GET", "/v1/bundle", MP_READER, mp_admin_bundle},
    {"POST", "/v1/questions", MP_OPERATOR, mp_admin_question_add},
    {"GET", "/v1/questions/*", MP_READER, mp_admin_question_get},
    {"GET", "/v1/audit", MP_READER, mp_admin_audit},
};

/* --- finding the handler --- */

static bool take_param(struct arena *a, struct slice segment, char ret[MP_PARAM_SIZE])
{
    struct slice decoded;
    if (mp_percent_decode(segment, false, a, &decoded, NULL) != OK || !decoded.len)
        return false;
    json_t *text = json_stringn(decoded.ptr, decoded.len); /* NULL when it is not UTF-8 */
    json_decref(text);
    return text && slice_to_cstr(decoded, ret, MP_PARAM_SIZE);
}

static bool matches(struct arena *a, const char *pattern, struct slice path, char params[MP_PARAMS_MAX][MP_PARAM_SIZE])
{
    struct slice want = slice_of(pattern);
    size_t count = 0;
    while (want.ptr && path.ptr) {
        struct slice wanted = slice_cut(&want, '/'), segment = slice_cut(&path, '/');
        if (!slice_eq(wanted, SLICE("*"))) {
            if (!slice_eq(wanted, segment))
                return false;
        } else if (count == MP_PARAMS_MAX || !take_param(a, segment, params[count++])) {
            return false;
        }
    }
    return !want.ptr && !path.ptr;
}

const struct mp_admin_route *mp_admin_route_find(struct arena *a, struct slice method, struct slice path,
                                                 char params[MP_PARAMS_MAX][MP_PARAM_SIZE], const char **ret_allow)
{
    const char *allow = "";
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!matches(a, routes[i].pattern, path, params))
            continue;
        if (slice_eq(method, slice_of(routes[i].method)))
            return &routes[i];
        allow = arena_printf(a, "%s%s%s", allow, *allow ? ", " : "", routes[i].method).ptr;
    }
    *ret_allow = allow;
    return NULL;
}

/* --- connections --- */

struct admin_connection {
    struct mp_admin *admin;
    struct admin_connection *next, **link;
    struct http_server_conn *http;
    unsigned uid;
    enum mp_role role;
    size_t bodies; /* bytes, of who is no administrator */
};

struct mp_admin {
    struct mp_site *site;
    struct net_listener *listener;
    struct admin_connection *connections;
    struct mp_admin_groups groups;
    size_t limited; /* connections of who is no administrator */
};

/* --- roles --- */

static void refuse_role(struct mp_request *r, enum mp_role wanted, enum mp_role has)
{
    const char *group = r->site->config->groups[wanted];
    char remedy[384];
    struct error err;
    (void)error_set(&err, R_DENIED, "this wants the role %s; %s has %s%s", mp_role_name(wanted), r->caller,
                    has == MP_NO_ROLE ? "" : "the role ", mp_role_name(has));
    (void)snprintf(remedy, sizeof remedy,
                   "have it done by who has that role, or join the group %s on the machine of cmg-mp (usermod -aG %s "
                   "USER as root, then log in anew; groups made since cmg-mp started want its restart)",
                   group, group);
    mp_admin_fail(r, &err, remedy);
}

static void on_request(void *owner, struct http_exchange *x)
{
    struct admin_connection *c = owner;
    struct mp_request *r = mp_request_new(c->admin->site, NULL, x);
    const char *allow;
    (void)snprintf(r->caller, sizeof r->caller, "uid:%u", c->uid);
    r->role = c->role;
    (void)snprintf(r->body_share.whose, sizeof r->body_share.whose, "%s", r->caller);
    if (c->role < MP_ADMINISTRATOR)
        r->body_share.connection = &c->bodies;
    const struct mp_admin_route *route = mp_admin_route_find(r->arena, x->request.method, r->path, r->params, &allow);
    if (c->role == MP_NO_ROLE || (route && c->role < route->wants))
        refuse_role(r, route ? route->wants : MP_READER, c->role);
    else if (route)
        mp_request_collect(r, route->handle, BODY_MAX);
    else if (*allow)
        mp_refuse_method(r, allow);
    else
        mp_refuse(r, MP_REFUSAL_UNKNOWN_PATH, NULL);
}

static void on_close(void *owner)
{
    struct admin_connection *c = owner;
    if ((*c->link = c->next))
        c->next->link = c->link;
    c->admin->limited -= c->role < MP_ADMINISTRATOR;
    free(c);
}

static const struct http_server_events events = {.on_request = on_request, .on_close = on_close};

static void on_accept(void *ctx, struct net_stream *stream, const struct net_address *peer)
{
    struct mp_admin *a = ctx;
    unsigned uid;
    enum mp_role role;
    (void)peer;
    if (!mp_admin_role_of_peer(&a->groups, stream, &uid, &role)) {
        log_msg(LOG_WARN, "mp", "the admin socket's caller can't be told; it was hung up on");
        net_stream_close(stream);
        return;
    }
    if (role < MP_ADMINISTRATOR && a->limited >= LIMITED_MAX) { /* administrators always get through */
        LOG_GATHERED(LOG_WARN, "mp", "admin", "limited", "the admin socket is full of who is no administrator",
                     LOG_N("uid", uid));
        net_stream_close(stream);
        return;
    }
    struct admin_connection *c = mem_zalloc(sizeof *c);
    c->admin = a;
    c->uid = uid;
    c->role = role;
    a->limited += role < MP_ADMINISTRATOR;
    c->link = &a->connections;
    if ((c->next = a->connections))
        c->next->link = &c->next;
    a->connections = c;
    c->http = http_server_conn_new(a->site->loop, stream, false, &http_server_defaults, &events, c);
}

enum result mp_admin_open(struct mp_site *site, struct mp_admin **ret, struct error *err)
{
    struct mp_admin *a = mem_zalloc(sizeof *a);
    struct error refused;
    a->site = site;
    enum result r = mp_admin_groups_find(site->config, &a->groups, err);
    if (r == OK)
        r = file_make_parent(site->config->admin_socket, 0755, err);
    if (r == OK)
        r = net_listen_unix(site->loop, site->config->admin_socket, SOCKET_MODE, on_accept, a, &a->listener, err);
    if (r != OK) {
        free(a);
        return error_prefix(err, "admin_socket");
    }
    if (mp_admin_groups_admit(&a->groups, site->config->admin_socket, &refused) != OK)
        log_msg(LOG_WARN, "mp",
                "%s; root and the user of cmg-mp alone can use it: put it on a file system that has them",
                refused.text);
    *ret = a;
    return OK;
}

void mp_admin_hang_up(struct mp_admin *a)
{
    if (!a)
        return;
    net_listener_close(a->listener);
    a->listener = NULL;
    for (struct admin_connection *c = a->connections; c; c = c->next)
        http_server_conn_close(c->http); /* on_close frees it, later */
}

void mp_admin_free(struct mp_admin *a)
{
    free(a);
}

/* --- what handlers share --- */

json_t *mp_admin_body(struct mp_request *r)
{
    json_t *body = NULL;
    struct error err;
    enum result result = json_parse(buf_data(&r->body), BODY_MAX, &body, &err);
    if (result == OK && !json_is_object(body))
        result = error_set(&err, R_INVALID, "the body must be a JSON object");
    if (result == OK)
        return body;
    json_decref(body);
    mp_admin_fail(r, &err, NULL);
    return NULL;
}

/* Where it is seen what there is, by the first part of the path. */
static const struct {
    const char *things, *command;
} lists[] = {
    {"gateways", "cmg gateway list"},
    {"connectors", "cmg connector list"},
    {"endpoints", "cmg endpoint list"},
    {"devices", "cmg device list"},
    {"collections", "cmg collection list, cmg device list"},
    {"client-settings", "cmg settings client list, cmg collection list"},
    {"policies", "cmg policy list"},
    {"tokens", "cmg token list"},
    {"tenants", "cmg tenant list, cmg source list"},
    {"sources", "cmg source list"},
    {"trust", "cmg trust list"},
    {"foreign-sites", "cmg trust list-foreign"},
    {"settings", "cmg settings get"},
};

static const char *list_of(struct slice path)
{
    struct slice rest = slice_starts(path, SLICE("/v1/")) ? slice_skip(path, 4) : path;
    struct slice things = slice_cut(&rest, '/');
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (slice_eq(things, slice_of(lists[i].things)))
            return lists[i].command;
    }
    return "cmg status";
}

/* For handlers that have no better words. */
static void usual_remedy(const struct mp_request *r, enum result code, char *ret, size_t size)
{
    const char *list = list_of(r->path);
    if (code == R_NOTFOUND)
        (void)snprintf(ret, size, "list them with: %s", list);
    else if (code == R_CONFLICT)
        (void)snprintf(ret, size, "use another name, or remove what is there first; see: %s", list);
    else
        (void)snprintf(ret, size, "%s; see the command's --help, and what there is: %s", result_remedy(code), list);
}

void mp_admin_fail(struct mp_request *r, const struct error *err, const char *remedy)
{
    static const struct {
        enum result code;
        int status;
        const char *word, *title;
    } map[] = {
        {R_INVALID, 400, "MP_Bad_Request", "the request is malformed"},
        {R_DENIED, 403, "MP_Not_Allowed", "this is not allowed"},
        {R_NOTFOUND, 404, "MP_Not_Found", "there is no such thing"},
        {R_CONFLICT, 409, "MP_Conflict", "this contradicts what is there already"},
        {R_LIMIT, 413, "MP_Too_Large", "a maximum was reached"},
        {R_AGAIN, 503, "MP_Busy", "the store can't be had now"},
    };
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].code != err->code)
            continue;
        char usual[256];
        usual_remedy(r, err->code, usual, sizeof usual);
        json_t *said = json_string(err->text); /* NULL when it quotes what is not UTF-8 */
        json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:s, s:s}", "type", "about:blank", "title", map[i].title,
                              "status", map[i].status, "code", map[i].word, "reason", result_name(err->code), "detail",
                              said ? said : json_string(map[i].title), "remedy",
                              remedy        ? remedy
                              : err->remedy ? err->remedy
                                            : usual,
                              "request_id", r->id);
        mp_answer_problem(r, map[i].status, o);
        return;
    }
    mp_refuse_fault_told(r, err);
}

enum result mp_admin_commit(struct mp_request *r, enum result so_far, const char *action, const char *object,
                            const char *detail, struct error *err)
{
    if (so_far == OK)
        so_far = store_audit_add(
            r->site->store,
            &(struct store_audit){.caller = r->caller, .action = action, .object = object, .detail = detail}, err);
    so_far = store_end(r->site->store, so_far, err);
    if (so_far == OK)
        LOG_EVENT(LOG_INFO, "admin", action, LOG_T("caller", r->caller), LOG_T("object", object));
    return so_far;
}

bool mp_admin_name_good(const char *name, size_t max)
{
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '/')
            return false;
    }
    return *name && strlen(name) <= max;
}
