/* SPDX-License-Identifier: Apache-2.0 */
/* A session's begin and end: what the settings name is read, and what the device holds is looked through. */
#include "client/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "client/session/refused.h"

enum { ANCHORS_MAX_BYTES = 4 * 1024 * 1024 };

const struct client_credential *client_session_credential(const struct client_session *s, enum choice_client method)
{
    return method == CHOICE_PKI ? &s->held.pki : &s->held.own;
}

const char *client_network_name(enum client_network network)
{
    static const char *const names[] = {
        [CLIENT_NETWORK_UNKNOWN] = "unknown", [CLIENT_INTRANET] = "intranet", [CLIENT_INTERNET] = "internet"};
    return names[network];
}

struct client_reader client_session_reader(const struct client_session *s, enum choice_client method,
                                           const char *audience)
{
    return (struct client_reader){s->c->dir, s->pin, audience, client_session_credential(s, method)->key_id};
}

static void note_candidate(void *arg, const char *path, const char *what)
{
    client_logf(arg, CLIENT_LOG_REGISTRATION, LOG_INFO, "Certificate %s: %s", path, what);
}

static void find_pki(struct client_session *s)
{
    const struct client_settings *set = &s->c->settings;
    struct client_credential_query q = {.certificate = client_setting(set, SETTING_CERTIFICATE),
                                        .key = client_setting(set, SETTING_KEY),
                                        .dir = client_setting(set, SETTING_CERTIFICATE_DIR),
                                        .issuers = client_setting(set, SETTING_CERT_ISSUERS),
                                        .now = clock_wall_s(),
                                        .note = note_candidate,
                                        .arg = &s->c->logs};
    s->held.has_pki = client_credential_select(&q, &s->held.pki, &s->held.pki_fault);
    if (s->held.has_pki) {
        char subject[256];
        pki_cert_subject(s->held.pki.leaf, subject, sizeof subject);
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, LOG_INFO, "PKI certificate selected: %s", subject);
    } else {
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, s->held.pki_fault.configured ? LOG_WARN : LOG_INFO,
                    "No PKI certificate: %s", s->held.pki_fault.text);
    }
}

static bool read_anchors(struct client_session *s)
{
    const char *path = client_setting(&s->c->settings, SETTING_GATEWAY_CA);
    struct error err;
    size_t len;
    if (path && file_read_text(path, ANCHORS_MAX_BYTES, &s->anchors, &len, &err) != OK)
        return client_session_fail(s, "gateway_ca", &err, "check the file that GatewayCA names");
    return true;
}

static void find_name(struct client_session *s)
{
    const char *name = client_setting(&s->c->settings, SETTING_NAME);
    (void)snprintf(s->name, sizeof s->name, "%s", name ? name : "");
    if (!name && gethostname(s->name, sizeof s->name - 1) != 0)
        (void)snprintf(s->name, sizeof s->name, "unnamed");
}

static bool read_settings(struct client_session *s)
{
    const struct client_settings *set = &s->c->settings;
    const char *pin = client_setting(set, SETTING_SITE_KEY), *fqdns = client_setting(set, SETTING_CMG_FQDNS);
    struct error err;
    size_t len;
    if (!pin || !decode_hex(slice_of(pin), s->pin, sizeof s->pin, &len)) {
        web_outcome_local(&s->outcome, "no_site_key", "the device does not know the site's key (SiteKey)",
                          "cmg-client enroll FILE with the file of `cmg enrollment`, or register with a bulk token");
        return false;
    }
    if (client_fqdns_parse(slice_of(fqdns ? fqdns : ""), &s->way.gateways, &err) != OK)
        return client_session_fail(s, "settings", &err, "cmg-client set CMGFQDNs=…");
    if (!choices_version_parse(slice_of(client_setting(set, SETTING_CLIENT_VERSION)), &s->version))
        s->version = 0;
    return true;
}

bool client_session_entra_token(struct client_session *s, const char **ret)
{
    return client_entra_token(&s->held.entra, clock_wall_s() + s->times.offset, ret, &s->outcome);
}

bool client_session_begin(struct client *c, struct client_session *s)
{
    struct error err;
    *s = (struct client_session){.c = c, .http = web_http_new()};
    find_name(s);
    if (!read_settings(s) || !read_anchors(s))
        return false;
    find_pki(s);
    client_entra_find(c, s->http, &s->held.entra);
    if (client_credential_own(c->dir, client_setting(&c->settings, SETTING_DEVICE_KEY), clock_wall_s(), &s->held.own,
                              &err) != OK)
        return client_session_fail(s, "own_key", &err,
                                   err.remedy ? err.remedy
                                              : "mend what is said of the file; it is its owner's, with mode 0600");
    return true;
}

void client_session_end(struct client_session *s)
{
    web_http_free(s->http);
    client_credential_free(&s->held.pki);
    client_credential_free(&s->held.own);
    client_entra_end(&s->held.entra);
    client_inside_free(&s->way.inside);
    json_decref(s->location);
    for (size_t i = 0; i < ARRAY_LEN(s->policies); i++)
        json_decref(s->policies[i].list);
    free(s->anchors);
    *s = (struct client_session){0};
}
