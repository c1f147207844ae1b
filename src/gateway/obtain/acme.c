/* SPDX-License-Identifier: Apache-2.0 */
/* The folder acme/: settings, places, the stand-in, the last failure. */
#include "gateway/obtain/acme.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/url.h"
#include "pki/cert/cert.h"
#include "pki/issue/issue.h"
#include "json/json.h"

enum { SETTINGS_MAX = 32 * 1024, STAND_IN_S = 7 * 86400, DAY_S = 86400 };

/* --- places --- */

static bool place(const char *state, const char *folder, const char *name, const char *end, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/acme/%s%s%s", state, folder, name, end);
    return n > 0 && n < PATH_MAX;
}

bool acme_path(const char *state, const char *name, char ret[PATH_MAX])
{
    return place(state, "", name, "", ret);
}

bool acme_certificate_path(const char *state, const char *host, char ret[PATH_MAX])
{
    return place(state, "client/", host, "/cert.pem", ret);
}

bool acme_key_path(const char *state, const char *host, char ret[PATH_MAX])
{
    return place(state, "client/private/", host, "/key.pem", ret);
}

static enum result path_of(const char *state, const char *name, char ret[PATH_MAX], struct error *err)
{
    return acme_path(state, name, ret)
               ? OK
               : error_set(err, R_LIMIT, "the path of the state folder is too long: %.100s…", state);
}

/* --- settings --- */

/* They become arguments of the client. */
static bool is_mailbox(const char *text)
{
    const char *at = strchr(text, '@');
    return at && at > text && at[1] && text[0] != '-' && strcspn(text, " \t\r\n,<>\"'\\") == strlen(text) &&
           utf8_all_shown(slice_of(text));
}

enum result acme_settings_check(const struct acme_settings *s, struct error *err)
{
    struct net_url url;
    enum result r = net_url_parse(slice_of(s->directory), &url, err);
    if (r != OK)
        return error_prefix(err, "the CA's directory");
    if (strcmp(url.scheme, "https") != 0)
        return error_set(err, R_INVALID, "the CA's directory is an https URL (RFC 8555 6.1), not %.200s", s->directory);
    if (!is_mailbox(s->email))
        return error_set(err, R_INVALID, "'%.100s' is no mail address: the CA writes to it before a certificate ends",
                         s->email);
    return OK;
}

static enum result take(const json_t *o, struct acme_settings *ret, struct error *err)
{
    const char *directory, *email, *hosts[OBTAIN_HOSTS_MAX];
    json_t *list, *host;
    size_t i, count = 0;
    enum result r = json_need_str(o, "directory", &directory, err);
    if (r == OK)
        r = json_need_str(o, "email", &email, err);
    if (r == OK)
        r = json_need_array(o, "hosts", &list, err);
    if (r != OK)
        return r;
    json_array_foreach(list, i, host) {
        if (count < OBTAIN_HOSTS_MAX && json_is_string(host))
            hosts[count++] = json_string_value(host);
    }
    if (!slice_to_cstr(slice_of(directory), ret->directory, sizeof ret->directory) ||
        !slice_to_cstr(slice_of(email), ret->email, sizeof ret->email))
        return error_set(err, R_INVALID, "'directory' or 'email' is too long");
    ret->host_count = count;
    r = obtain_hosts(hosts, count, false, ret->hosts, err);
    return r == OK ? acme_settings_check(ret, err) : r;
}

enum result acme_settings_read(const char *state, struct acme_settings *ret, struct error *err)
{
    char path[PATH_MAX], *text;
    size_t len;
    json_t *o;
    *ret = (struct acme_settings){0};
    enum result r = path_of(state, "settings.json", path, err);
    if (r == OK)
        r = file_read(path, SETTINGS_MAX, &text, &len, err);
    if (r != OK)
        return r;
    r = json_parse(slice_make(text, len), SETTINGS_MAX, &o, err);
    free(text);
    if (r == OK) {
        r = take(o, ret, err);
        json_decref(o);
    }
    return r == OK ? OK : error_prefix(err, "%s", path);
}

enum result acme_settings_write(const char *state, const struct acme_settings *s, struct error *err)
{
    char path[PATH_MAX];
    enum result r = path_of(state, "settings.json", path, err);
    if (r == OK)
        r = file_make_parent(path, 0700, err);
    if (r != OK)
        return r;
    json_t *hosts = json_array(), *o;
    for (size_t i = 0; i < s->host_count; i++)
        (void)json_array_append_new(hosts, json_string(s->hosts[i]));
    o = json_pack("{s:s, s:s, s:o}", "directory", s->directory, "email", s->email, "hosts", hosts);
    char *text = json_text(o);
    r = file_write(path, slice_of(text), 0600, err);
    free(text);
    json_decref(o);
    return r;
}

/* --- the stand-in --- */

static enum result issue_stand_in(const struct acme_settings *s, EVP_PKEY *key, X509 **ret, struct error *err)
{
    const char *hosts[OBTAIN_HOSTS_MAX + 1] = {NULL};
    int64_t now = clock_wall_s();
    for (size_t i = 0; i < s->host_count; i++)
        hosts[i] = s->hosts[i];
    const struct pki_request q = {.profile = PKI_TLS_SERVER,
                                  .common_name = "waiting for the CA",
                                  .hosts = hosts,
                                  .not_before = now - DAY_S,
                                  .not_after = now + STAND_IN_S,
                                  .subject_key = key};
    return pki_issue(&q, ret, err);
}

static enum result write_stand_in(const char *certificate, const char *key_file, X509 *cert, EVP_PKEY *key,
                                  struct error *err)
{
    char *pem = pki_cert_pem(cert), *key_pem = pki_key_pem(key);
    enum result r = file_make_parent(key_file, 0700, err);
    if (r == OK)
        r = file_make_parent(certificate, 0700, err);
    if (r == OK)
        r = file_write(key_file, slice_of(key_pem), 0600, err);
    if (r == OK)
        r = file_write(certificate, slice_of(pem), 0644, err);
    mem_free_secret(key_pem, strlen(key_pem));
    free(pem);
    return r;
}

enum result acme_stand_in(const char *state, const struct acme_settings *s, struct error *err)
{
    char certificate[PATH_MAX], key_file[PATH_MAX];
    X509 *cert = NULL;
    if (!acme_certificate_path(state, s->hosts[0], certificate) || !acme_key_path(state, s->hosts[0], key_file))
        return error_set(err, R_LIMIT, "the path of the state folder is too long: %.100s…", state);
    if (file_exists(certificate) || file_exists(key_file))
        return OK;
    EVP_PKEY *key = pki_key_new();
    enum result r = issue_stand_in(s, key, &cert, err);
    if (r == OK)
        r = write_stand_in(certificate, key_file, cert, key, err);
    X509_free(cert);
    EVP_PKEY_free(key);
    return r;
}

/* --- the last failure --- */

void acme_fault(const char *state, char ret[ERROR_TEXT_MAX], int64_t *ret_at)
{
    char path[PATH_MAX], *text;
    size_t len;
    struct stat st;
    ret[0] = '\0';
    if (!acme_path(state, "failed", path) || stat(path, &st) != 0 ||
        file_read(path, ERROR_TEXT_MAX, &text, &len, NULL) != OK)
        return;
    utf8_escape(slice_make(text, len), ret, ERROR_TEXT_MAX);
    *ret_at = st.st_mtime;
    free(text);
}

void acme_note_fault(const char *state, const char *words)
{
    char path[PATH_MAX];
    if (!acme_path(state, "failed", path))
        return;
    if (*words)
        (void)!file_write(path, slice_of(words), 0600, NULL); /* whoever ran it is told all the same */
    else
        (void)unlink(path);
}
