/* SPDX-License-Identifier: Apache-2.0 */
/* The device's Entra credential and token. */
#include "client/credential/entra.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "client/command.h"
#include "jose/token.h"
#include "web/signed.h"

enum { COMMAND_LIMIT_S = 60, OUTPUT_MAX = 2 * JOSE_TOKEN_MAX, ANCHORS_MAX_BYTES = 4 * 1024 * 1024 };

#define MICROSOFT "https://login.microsoftonline.com/"

/* --- what is at hand --- */

static void unusable(struct client_session *s, const char *text)
{
    (void)snprintf(s->entra.fault, sizeof s->entra.fault, "%.250s", text);
}

static void note_candidate(void *arg, const char *path, const char *what)
{
    client_logf(arg, CLIENT_LOG_REGISTRATION, LOG_INFO, "Entra certificate %s: %s", path, what);
}

static void find_certificate(struct client_session *s, const char *certificate)
{
    const struct client_settings *set = &s->c->settings;
    struct client_credential_query q = {.certificate = certificate,
                                        .key = client_setting(set, SETTING_ENTRA_KEY),
                                        .any_usage = true,
                                        .now = clock_wall_s(),
                                        .note = note_candidate,
                                        .arg = &s->c->logs};
    struct client_credential_fault fault;
    if (!client_setting(set, SETTING_ENTRA_TENANT) && !client_setting(set, SETTING_ENTRA_ISSUER))
        unusable(s, "EntraCertificate is set, but neither EntraTenant nor EntraIssuer is");
    else if (!client_setting(set, SETTING_ENTRA_CLIENT_ID))
        unusable(s, "EntraCertificate is set, but EntraClientId is not");
    else if (!client_credential_select(&q, &s->entra.credential, &fault))
        unusable(s, fault.text);
    else
        s->entra.usable = true;
}

static void find_command(struct client_session *s, const char *command)
{
    char text[256];
    if (access(command, X_OK) == 0) {
        s->entra.usable = true;
        return;
    }
    (void)snprintf(text, sizeof text, "EntraCommand %.180s can't be executed", command);
    unusable(s, text);
}

void client_entra_find(struct client_session *s)
{
    const struct client_settings *set = &s->c->settings;
    const char *command = client_setting(set, SETTING_ENTRA_COMMAND);
    const char *certificate = client_setting(set, SETTING_ENTRA_CERTIFICATE);
    s->entra.configured = command || certificate;
    if (command)
        find_command(s, command);
    else if (certificate)
        find_certificate(s, certificate);
    else
        unusable(s, "the device is neither Entra joined nor hybrid joined (EntraCertificate and EntraCommand are not "
                    "set)");
    if (s->entra.configured)
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, s->entra.usable ? LOG_INFO : LOG_WARN, "Entra credential: %s",
                    s->entra.usable ? (command ? command : certificate) : s->entra.fault);
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
        (void)snprintf(ret, WEB_PROVIDER_TEXT, MICROSOFT "%s/v2.0", tenant ? tenant : "");
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

static bool by_command(struct client_session *s, const char *command)
{
    struct client_command c = {.program = command, .limit_s = COMMAND_LIMIT_S, .output_max = OUTPUT_MAX};
    struct error err;
    char *said = NULL;
    enum result r = client_command_run(&c, &said, &err);
    struct slice token = slice_of(said);
    while (token.len && (unsigned char)token.ptr[token.len - 1] <= ' ')
        token.len--;
    if (r == OK && !web_token_valid(token))
        r = error_set(&err, R_INVALID, "%.200s did not print a token and nothing else", command);
    if (r == OK) {
        said[token.len] = '\0';
        client_secret_set(&s->entra.token, said);
    }
    client_secret_set(&said, NULL);
    return r == OK || client_session_fail(s, "entra_command", &err,
                                          "run EntraCommand by hand: it must print the device's Entra token, end with "
                                          "0 and take less than a minute");
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

static bool by_certificate(struct client_session *s)
{
    const struct client_settings *set = &s->c->settings;
    const char *client = client_setting(set, SETTING_ENTRA_CLIENT_ID);
    char room[256], *anchors;
    struct web_wanted wanted = {.client = client,
                                .scope = default_scope(set, client, room, sizeof room),
                                .resource = client_setting(set, SETTING_ENTRA_RESOURCE)};
    struct web_provider p;
    struct web_grant grant = {0};
    bool ok = client_entra_provider(set, s->http, &p, &anchors, &s->outcome) &&
              web_provider_by_certificate(&p, &wanted, s->entra.credential.leaf, s->entra.credential.key,
                                          clock_wall_s() + s->offset, &grant, &s->outcome);
    if (ok)
        client_secret_set(&s->entra.token, grant.token);
    web_grant_done(&grant);
    web_provider_done(&p);
    free(anchors);
    return ok;
}

bool client_entra_token(struct client_session *s, const char **ret)
{
    const char *command = client_setting(&s->c->settings, SETTING_ENTRA_COMMAND);
    bool ok = s->entra.token || (command ? by_command(s, command) : by_certificate(s));
    *ret = s->entra.token;
    if (!ok)
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, LOG_ERROR, "Failed to get the device's Entra token: %s: %s",
                    s->outcome.reason, s->outcome.detail);
    return ok;
}
