/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API on a Unix socket (docs/protocol/wire.md 8): JSON over HTTP/1.1, the caller and its role by its user and
 * groups (socket/access.h). Every change is one durable transaction with its line of audit in it.
 */
#ifndef MP_ADMIN_H
#define MP_ADMIN_H

#include "mp/server/request.h"
#include "mp/site.h"
#include "store/device/device.h"

enum { MP_ADMIN_BODY_MAX = 64 * 1024 * 1024 };

/* The body as an object, borrowed from r (freed with the arena's owner: call json_decref). NULL: answered. */
json_t *mp_admin_body(struct mp_request *r);

/* A failure told: R_INVALID 400, R_NOTFOUND 404, R_CONFLICT 409, R_LIMIT 413, else 500. `remedy` may be NULL. */
void mp_admin_fail(struct mp_request *r, const struct error *err, const char *remedy);

/* Ends the transaction that store_begin(…, STORE_DURABLE, …) began, with the audit in it when so_far is OK. */
MUST_USE enum result mp_admin_commit(struct mp_request *r, enum result so_far, const char *action, const char *object,
                                     const char *detail, struct error *err);

/* A name of an object: some bytes, without "/" and what a terminal does not show as it is (utf8_all_shown). */
bool mp_admin_name_good(const char *name, size_t max);

/* --- handlers, by file --- */
void mp_admin_status(struct mp_request *r); /* site.c */
void mp_admin_restore_done(struct mp_request *r);
void mp_admin_keys_reload(struct mp_request *r);
void mp_admin_settings_list(struct mp_request *r);
void mp_admin_setting_put(struct mp_request *r);
void mp_admin_enrollment(struct mp_request *r);
void mp_admin_bundle(struct mp_request *r);
void mp_admin_audit(struct mp_request *r);        /* audit.c */
void mp_admin_question_add(struct mp_request *r); /* question.c */
void mp_admin_trace_add(struct mp_request *r);
void mp_admin_question_get(struct mp_request *r);
void mp_admin_gateway_add(struct mp_request *r); /* role.c */
void mp_admin_gateway_list(struct mp_request *r);
void mp_admin_gateway_remove(struct mp_request *r);
void mp_admin_connector_add(struct mp_request *r);
void mp_admin_connector_certificate(struct mp_request *r);
void mp_admin_connector_list(struct mp_request *r);
void mp_admin_connector_remove(struct mp_request *r);
void mp_admin_mp_list(struct mp_request *r);
void mp_admin_mp_remove(struct mp_request *r);
void mp_admin_token_add(struct mp_request *r); /* token.c */
void mp_admin_token_list(struct mp_request *r);
void mp_admin_token_block(struct mp_request *r);
void mp_admin_token_unblock(struct mp_request *r);
void mp_admin_device_list(struct mp_request *r); /* device/device.c */
void mp_admin_device_get(struct mp_request *r);
void mp_admin_device_block(struct mp_request *r);
void mp_admin_device_unblock(struct mp_request *r);
void mp_admin_device_approve(struct mp_request *r);
void mp_admin_device_remove(struct mp_request *r);
void mp_admin_device_remove_waiting(struct mp_request *r); /* device/waiting.c */
void mp_admin_device_messages(struct mp_request *r);       /* device/inventory.c */
void mp_admin_device_inventory(struct mp_request *r);
void mp_admin_device_changes(struct mp_request *r);
void mp_admin_notify(struct mp_request *r);     /* device/notify.c */
void mp_admin_policy_put(struct mp_request *r); /* policy.c */
void mp_admin_policy_list(struct mp_request *r);
void mp_admin_policy_resultant(struct mp_request *r);
void mp_admin_policy_remove(struct mp_request *r);
void mp_admin_content_file_put(struct mp_request *r); /* library/upload.c */
void mp_admin_content_file_get(struct mp_request *r); /* library/content.c */
void mp_admin_content_add(struct mp_request *r);
void mp_admin_content_list(struct mp_request *r);
void mp_admin_content_get(struct mp_request *r);
void mp_admin_content_remove(struct mp_request *r);
void mp_admin_endpoint_add(struct mp_request *r); /* endpoint.c */
void mp_admin_endpoint_set(struct mp_request *r);
void mp_admin_endpoint_list(struct mp_request *r);
void mp_admin_endpoint_remove(struct mp_request *r);
void mp_admin_trust_add(struct mp_request *r); /* trust.c */
void mp_admin_trust_list(struct mp_request *r);
void mp_admin_trust_remove(struct mp_request *r);
void mp_admin_fetch_hosts_put(struct mp_request *r); /* fetch_hosts.c */
void mp_admin_foreign_add(struct mp_request *r);     /* foreign.c */
void mp_admin_foreign_list(struct mp_request *r);
void mp_admin_foreign_remove(struct mp_request *r);
void mp_admin_tenant_add(struct mp_request *r); /* tenant.c */
void mp_admin_tenant_list(struct mp_request *r);
void mp_admin_tenant_enable(struct mp_request *r);
void mp_admin_tenant_disable(struct mp_request *r);
void mp_admin_tenant_remove(struct mp_request *r);
void mp_admin_alert_add(struct mp_request *r); /* alert.c */
void mp_admin_alert_list(struct mp_request *r);
void mp_admin_alert_remove(struct mp_request *r);
void mp_admin_alert_test(struct mp_request *r);
void mp_admin_source_add(struct mp_request *r); /* source.c */
void mp_admin_source_list(struct mp_request *r);
void mp_admin_source_remove(struct mp_request *r);

void mp_admin_collection_put(struct mp_request *r); /* collection.c */
void mp_admin_collection_list(struct mp_request *r);
void mp_admin_collection_get(struct mp_request *r);
void mp_admin_collection_remove(struct mp_request *r);
void mp_admin_collection_device_add(struct mp_request *r);
void mp_admin_collection_device_remove(struct mp_request *r);
void mp_admin_client_settings_put(struct mp_request *r); /* settings.c */
void mp_admin_client_settings_list(struct mp_request *r);
void mp_admin_client_settings_remove(struct mp_request *r);
void mp_admin_resultant(struct mp_request *r);

/* The enrolment file (docs/protocol/wire.md 3); the caller json_decref()s it (site.c). */
MUST_USE enum result mp_admin_enrollment_json(struct mp_request *r, json_t **ret, struct error *err);

/* What a device told of itself and of what it was given, into `device` as "states" and "inventory"
 * (device/inventory.c). */
MUST_USE enum result mp_admin_put_told(struct mp_request *r, const char *guid, json_t *device, struct error *err);

/* The device that the text names: its GUID, or a name that is its alone (device/device.c). */
MUST_USE enum result mp_admin_device_find(struct mp_request *r, const char *text, struct store_device *ret,
                                          struct error *err);

#endif
