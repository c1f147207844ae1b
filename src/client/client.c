/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder, and begin and end of a session. */
#include "client/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "client/credential/entra.h"

enum { LOCK_WAIT_S = 120, ANCHORS_MAX_BYTES = 4 * 1024 * 1024 };

static enum result take_lock(const char *dir, int *ret, struct error *err)
{
    char *path = file_join(dir, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    enum result r = OK;
    if (fd < 0)
        r = error_set(err, R_IO, "%s: %s", path, strerror(errno));
    uint64_t until = clock_mono_ms() + LOCK_WAIT_S * 1000;
    while (r == OK && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            r = error_set(err, R_IO, "%s: %s", path, strerror(errno));
        else if (clock_mono_ms() > until || web_http_stopped())
            r = error_set(err, R_CONFLICT, "another cmg-client works on %s", dir);
        else
            (void)nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    }
    if (r != OK && fd >= 0)
        (void)close(fd);
    else
        *ret = fd;
    free(path);
    return r;
}

/* One that can't be read any more is put aside: who the device is, the site says again when it registers. */
static enum result load_identity(struct client *c, struct error *err)
{
    enum result r = client_identity_load(c->dir, &c->identity, err);
    if (r != R_INVALID)
        return r;
    char *path = file_join(c->dir, "identity.json"), *aside = file_join(c->dir, "identity.json.damaged");
    client_logf(&c->logs, CLIENT_LOG_REGISTRATION, LOG_WARN, "The identity is damaged and was put aside as %s: %s",
                aside, err->text);
    r = rename(path, aside) == 0 ? OK : error_set(err, R_IO, "%s: %s", path, strerror(errno));
    free(aside);
    free(path);
    return r;
}

enum result client_open(const char *dir, struct client *ret, struct error *err)
{
    *ret = (struct client){.dir = dir, .lock = -1};
    enum result r = file_make_dirs(dir, 0700, err);
    if (r == OK)
        r = take_lock(dir, &ret->lock, err);
    if (r == OK) {
        file_sweep(dir);
        r = client_settings_load(dir, &ret->settings, err);
    }
    if (r == OK)
        r = client_logs_open(dir, &ret->logs, err);
    if (r == OK)
        r = load_identity(ret, err);
    if (r == OK)
        r = client_machine_check(ret, err);
    if (r != OK)
        client_close(ret);
    return r;
}

void client_close(struct client *c)
{
    client_logs_close(&c->logs);
    client_identity_free(&c->identity);
    client_settings_free(&c->settings);
    if (c->lock >= 0)
        (void)close(c->lock);
    c->lock = -1;
}

/* --- the session --- */

bool client_session_fail(struct client_session *s, const char *reason, const struct error *err, const char *remedy)
{
    web_outcome_local(&s->outcome, reason, err->text, remedy);
    return false;
}

bool client_session_fail_state(struct client_session *s, const struct error *err)
{
    return client_session_fail(s, "state", err, "check space and rights of the state folder");
}

bool client_session_fail_unasked(struct client_session *s)
{
    struct error err;
    (void)error_set(&err, R_DENIED, "304 was answered to a request that named no version");
    return client_session_fail(s, "bad_answer", &err, "check what answers at this management point");
}

const struct client_credential *client_session_credential(const struct client_session *s, enum choice_client method)
{
    return method == CHOICE_PKI ? &s->pki : &s->own;
}

const char *client_network_name(enum client_network network)
{
    static const char *const names[] = {
        [CLIENT_NETWORK_UNKNOWN] = "unknown", [CLIENT_INTRANET] = "intranet", [CLIENT_INTERNET] = "internet"};
    return names[network];
}

struct client_registration *client_session_registration(struct client_session *s)
{
    return &s->c->identity.of[s->choice.method];
}

struct client_reader client_session_reader(const struct client_session *s, enum choice_client method,
                                           const char *audience)
{
    return (struct client_reader){s->c->dir, s->pin, audience, client_session_credential(s, method)->key_id};
}

bool client_session_signed_answer(struct client_session *s, const struct web_answer *a, const char *guid, json_t **ret)
{
    const struct client_reader who = client_session_reader(s, s->choice.method, guid);
    json_t *root = NULL;
    const char *text;
    struct document d = {0};
    struct error err;
    *ret = NULL;
    enum result r = json_parse(buf_data(&a->body), WEB_ANSWER_MAX, &root, &err);
    if (r == OK)
        r = json_need_str(root, "signed", &text, &err);
    bool there = r == OK;
    if (there)
        r = client_document_answer(&who, slice_of(text), s->nonce, &d, &err);
    if (r == OK)
        *ret = json_incref(d.content);
    document_done(&d);
    json_decref(root);
    if (r == OK)
        return true;
    (void)error_prefix(&err, "the answer of the management point");
    return client_session_fail(s, there ? "answer_untrusted" : "bad_answer", &err,
                               there ? CLIENT_ANSWER_REMEDY : "check what answers at this management point");
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
    s->has_pki = client_credential_select(&q, &s->pki, &s->pki_fault);
    if (s->has_pki) {
        char subject[256];
        pki_cert_subject(s->pki.leaf, subject, sizeof subject);
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, LOG_INFO, "PKI certificate selected: %s", subject);
    } else {
        client_logf(&s->c->logs, CLIENT_LOG_REGISTRATION, s->pki_fault.configured ? LOG_WARN : LOG_INFO,
                    "No PKI certificate: %s", s->pki_fault.text);
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
    if (client_fqdns_parse(slice_of(fqdns ? fqdns : ""), &s->gateways, &err) != OK)
        return client_session_fail(s, "settings", &err, "cmg-client set CMGFQDNs=…");
    if (!choices_version_parse(slice_of(client_setting(set, SETTING_CLIENT_VERSION)), &s->version))
        s->version = 0;
    return true;
}

bool client_session_begin(struct client *c, struct client_session *s)
{
    struct error err;
    *s = (struct client_session){.c = c, .http = web_http_new()};
    find_name(s);
    if (!read_settings(s) || !read_anchors(s))
        return false;
    find_pki(s);
    client_entra_find(s);
    if (client_credential_own(c->dir, clock_wall_s(), &s->own, &err) != OK)
        return client_session_fail(s, "own_key", &err, "correct the file's owner and mode (0600)");
    return true;
}

void client_session_end(struct client_session *s)
{
    web_http_free(s->http);
    client_credential_free(&s->pki);
    client_credential_free(&s->own);
    client_entra_end(&s->entra);
    client_inside_free(&s->inside);
    json_decref(s->location);
    for (size_t i = 0; i < ARRAY_LEN(s->policies); i++)
        json_decref(s->policies[i].list);
    free(s->anchors);
    *s = (struct client_session){0};
}
