/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API as a table: what each request does, whose role it wants, what it takes (a GET or DELETE: in its query,
 * all else: in its body) and answers (status, several by "|", then members). routes.c makes its routes of it,
 * tools/openapi-doc makes docs/openapi.json, which is held against a running site by
 * tests/integration/point/openapi_test.py.
 *
 * A member is `name`, `name?` where it may be missing, `name:TYPE` where it is no text. TYPE: one of JSON's, or several
 * by "|", an object of MP_ADMIN_OBJECTS, or [OBJECT], a list of these. `=OBJECT`: its members. `*` alone: the body is
 * no JSON but bytes, as many as there are, which the handler takes in as they come.
 *
 * Who sees changes nothing (a trace is a question that is forgotten soon); an operator changes what concerns single
 * devices and what they get, which can be undone; whom the site trusts, what it publishes, how it judges and its keys
 * are the administrator's. No answer to a GET holds a secret.
 */
#ifndef MP_ADMIN_SOCKET_API_H
#define MP_ADMIN_SOCKET_API_H

/* X(method, pattern, role, handler, what, takes, answers); a "*" of the pattern stands for one segment */
#define MP_ADMIN_ROUTES(X)                                                                                             \
    X("GET", "/v1/status", MP_READER, mp_admin_status, "Show the site", "", "200 =status")                             \
    X("POST", "/v1/gateways", MP_ADMINISTRATOR, mp_admin_gateway_add, "Make a gateway known, or renew it",             \
      "id host? port?:integer renew?:boolean revoke_old?:boolean join?:object",                                        \
      "201 gateway:gateway bootstrap?:object join? expires?:integer")                                                  \
    X("GET", "/v1/gateways", MP_READER, mp_admin_gateway_list, "List the gateways", "", "200 gateways:[gateway]")      \
    X("DELETE", "/v1/gateways/*", MP_ADMINISTRATOR, mp_admin_gateway_remove,                                           \
      "Remove a gateway and withdraw its certificate", "", "204")                                                      \
    X("POST", "/v1/connectors", MP_ADMINISTRATOR, mp_admin_connector_add, "Make a connector known, or renew it",       \
      "id certificate_pem? renew?:boolean revoke_old?:boolean join?:object",                                           \
      "201 connector:connector bootstrap?:object join? expires?:integer")                                              \
    X("GET", "/v1/connectors", MP_READER, mp_admin_connector_list, "List the connectors", "",                          \
      "200 connectors:[connector]")                                                                                    \
    X("DELETE", "/v1/connectors/*", MP_ADMINISTRATOR, mp_admin_connector_remove,                                       \
      "Remove a connector and withdraw its certificate", "", "204")                                                    \
    X("PUT", "/v1/connectors/*/certificate", MP_ADMINISTRATOR, mp_admin_connector_certificate,                         \
      "Register a connector's PKI client certificate", "certificate_pem", "200 connector:connector")                   \
    X("GET", "/v1/management-points", MP_READER, mp_admin_mp_list, "List the management points", "",                   \
      "200 management_points:[management_point]")                                                                      \
    X("DELETE", "/v1/management-points/*", MP_ADMINISTRATOR, mp_admin_mp_remove, "Forget a management point", "",      \
      "204")                                                                                                           \
    X("POST", "/v1/tokens", MP_OPERATOR, mp_admin_token_add,                                                           \
      "Make a bulk registration token, or a device's join string",                                                     \
      "lifetime_s?:integer uses?:integer networks?:array names?:array collection? join?:object",                       \
      "201 id token? join? expires:integer uses:integer")                                                              \
    X("GET", "/v1/tokens", MP_READER, mp_admin_token_list, "List the bulk registration tokens, the newest first",      \
      "limit?:integer after?", "200 tokens:[token] next:string|null")                                                  \
    X("POST", "/v1/tokens/*/block", MP_OPERATOR, mp_admin_token_block, "Block a bulk registration token", "",          \
      "200 token:token")                                                                                               \
    X("POST", "/v1/tokens/*/unblock", MP_OPERATOR, mp_admin_token_unblock, "Allow a blocked token again", "",          \
      "200 token:token")                                                                                               \
    X("GET", "/v1/devices", MP_READER, mp_admin_device_list, "List the devices",                                       \
      "limit?:integer after? anchor? where?", "200 devices:[device] next:string|null")                                 \
    X("GET", "/v1/devices/*", MP_READER, mp_admin_device_get, "Show one device, by GUID or name", "",                  \
      "200 device:device")                                                                                             \
    X("DELETE", "/v1/devices/*", MP_OPERATOR, mp_admin_device_remove,                                                  \
      "Remove a device's record; what it held stays out unless it is forgotten", "forget?", "204")                     \
    X("POST", "/v1/devices/remove-waiting", MP_OPERATOR, mp_admin_device_remove_waiting,                               \
      "Remove the records that wait", "older_than?:integer name? dry_run?:boolean",                                    \
      "200 removed:integer still_waiting:integer dry_run:boolean")                                                     \
    X("POST", "/v1/devices/*/block", MP_OPERATOR, mp_admin_device_block, "Block a device everywhere", "",              \
      "200 device:device")                                                                                             \
    X("POST", "/v1/devices/*/unblock", MP_OPERATOR, mp_admin_device_unblock, "Allow a blocked device again", "",       \
      "200 device:device")                                                                                             \
    X("POST", "/v1/devices/*/approve", MP_OPERATOR, mp_admin_device_approve,                                           \
      "Approve a device that waits, or let a removed one register again", "", "200 device?:device readmitted?")        \
    X("POST", "/v1/notifications", MP_OPERATOR, mp_admin_notify,                                                       \
      "Tell a device, a collection or all to do something at once",                                                    \
      "what device? collection? all?:boolean message? expires_s?:integer spread_s?:integer",                           \
      "201 notification:notification")                                                                                 \
    X("POST", "/v1/policies", MP_OPERATOR, mp_admin_policy_put, "Store a policy, or a new version of it",              \
      "name content users?:array collections?:array deploy?:object|null", "201|200 policy:policy")                     \
    X("GET", "/v1/policies", MP_READER, mp_admin_policy_list, "List the policies", "limit?:integer after?",            \
      "200 policies:[policy] next:string|null")                                                                        \
    X("DELETE", "/v1/policies/*", MP_OPERATOR, mp_admin_policy_remove, "Remove a policy", "", "204")                   \
    X("PUT", "/v1/content-files/*", MP_OPERATOR, mp_admin_content_file_put,                                            \
      "Bring in a file, whose SHA-256 is its name here", "*", "201|200 sha256 size:integer")                           \
    X("GET", "/v1/content-files/*", MP_READER, mp_admin_content_file_get,                                              \
      "Tell whether the file of a SHA-256 is here", "", "200 sha256 size:integer")                                     \
    X("POST", "/v1/content", MP_OPERATOR, mp_admin_content_add, "Give files that are here a name and a version",       \
      "name version files:array", "201|200 content:content")                                                           \
    X("GET", "/v1/content", MP_READER, mp_admin_content_list, "List the content", "limit?:integer after?",             \
      "200 contents:[content] next:string|null")                                                                       \
    X("GET", "/v1/content/*/versions/*", MP_READER, mp_admin_content_get, "Show a version of content and its files",   \
      "", "200 content:content files:[content_file]")                                                                  \
    X("DELETE", "/v1/content/*/versions/*", MP_OPERATOR, mp_admin_content_remove,                                      \
      "Remove a version of content, and the files that no other has", "", "204")                                       \
    X("POST", "/v1/endpoints", MP_ADMINISTRATOR, mp_admin_endpoint_add, "Publish a server through the gateway",        \
      "id url role? name? host? auth?:array methods?:array max_body?:integer headers? "                                \
      "client_anchors?:array anchors_pem? upstream_host? keep_host?:boolean "                                          \
      "x_forwarded?:boolean allow_encoded_slash?:boolean upgrade? answer_s?:integer "                                  \
      "purpose?",                                                                                                      \
      "201 endpoint:endpoint")                                                                                         \
    X("GET", "/v1/endpoints", MP_READER, mp_admin_endpoint_list, "List the published endpoints", "",                   \
      "200 endpoints:[endpoint]")                                                                                      \
    X("PATCH", "/v1/endpoints/*", MP_ADMINISTRATOR, mp_admin_endpoint_set,                                             \
      "Change a published endpoint in place; null takes a member out",                                                 \
      "url? role? name? host? auth?:array methods?:array|null max_body?:integer headers? "                             \
      "client_anchors?:array|null anchors_pem?:string|null upstream_host?:string|null "                                \
      "keep_host?:boolean x_forwarded?:boolean allow_encoded_slash?:boolean "                                          \
      "upgrade?:string|null answer_s?:integer",                                                                        \
      "200 endpoint:endpoint")                                                                                         \
    X("DELETE", "/v1/endpoints/*", MP_ADMINISTRATOR, mp_admin_endpoint_remove, "Publish an endpoint no longer", "",    \
      "204")                                                                                                           \
    X("POST", "/v1/trust", MP_ADMINISTRATOR, mp_admin_trust_add,                                                       \
      "Trust a PKI for device certificates, or take its list", "kind data fetch_hosts?:array",                         \
      "201 =trust added:[trust]")                                                                                      \
    X("GET", "/v1/trust", MP_READER, mp_admin_trust_list, "List anchors, intermediates and lists", "",                 \
      "200 trust:[trust]")                                                                                             \
    X("DELETE", "/v1/trust/*", MP_ADMINISTRATOR, mp_admin_trust_remove, "Trust one of them no longer", "",             \
      "200 removed still_let_in:object")                                                                               \
    X("PUT", "/v1/trust/*/fetch-hosts", MP_ADMINISTRATOR, mp_admin_fetch_hosts_put,                                    \
      "Say from which hosts gateways fetch the lists that certificates point to", "fetch_hosts:array",                 \
      "200 id fetch_hosts:array")                                                                                      \
    X("POST", "/v1/foreign-sites", MP_ADMINISTRATOR, mp_admin_foreign_add,                                             \
      "Take the tokens of a Configuration Manager site", "id issuer pem endpoints:array audience? header? key?",       \
      "201 foreign_site:foreign_site")                                                                                 \
    X("GET", "/v1/foreign-sites", MP_READER, mp_admin_foreign_list, "List the foreign sites whose tokens are taken",   \
      "", "200 foreign_sites:[foreign_site]")                                                                          \
    X("DELETE", "/v1/foreign-sites/*", MP_ADMINISTRATOR, mp_admin_foreign_remove,                                      \
      "Take a foreign site's tokens no longer", "", "204")                                                             \
    X("POST", "/v1/sources", MP_ADMINISTRATOR, mp_admin_source_add,                                                    \
      "Name where a list or an OpenID provider's keys come from", "id kind url via refresh_s?:integer ca_pem?",        \
      "201 source:source")                                                                                             \
    X("GET", "/v1/sources", MP_READER, mp_admin_source_list, "List the named sources", "", "200 sources:[source]")     \
    X("DELETE", "/v1/sources/*", MP_ADMINISTRATOR, mp_admin_source_remove, "Fetch one of them no longer", "", "204")   \
    X("POST", "/v1/alerts", MP_ADMINISTRATOR, mp_admin_alert_add,                                                      \
      "Tell a webhook or a mailbox of what needs attention",                                                           \
      "id kind url auth? user? secret? from? to?:array plain?:boolean ca_pem? remind_s?:integer",                      \
      "201 receiver:receiver")                                                                                         \
    X("GET", "/v1/alerts", MP_READER, mp_admin_alert_list, "List who is told", "", "200 receivers:[receiver]")         \
    X("DELETE", "/v1/alerts/*", MP_ADMINISTRATOR, mp_admin_alert_remove, "Tell one of them no longer", "", "204")      \
    X("POST", "/v1/alerts/*/test", MP_ADMINISTRATOR, mp_admin_alert_test,                                              \
      "Send a receiver a test and wait for its server's answer", "",                                                   \
      "200 receiver taken:boolean answer:string|null fault:string|null")                                               \
    X("POST", "/v1/tenants", MP_ADMINISTRATOR, mp_admin_tenant_add,                                                    \
      "Take the tokens of an Entra tenant or another OpenID provider",                                                 \
      "id issuers:array audiences:array tenant? jwks?:object|array source? client_app_id? "                            \
      "resource? algorithms? tenant_claim? device_claim? user_claims?",                                                \
      "201 tenant:tenant")                                                                                             \
    X("GET", "/v1/tenants", MP_READER, mp_admin_tenant_list, "List the onboarded tenants", "", "200 tenants:[tenant]") \
    X("POST", "/v1/tenants/*/enable", MP_ADMINISTRATOR, mp_admin_tenant_enable, "Take a tenant's tokens again", "",    \
      "204")                                                                                                           \
    X("POST", "/v1/tenants/*/disable", MP_ADMINISTRATOR, mp_admin_tenant_disable, "Refuse a tenant's tokens for now",  \
      "", "204")                                                                                                       \
    X("DELETE", "/v1/tenants/*", MP_ADMINISTRATOR, mp_admin_tenant_remove, "Forget a tenant", "", "204")               \
    X("POST", "/v1/restore/done", MP_ADMINISTRATOR, mp_admin_restore_done,                                             \
      "Say that what an older store lost was made again", "", "204")                                                   \
    X("POST", "/v1/keys/reload", MP_ADMINISTRATOR, mp_admin_keys_reload, "Read the signing keys anew", "", "204")      \
    X("GET", "/v1/settings", MP_READER, mp_admin_settings_list, "Show the settings of the site", "",                   \
      "200 settings:object")                                                                                           \
    X("PUT", "/v1/settings/*", MP_ADMINISTRATOR, mp_admin_setting_put, "Change a setting of the site",                 \
      "value:string|integer|boolean", "200 name value")                                                                \
    X("POST", "/v1/collections", MP_OPERATOR, mp_admin_collection_put, "Make a collection of devices, or change it",   \
      "name rules?:array devices?:array", "201 collection:collection next:string|null")                                \
    X("GET", "/v1/collections", MP_READER, mp_admin_collection_list, "List the collections", "limit?:integer after?",  \
      "200 collections:[collection] next:string|null")                                                                 \
    X("GET", "/v1/collections/*", MP_READER, mp_admin_collection_get, "Show a collection and its devices",             \
      "limit?:integer after?", "200 collection:collection next:string|null")                                           \
    X("DELETE", "/v1/collections/*", MP_OPERATOR, mp_admin_collection_remove, "Remove a collection", "", "204")        \
    X("PUT", "/v1/collections/*/devices/*", MP_OPERATOR, mp_admin_collection_device_add,                               \
      "List a device in a collection", "", "200 collection:collection next:string|null")                               \
    X("DELETE", "/v1/collections/*/devices/*", MP_OPERATOR, mp_admin_collection_device_remove,                         \
      "List it there no longer", "", "200 collection:collection next:string|null")                                     \
    X("POST", "/v1/client-settings", MP_OPERATOR, mp_admin_client_settings_put,                                        \
      "Change default or custom client settings", "name collection? priority?:integer settings:object",                \
      "200 client_settings:client_settings")                                                                           \
    X("GET", "/v1/client-settings", MP_READER, mp_admin_client_settings_list,                                          \
      "List the client settings, the first wins", "", "200 client_settings:[client_settings]")                         \
    X("DELETE", "/v1/client-settings/*", MP_OPERATOR, mp_admin_client_settings_remove,                                 \
      "Remove custom client settings", "", "204")                                                                      \
    X("GET", "/v1/devices/*/settings", MP_READER, mp_admin_resultant, "Show a device's resultant client settings", "", \
      "200 device name collections:array values:object winners:object settings:array "                                 \
      "device_has:object")                                                                                             \
    X("GET", "/v1/devices/*/policies", MP_READER, mp_admin_policy_resultant,                                           \
      "Show which policies reach a device, and why", "", "200 device name collections:array policies:array")           \
    X("GET", "/v1/devices/*/messages", MP_READER, mp_admin_device_messages,                                            \
      "Show what a device told of late of what it was given, the newest first", "", "200 device messages:array")       \
    X("GET", "/v1/devices/*/inventory", MP_READER, mp_admin_device_inventory, "Show what a device is, as it tells it", \
      "", "200 device name taken:integer received:integer facts:object")                                               \
    X("GET", "/v1/devices/*/changes", MP_READER, mp_admin_device_changes,                                              \
      "Show what became other of what a device is, the newest first", "", "200 device changes:array")                  \
    X("GET", "/v1/enrollment", MP_READER, mp_admin_enrollment, "Print the enrolment file for devices", "",             \
      "200 opencmg version:integer site site_key cmg_fqdns gateway_ca_pem:string|null "                                \
      "mp_urls:array mp_ca_pem:string|null")                                                                           \
    X("GET", "/v1/bundle", MP_READER, mp_admin_bundle, "Show what gateways are told", "",                              \
      "200 type site audience sequence:integer issued:integer expires:integer content:object")                         \
    X("POST", "/v1/questions", MP_OPERATOR, mp_admin_question_add,                                                     \
      "Ask gateways whether they would let a certificate in", "certificate_pem gateway?",                              \
      "202 id:integer expires:integer gateways:array")                                                                 \
    X("POST", "/v1/traces", MP_READER, mp_admin_trace_add, "Ask all parts what they did with one request",             \
      "request_id", "202 id:integer expires:integer parts:array")                                                      \
    X("GET", "/v1/questions/*", MP_READER, mp_admin_question_get, "Show the answers so far", "",                       \
      "200 id:integer expires:integer answers:array")                                                                  \
    X("GET", "/v1/audit", MP_READER, mp_admin_audit, "Show who changed what, the newest first",                        \
      "limit?:integer after? since?:integer action? object?", "200 events:[event] next:string|null")

/* X(name, members) */
#define MP_ADMIN_OBJECTS(X)                                                                                            \
    X("status", "site pin version certificates:array management_points:[management_point] "                            \
                "gateways:array connectors:array devices:object bundle:object parked:integer listening:integer "       \
                "waiting:array cloned:array tokens_ending:object disk_free:integer|null "                              \
                "disk_size:integer|null alerts:array headers_left_out:array trust:array "                              \
                "went_back:object|null fault:object|null join_refused:object|null own_sources:array "                  \
                "problems:array")                                                                                      \
    X("gateway", "id host port:integer created:integer not_after:integer|null seen:integer|null "                      \
                 "joining?:integer|null")                                                                              \
    X("connector", "id created:integer not_after:integer|null seen:integer|null certificate:object|null "              \
                   "joining?:integer|null")                                                                            \
    X("management_point", "id mode url clients:array")                                                                 \
    X("token", "id issued:integer expires:integer uses:integer used:integer state networks:array "                     \
               "names:array collection")                                                                               \
    X("device", "guid name hardware_id method state spki client_version:integer registered:integer "                   \
                "last_seen:integer certificates:array entra_tenant entra_device vouched:object "                       \
                "machine reason:string|null same_as:string|null shut_out:boolean "                                     \
                "other_hardware:string|null registered_from:string|null facts:object states?:array "                   \
                "inventory?:object|null notifications?:object")                                                        \
    X("notification", "id:integer what message device:string|null collection:string|null expires:integer "             \
                      "spread_s:integer waits:boolean|null")                                                           \
    X("policy", "id name version:integer sha256 size:integer created:integer changed:integer "                         \
                "users:array collections:array deploy:object|null")                                                    \
    X("content", "name version added:integer files:integer size:integer")                                              \
    X("content_file", "path sha256 size:integer executable:boolean")                                                   \
    X("endpoint", "id auth:array purpose methods:array max_body:integer headers "                                      \
                  "management_point:boolean url role? name? host? client_anchors?:array anchors_pem? "                 \
                  "upstream_host? keep_host?:boolean x_forwarded?:boolean allow_encoded_slash?:boolean "               \
                  "upgrade? answer_s?:integer")                                                                        \
    X("trust", "id kind subject not_after:integer fetch_hosts?:array warnings?:array scope? number? "                  \
               "this_update?:integer delta?:boolean unproven?:boolean")                                                \
    X("foreign_site", "id issuer audience header key endpoints:array")                                                 \
    X("source", "id kind url via refresh_s:integer own_ca:boolean")                                                    \
    X("receiver", "id kind url auth user from to:array plain:boolean own_ca:boolean remind_s:integer "                 \
                  "added:integer sent:integer|null failures:integer next_try:integer|null "                            \
                  "fault:string|null")                                                                                 \
    X("tenant", "id tenant issuers:array audiences:array client_app_id resource source jwks:boolean "                  \
                "enabled:boolean")                                                                                     \
    X("collection", "name rules:array listed:integer created:integer devices?:array")                                  \
    X("client_settings", "name priority:integer collection:string|null settings:object changed:integer")               \
    X("event", "id:integer at:integer caller action object detail")                                                    \
    X("problem", "type title status:integer code reason detail remedy request_id")

#endif
