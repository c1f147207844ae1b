/* SPDX-License-Identifier: Apache-2.0 */
/* The device's Entra credential and token: what the settings name, and the way to the provider. Knows no session: it is
 * given settings, transport and time, and tells a failure in the outcome that it is given. */
#include "client/credential/entra.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "client/apart.h"
#include "jose/entra.h"
#include "jose/token.h"
#include "pki/key/key.h"
#include "web/signed.h"

enum { COMMAND_LIMIT_S = 60, OUTPUT_MAX = 2 * JOSE_TOKEN_MAX, ANCHORS_MAX_BYTES = 4 * 1024 * 1024 };

/* --- what is at hand --- */

static void mark_unusable(struct client_entra *e, const char *text)
{
    (void)snprintf(e->fault, sizeof e->fault, "%.250s", text);
}

static void note_candidate(void *arg, const char *path, const char *what)
{
    const struct client_entra *e = arg;
    client_logf(&e->c->logs, CLIENT_LOG_REGISTRATION, LOG_INFO, "Entra certificate %s: %s", path, what);
}

static void find_certificate(struct client_entra *e, const char *certificate)
{
    const struct client_settings *set = &e->c->settings;
    struct client_credential_query q = {.certificate = certificate,
                                        .key = client_setting(set, SETTING_ENTRA_KEY),
                                        .any_usage = true,
                                        .now = clock_wall_s(),
                                        .note = note_candidate,
                                        .arg = e};
    struct client_credential_fault fault;
    if (!client_setting(set, SETTING_ENTRA_TENANT) && !client_setting(set, SETTING_ENTRA_ISSUER))
        mark_unusable(e, "EntraCertificate is set, but neither EntraTenant nor EntraIssuer is");
    else if (!client_setting(set, SETTING_ENTRA_CLIENT_ID))
        mark_unusable(e, "EntraCertificate is set, but EntraClientId is not");
    else if (!client_credential_select(&q, &e->credential, &fault))
        mark_unusable(e, fault.text);
    else if (pki_key_is_kept(slice_of(e->credential.key_pem)))
        mark_unusable(
            e, "the key of EntraCertificate is in a TPM or HSM, by which no assertion is signed here: give one in "
               "PEM");
    else
        e->usable = true;
}

static void find_command(struct client_entra *e, const char *command)
{
    char text[256];
    if (access(command, X_OK) == 0) {
        e->usable = true;
        return;
    }
    (void)snprintf(text, sizeof text, "EntraCommand %.180s can't be executed", command);
    mark_unusable(e, text);
}

void client_entra_find(const struct client *c, struct web_http *http, struct client_entra *e)
{
    e->c = c;
    e->http = http;
    const struct client_settings *set = &e->c->settings;
    const char *command = client_setting(set, SETTING_ENTRA_COMMAND);
    const char *certificate = client_setting(set, SETTING_ENTRA_CERTIFICATE);
    e->configured = command || certificate;
    if (command)
        find_command(e, command);
    else if (certificate)
        find_certificate(e, certificate);
    else
        mark_unusable(e,
                      "the device is neither Entra joined nor hybrid joined (EntraCertificate and EntraCommand are not "
                      "set)");
    if (e->configured)
        client_logf(&e->c->logs, CLIENT_LOG_REGISTRATION, e->usable ? LOG_INFO : LOG_WARN, "Entra credential: %s",
                    e->usable ? (command ? command : certificate) : e->fault);
}

void client_entra_end(struct client_entra *e)
{
    client_credential_free(&e->credential);
    client_secret_set(&e->token, NULL);
}

/* --- the provider --- */

static void find_issuer(const struct client_settings *set, char ret[WEB_PROVIDER_TEXT])
{
    const char *issuer = client_setting(set, SETTING_ENTRA_ISSUER), *tenant = client_setting(set, SETTING_ENTRA_TENANT);
    if (issuer)
        (void)snprintf(ret, WEB_PROVIDER_TEXT, "%s", issuer);
    else
        (void)snprintf(ret, WEB_PROVIDER_TEXT, ENTRA_AUTHORITY "%s/v2.0", tenant ? tenant : "");
}

bool client_entra_provider(const struct client_settings *set, struct web_http *http, struct web_provider *ret,
                           char **ret_anchors, struct web_outcome *o)
{
    const char *ca = client_setting(set, SETTING_ENTRA_CA);
    const char *endpoint = client_setting(set, SETTING_ENTRA_TOKEN_ENDPOINT);
    struct error err;
    size_t len = 0;
    *ret = (struct web_provider){.http = http};
    *ret_anchors = NULL;
    if (!client_setting(set, SETTING_ENTRA_TENANT) && !client_setting(set, SETTING_ENTRA_ISSUER)) {
        web_outcome_local(o, "entra_not_set", "neither EntraTenant nor EntraIssuer is set",
                          "cmg-client set EntraTenant=<tenant id>, or EntraIssuer=https://… of another provider");
        return false;
    }
    if (ca && file_read_text(ca, ANCHORS_MAX_BYTES, ret_anchors, &len, &err) != OK) {
        web_outcome_local(o, "entra_ca", err.text, "check the file that EntraCA names");
        return false;
    }
    ret->anchors_pem = slice_make(*ret_anchors, len);
    find_issuer(set, ret->issuer);
    if (!endpoint)
        return web_provider_discover(ret, o);
    (void)snprintf(ret->token_endpoint, sizeof ret->token_endpoint, "%s", endpoint);
    return true;
}

/* --- the token --- */

static bool by_command(struct client_entra *e, const char *command, struct web_outcome *o)
{
    struct program c = {.path = command, .limit_s = COMMAND_LIMIT_S, .output_max = OUTPUT_MAX};
    struct error err;
    char *said = NULL;
    enum result r = client_apart_command(&c, &said, &err);
    struct slice token = slice_of(said);
    while (token.len && (unsigned char)token.ptr[token.len - 1] <= ' ')
        token.len--;
    if (r == OK && !web_token_valid(token))
        r = error_set(&err, R_INVALID, "%.200s did not print a token and nothing else", command);
    if (r == OK) {
        said[token.len] = '\0';
        client_secret_set(&e->token, said);
    }
    client_secret_set(&said, NULL);
    if (r == OK)
        return true;
    web_outcome_local(o, "entra_command", err.text,
                      "run EntraCommand by hand: it must print the device's Entra token, end with 0 and take less than "
                      "a minute");
    return false;
}

/* Microsoft's way of asking for all that was granted to an application, when nothing else is set. */
static const char *default_scope(const struct client_settings *set, const char *client, char *room, size_t size)
{
    const char *scope = client_setting(set, SETTING_ENTRA_SCOPE);
    if (scope || client_setting(set, SETTING_ENTRA_RESOURCE))
        return scope;
    (void)snprintf(room, size, "%s/.default", client);
    return room;
}

static bool by_certificate(struct client_entra *e, int64_t now, struct web_outcome *o)
{
    const struct client_settings *set = &e->c->settings;
    const char *client = client_setting(set, SETTING_ENTRA_CLIENT_ID);
    char room[256], *anchors;
    struct web_wanted wanted = {.client = client,
                                .scope = default_scope(set, client, room, sizeof room),
                                .resource = client_setting(set, SETTING_ENTRA_RESOURCE)};
    struct web_provider p;
    struct web_grant grant = {0};
    bool ok = client_entra_provider(set, e->http, &p, &anchors, o) &&
              web_provider_by_certificate(&p, &wanted, e->credential.leaf, e->credential.key, now, &grant, o);
    if (ok)
        client_secret_set(&e->token, grant.token);
    web_grant_done(&grant);
    web_provider_done(&p);
    free(anchors);
    return ok;
}

bool client_entra_token(struct client_entra *e, int64_t now, const char **ret, struct web_outcome *o)
{
    const char *command = client_setting(&e->c->settings, SETTING_ENTRA_COMMAND);
    bool ok = e->token || (command ? by_command(e, command, o) : by_certificate(e, now, o));
    *ret = e->token;
    if (!ok)
        client_logf(&e->c->logs, CLIENT_LOG_REGISTRATION, LOG_ERROR, "Failed to get the device's Entra token: %s: %s",
                    o->reason, o->detail);
    return ok;
}
