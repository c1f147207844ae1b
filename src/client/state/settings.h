/* SPDX-License-Identifier: Apache-2.0 */
/* What the administrator set on this device: STATE/config.json, a JSON object of texts. One table says which settings
 * there are, what they mean and what they may hold; `set`, `get` and the enrolment file all go through it. */
#ifndef CLIENT_STATE_SETTINGS_H
#define CLIENT_STATE_SETTINGS_H

#include "base/error.h"
#include "json/json.h"

enum client_setting {
    SETTING_SITE_KEY,
    SETTING_SITE_CODE,
    SETTING_CMG_FQDNS,
    SETTING_DISALLOW_CMG,
    SETTING_ALWAYS_ON_INTERNET,
    SETTING_MP_URLS,
    SETTING_MP_CA,
    SETTING_GATEWAY_CA,
    SETTING_CERTIFICATE,
    SETTING_KEY,
    SETTING_DEVICE_KEY,
    SETTING_CERTIFICATE_DIR,
    SETTING_CERT_ISSUERS,
    SETTING_NAME,
    SETTING_ROLE_ID,
    SETTING_CLIENT_VERSION,
    SETTING_HARDWARE_ID,
    SETTING_POLICY_HANDLER,
    SETTING_POLICY_INTERVAL,
    SETTING_NOTIFICATION_WAIT,
    SETTING_NOTIFICATION_HANDLER,
    SETTING_PROXY,
    SETTING_PROXY_USER,
    SETTING_PROXY_PASSWORD_FILE,
    SETTING_PROXY_COMMAND,
    SETTING_NO_PROXY,
    SETTING_ENTRA_TENANT,
    SETTING_ENTRA_ISSUER,
    SETTING_ENTRA_TOKEN_ENDPOINT,
    SETTING_ENTRA_CA,
    SETTING_ENTRA_CLIENT_ID,
    SETTING_ENTRA_CERTIFICATE,
    SETTING_ENTRA_KEY,
    SETTING_ENTRA_COMMAND,
    SETTING_ENTRA_SCOPE,
    SETTING_ENTRA_RESOURCE,
    SETTING_ENTRA_USER_CLIENT_ID,
    SETTING_ENTRA_USER_SCOPE,
    SETTING_USER_POLICY_HANDLER,
    SETTING_CONTENT_HANDLERS,
    SETTING_CONTENT_RATE,
    SETTING_SANDBOX,
    SETTING_INVENTORY_SCRIPTS,
    SETTING_INVENTORY_INTERVAL,
    CLIENT_SETTINGS
};

struct client_settings {
    char *values[CLIENT_SETTINGS]; /* NULL: not set */
};

struct client_setting_info {
    const char *name, *fallback, *help; /* fallback: what holds when it is not set, or NULL */
    enum result (*check)(struct slice value, struct error *err);
};
const struct client_setting_info *client_setting_info(enum client_setting which);

/* The value set, else the fallback, else NULL; borrowed. */
const char *client_setting(const struct client_settings *s, enum client_setting which);
bool client_setting_on(const struct client_settings *s, enum client_setting which); /* "1" */

/* `dir`/config.json; a missing file gives no settings. The caller frees. */
MUST_USE enum result client_settings_load(const char *dir, struct client_settings *ret, struct error *err);
MUST_USE enum result client_settings_save(const char *dir, const struct client_settings *s, struct error *err);
void client_settings_free(struct client_settings *s);

/* By name (case is ignored), checked; an empty value unsets. R_NOTFOUND lists the names there are. */
MUST_USE enum result client_settings_set(struct client_settings *s, struct slice name, struct slice value,
                                         struct error *err);
/* Can the file, folder or key that it names be read now? One that can't is set all the same: it may come later. */
MUST_USE enum result client_setting_try(const struct client_settings *s, enum client_setting which, struct error *err);
/* Fills *err: there is no such setting, which one may be meant, and all there are. */
void client_settings_unknown(struct slice name, struct error *err);
MUST_USE bool client_setting_find(struct slice name, enum client_setting *ret);

/* The enrolment file (docs/protocol/wire.md 3): sets what it holds, all or nothing; the gateway's CA goes to
 * `dir`/gateway-ca.pem. R_CONFLICT when the device is pinned to another site already. */
MUST_USE enum result client_settings_enroll(const char *dir, struct client_settings *s, struct slice file,
                                            struct error *err);

#endif
