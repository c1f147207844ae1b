/* SPDX-License-Identifier: Apache-2.0 */
/* The table of requests, and finding one's row. Nothing that a handler calls belongs here. */
#include "mp/admin/socket/routes.h"

#include "mp/admin/admin.h"
#include "mp/server/form.h"

/* Who sees changes nothing (a trace is a question that is forgotten soon); an operator changes what concerns single
 * devices and what they get, which can be undone; whom the site trusts, what it publishes, how it judges and its keys
 * are the administrator's. No answer to a GET holds a secret. */
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
    {"POST", "/v1/alerts", MP_ADMINISTRATOR, mp_admin_alert_add},
    {"GET", "/v1/alerts", MP_READER, mp_admin_alert_list},
    {"DELETE", "/v1/alerts/*", MP_ADMINISTRATOR, mp_admin_alert_remove},
    {"POST", "/v1/alerts/*/test", MP_ADMINISTRATOR, mp_admin_alert_test},
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
    {"POST", "/v1/traces", MP_READER, mp_admin_trace_add},
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
