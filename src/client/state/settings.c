/* SPDX-License-Identifier: Apache-2.0 */
/* The table of settings, their checks, config.json and the enrolment file. */
#include "client/state/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ascii.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "base/text/name.h"
#include "base/text/nearest.h"
#include "choices/choices.h"
#include "client/state/fqdns.h"
#include "net/proxy.h"
#include "net/proxy_login.h"
#include "pki/cert/cert.h"
#include "pki/key/key.h"

enum {
    CONFIG_MAX = 256 * 1024,
    VALUE_MAX = 4096,
    INTERVAL_MIN = 10,
    INTERVAL_MAX = 7 * 86400,
    RATE_MAX = 16 * 1024 * 1024,
    WAIT_MIN = 10,
    WAIT_MAX = 270
};

static enum result check_site_key(struct slice v, struct error *err)
{
    unsigned char hash[PKI_SHA256];
    size_t len;
    if (!decode_hex(v, hash, sizeof hash, &len) || len != sizeof hash)
        return error_set(err, R_INVALID, "a site key is the SHA-256 of the site root: 64 hex digits");
    return OK;
}

static enum result check_site_code(struct slice v, struct error *err)
{
    return name_valid(NAME_SITE, v) ? OK : error_set(err, R_INVALID, "a site code is 1 to 8 of A-Z and 0-9");
}

static enum result check_fqdns(struct slice v, struct error *err)
{
    struct client_fqdns ignored;
    return client_fqdns_parse(v, &ignored, err);
}

static enum result check_flag(struct slice v, struct error *err)
{
    if (slice_eq(v, SLICE("0")) || slice_eq(v, SLICE("1")))
        return OK;
    return error_set(err, R_INVALID, "only 0 or 1");
}

static enum result check_urls(struct slice v, struct error *err)
{
    while (v.ptr) {
        struct slice url = slice_trim(slice_cut(&v, ';'));
        struct client_fqdn ignored;
        if (url.len && client_fqdn_parse_url(url, &ignored, err) != OK)
            return R_INVALID;
    }
    return OK;
}

/* Absolute, since the programs that read it later run in other folders. */
static enum result check_path(struct slice v, struct error *err)
{
    if (!slice_starts(v, SLICE("/")))
        return error_set(err, R_INVALID, "give an absolute path");
    return OK;
}

/* Of a key that stays in a TPM or HSM, too. */
static enum result check_key(struct slice v, struct error *err)
{
    return pki_key_is_uri(v) ? pki_key_check_uri(v, err) : check_path(v, err);
}

static enum result check_role(struct slice v, struct error *err)
{
    return name_valid(NAME_ROLE, v) ? OK : error_set(err, R_INVALID, "a role id is 1 to 40 of A-Z a-z 0-9 . _ -");
}

static enum result check_version(struct slice v, struct error *err)
{
    unsigned ignored;
    if (!choices_version_parse(v, &ignored))
        return error_set(err, R_INVALID, "a version is YYMM (2002) or 5.00.NNNN");
    return OK;
}

static enum result check_interval(struct slice v, struct error *err)
{
    uint64_t s;
    if (!slice_to_u64(v, &s) || s < INTERVAL_MIN || s > INTERVAL_MAX)
        return error_set(err, R_INVALID, "whole seconds between %d and %d", INTERVAL_MIN, INTERVAL_MAX);
    return OK;
}

static enum result check_wait(struct slice v, struct error *err)
{
    uint64_t s;
    if (!slice_to_u64(v, &s) || (s && s < WAIT_MIN) || s > WAIT_MAX)
        return error_set(err, R_INVALID, "whole seconds between %d and %d, or 0", WAIT_MIN, WAIT_MAX);
    return OK;
}

static enum result check_rate(struct slice v, struct error *err)
{
    uint64_t kib;
    if (!slice_to_u64(v, &kib) || !kib || kib > RATE_MAX)
        return error_set(err, R_INVALID, "whole KiB a second between 1 and %d", RATE_MAX);
    return OK;
}

static enum result check_report_interval(struct slice v, struct error *err)
{
    return slice_eq(v, SLICE("0")) ? OK : check_interval(v, err);
}

static enum result check_text(struct slice v, struct error *err)
{
    return v.len <= 128 ? OK : error_set(err, R_INVALID, "more than 128 bytes");
}

/* Goes into a URL of Microsoft's: a GUID, or one of the tenant's domains. */
static enum result check_tenant(struct slice v, struct error *err)
{
    if (!ascii_all_alnum_or(v, ".-"))
        return error_set(err, R_INVALID, "a tenant is its id (a GUID) or one of its domains");
    return v.len <= 128 ? OK : error_set(err, R_INVALID, "more than 128 bytes");
}

static enum result check_https(struct slice v, struct error *err)
{
    if (!slice_starts(v, SLICE("https://")) || v.len > 400)
        return error_set(err, R_INVALID, "a URL that starts with https://, of at most 400 bytes");
    return OK;
}

/* Its length alone has a limit, which client_settings_set checks. */
static enum result check_list(struct slice v, struct error *err)
{
    (void)v;
    (void)err;
    return OK;
}

static enum result check_proxy(struct slice v, struct error *err)
{
    struct net_proxy ignored;
    return net_proxy_configured(v, &ignored, err);
}

static enum result check_proxy_user(struct slice v, struct error *err)
{
    return net_proxy_user_check(v, err);
}

static const struct client_setting_info infos[CLIENT_SETTINGS] = {
    [SETTING_SITE_KEY] = {"SiteKey", NULL, "SHA-256 of the site root: the pin that all signed data is checked against",
                          check_site_key},
    [SETTING_SITE_CODE] = {"SiteCode", NULL, "the site's code", check_site_code},
    [SETTING_CMG_FQDNS] = {"CMGFQDNs", NULL, "gateways: FQDN[:port][/CCM_Proxy_MutualAuth/<role id>], ';' between",
                           check_fqdns},
    [SETTING_DISALLOW_CMG] = {"DisAllowCMG", NULL,
                              "1: never use a gateway; set by hand it lasts until the next resultant setting",
                              check_flag},
    [SETTING_ALWAYS_ON_INTERNET] = {"ClientAlwaysOnInternet", "0", "1: never look for a management point directly",
                                    check_flag},
    [SETTING_MP_URLS] = {"MPUrls", NULL,
                         "management points inside: https://host[:port], ';' between; asked before those that the "
                         "site tells of",
                         check_urls},
    [SETTING_MP_CA] = {"MPCA", NULL,
                       "file of anchors for management points of mode https; not set: what the site told, else the "
                       "system's",
                       check_path},
    [SETTING_GATEWAY_CA] = {"GatewayCA", NULL, "file of anchors for the gateway's certificate; not set: the system's",
                            check_path},
    [SETTING_CERTIFICATE] = {"Certificate", NULL, "PKI certificate, PEM, with its intermediates", check_path},
    [SETTING_KEY] =
        {"Key", NULL,
         "its private key: PEM, or a URI of one in a TPM or HSM (handle:, object:, pkcs11:); not set: in the same file",
         check_key},
    [SETTING_DEVICE_KEY] =
        {"DeviceKey", NULL,
         "the device's own key, that its tokens are bound to: a URI or file of one that was made for "
         "it, as for Key; set before the device joins; not set: made here, in key.pem",
         check_key},
    [SETTING_CERTIFICATE_DIR] = {"CertificateDir", NULL, "folder of candidates: NAME.pem or NAME.crt, with NAME.key",
                                 check_path},
    [SETTING_CERT_ISSUERS] = {"CertIssuers", NULL, "issuers (DN or CN) a PKI certificate must have, ';' between",
                              check_list},
    [SETTING_NAME] = {"Name", NULL, "the device's name; not set: the host name", check_text},
    [SETTING_ROLE_ID] = {"RoleId", NULL, "the management point to use", check_role},
    [SETTING_CLIENT_VERSION] = {"ClientVersion", "2603", "compatibility level", check_version},
    [SETTING_HARDWARE_ID] = {"HardwareId", NULL, "not set: derived from this machine and state folder", check_text},
    [SETTING_POLICY_HANDLER] = {"PolicyHandler", NULL, "program run with the policy file's path when it changed",
                                check_path},
    [SETTING_POLICY_INTERVAL] = {"PolicyInterval", NULL,
                                 "seconds between two policy requests of `run`; not set: the site's, else 3600",
                                 check_interval},
    [SETTING_NOTIFICATION_WAIT] = {"NotificationWait", NULL,
                                   "seconds that a request of `run` waits to be told something, 10 to 270, less where "
                                   "something on the way forgets connections sooner; 0: none does; not set: the "
                                   "site's, else 270",
                                   check_wait},
    [SETTING_NOTIFICATION_HANDLER] = {"NotificationHandler", NULL,
                                      "program run with the path of a file that holds the site's message", check_path},
    [SETTING_PROXY] = {"Proxy", NULL, "http://HOST:PORT, or none; not set: that of the environment (https_proxy)",
                       check_proxy},
    [SETTING_PROXY_USER] = {"ProxyUser", NULL, "the device's name for the proxy (Basic); with ProxyPasswordFile",
                            check_proxy_user},
    [SETTING_PROXY_PASSWORD_FILE] = {"ProxyPasswordFile", NULL, "file of mode 0600 whose first line is the password",
                                     check_path},
    [SETTING_PROXY_COMMAND] = {"ProxyCommand", NULL,
                               "program that prints what the proxy is shown, 'Negotiate TOKEN', or the token alone; "
                               "used before ProxyUser",
                               check_path},
    [SETTING_NO_PROXY] = {"NoProxy", NULL,
                          "whom the proxy is not for: names, domains, networks, ',' between; not set, and Proxy "
                          "neither: that of the environment (no_proxy)",
                          check_list},
    [SETTING_ENTRA_TENANT] = {"EntraTenant", NULL, "the Entra tenant that the device is joined to", check_tenant},
    [SETTING_ENTRA_ISSUER] = {"EntraIssuer", NULL, "OpenID provider; not set: Microsoft's, of EntraTenant",
                              check_https},
    [SETTING_ENTRA_TOKEN_ENDPOINT] = {"EntraTokenEndpoint", NULL, "not set: found by discovery", check_https},
    [SETTING_ENTRA_CA] = {"EntraCA", NULL, "file of anchors for the provider's certificate; not set: the system's",
                          check_path},
    [SETTING_ENTRA_CLIENT_ID] = {"EntraClientId", NULL, "application id by which the device asks for its token",
                                 check_text},
    [SETTING_ENTRA_CERTIFICATE] = {"EntraCertificate", NULL, "its certificate at the provider, PEM", check_path},
    [SETTING_ENTRA_KEY] = {"EntraKey", NULL, "its private key, PEM; not set: in the same file", check_path},
    [SETTING_ENTRA_COMMAND] = {"EntraCommand", NULL,
                               "program that prints the device's token; used before EntraCertificate", check_path},
    [SETTING_ENTRA_SCOPE] = {"EntraScope", NULL, "scope of the device's token; not set: EntraClientId/.default",
                             check_list},
    [SETTING_ENTRA_RESOURCE] = {"EntraResource", NULL, "resource of the tokens (RFC 8707), for providers that want one",
                                check_list},
    [SETTING_ENTRA_USER_CLIENT_ID] = {"EntraUserClientId", NULL, "application id for sign-in; not set: EntraClientId",
                                      check_text},
    [SETTING_ENTRA_USER_SCOPE] =
        {"EntraUserScope", NULL,
         "scope of the user's token; not set: openid profile offline_access EntraClientId/.default", check_list},
    [SETTING_USER_POLICY_HANDLER] = {"UserPolicyHandler", NULL,
                                     "program run with the user policy file's path when it changed", check_path},
    [SETTING_CONTENT_HANDLERS] = {"ContentHandlers", NULL,
                                  "folder of the programs that a policy may name as the handler of its content; they "
                                  "are run with the content's folder",
                                  check_path},
    [SETTING_CONTENT_RATE] = {"ContentRate", NULL,
                              "KiB a second that fetching content takes at most; not set: as fast "
                              "as it goes",
                              check_rate},
    [SETTING_SANDBOX] =
        {"Sandbox", "1",
         "0: `run` does not lock itself in; else it reaches only the state and the files named here, and "
         "starts no program but those named here when it started",
         check_flag},
    [SETTING_INVENTORY_SCRIPTS] = {"InventoryScripts", NULL,
                                   "folder of programs, each of which prints a fact of the administrator's own: a text "
                                   "or a JSON object",
                                   check_path},
    [SETTING_INVENTORY_INTERVAL] = {"InventoryInterval", "86400",
                                    "seconds between two reports of what the device is, by `run`; 0: none",
                                    check_report_interval},
};

const struct client_setting_info *client_setting_info(enum client_setting which)
{
    return &infos[which];
}

const char *client_setting(const struct client_settings *s, enum client_setting which)
{
    return s->values[which] ? s->values[which] : infos[which].fallback;
}

bool client_setting_on(const struct client_settings *s, enum client_setting which)
{
    const char *v = client_setting(s, which);
    return v && strcmp(v, "1") == 0;
}

bool client_setting_find(struct slice name, enum client_setting *ret)
{
    for (size_t i = 0; i < CLIENT_SETTINGS; i++) {
        if (slice_eq_nocase(name, slice_of(infos[i].name))) {
            *ret = (enum client_setting)i;
            return true;
        }
    }
    return false;
}

static enum result try_kept(const char *uri, struct error *err)
{
    EVP_PKEY *key;
    enum result r = pki_key_open_kept(slice_of(uri), &key, err);
    EVP_PKEY_free(key);
    return r;
}

enum result client_setting_try(const struct client_settings *s, enum client_setting which, struct error *err)
{
    const char *value = s->values[which];
    if (!value || (infos[which].check != check_path && infos[which].check != check_key))
        return OK;
    if (infos[which].check == check_key && pki_key_is_uri(slice_of(value)))
        return try_kept(value, err);
    int fd = open(value, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, R_IO, "%s can't be read now: %s", value, strerror(errno));
    (void)close(fd);
    return OK;
}

void client_settings_unknown(struct slice name, struct error *err)
{
    char names[ERROR_TEXT_MAX] = "", near[64];
    struct nearest n = nearest_to(name);
    size_t used = 0;
    for (size_t i = 0; i < CLIENT_SETTINGS && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", infos[i].name);
        nearest_try(&n, infos[i].name);
    }
    (void)error_set(err, R_NOTFOUND, "no setting '%" PRIslice "'%s%s there are: %s", SLICE_ARG(name),
                    nearest_text(&n, "", near, sizeof near), n.best ? "" : ";", names);
}

enum result client_settings_set(struct client_settings *s, struct slice name, struct slice value, struct error *err)
{
    enum client_setting which;
    value = slice_trim(value);
    if (!client_setting_find(name, &which)) {
        client_settings_unknown(name, err);
        return R_NOTFOUND;
    }
    if (value.len > VALUE_MAX || memchr(value.ptr ? value.ptr : "", '\0', value.len))
        return error_set(err, R_LIMIT, "%s: longer than %d bytes, or not a text", infos[which].name, VALUE_MAX);
    if (value.len && infos[which].check(value, err) != OK) {
        (void)error_prefix(err, "%s", infos[which].name);
        return R_INVALID;
    }
    free(s->values[which]);
    s->values[which] = value.len ? slice_dup(value) : NULL;
    if (which == SETTING_SITE_KEY && s->values[which])
        ascii_lower_all(s->values[which], value.len); /* the pin is compared as lower-case hex */
    return OK;
}

void client_settings_free(struct client_settings *s)
{
    for (size_t i = 0; i < CLIENT_SETTINGS; i++) {
        free(s->values[i]);
        s->values[i] = NULL;
    }
}

static enum result take_all(struct client_settings *s, json_t *root, struct error *err)
{
    const char *name;
    json_t *value;
    if (!json_is_object(root))
        return error_set(err, R_INVALID, "it is not a JSON object");
    json_object_foreach(root, name, value) {
        if (!json_is_string(value))
            return error_set(err, R_INVALID, "%s must be a string", name);
        enum result r = client_settings_set(s, slice_of(name), slice_of(json_string_value(value)), err);
        if (r != OK)
            return r;
    }
    return OK;
}

enum result client_settings_load(const char *dir, struct client_settings *ret, struct error *err)
{
    char *path = file_join(dir, "config.json"), *text = NULL;
    size_t len;
    json_t *root = NULL;
    *ret = (struct client_settings){0};
    enum result r = file_read(path, CONFIG_MAX, &text, &len, err);
    if (r == OK &&
        ((r = json_parse(slice_make(text, len), CONFIG_MAX, &root, err)) != OK || (r = take_all(ret, root, err)) != OK))
        (void)error_prefix(err, "%s", path);
    if (r == R_NOTFOUND && !text)
        r = OK; /* nothing was set yet */
    if (r != OK)
        client_settings_free(ret);
    json_decref(root);
    free(text);
    free(path);
    return r;
}

enum result client_settings_save(const char *dir, const struct client_settings *s, struct error *err)
{
    json_t *root = json_object();
    for (size_t i = 0; i < CLIENT_SETTINGS; i++) {
        if (s->values[i] && json_object_set_new(root, infos[i].name, json_string(s->values[i])) != 0)
            fatal("a setting can't be put into JSON");
    }
    char *path = file_join(dir, "config.json"), *text = json_dumps(root, JSON_INDENT(2));
    if (!text)
        fatal("the settings can't be put into JSON");
    enum result r = file_write(path, slice_of(text), 0600, err);
    free(text);
    free(path);
    json_decref(root);
    return r;
}

/* --- the enrolment file --- */

static enum result enroll_urls(struct client_settings *s, const json_t *urls, struct error *err)
{
    struct buf text;
    size_t i;
    json_t *url;
    enum result r = OK;
    buf_init(&text, VALUE_MAX);
    json_array_foreach(urls, i, url) {
        if (!json_is_string(url) || buf_printf(&text, "%s%s", i ? ";" : "", json_string_value(url)) != OK)
            r = error_set(err, R_INVALID, "mp_urls must be a list of few URLs");
    }
    if (r == OK)
        r = client_settings_set(s, SLICE("MPUrls"), buf_data(&text), err);
    buf_free(&text);
    return r;
}

/* `member` of the enrolment file goes to `dir`/`file`, which `setting` then names. */
static enum result enroll_ca(const char *dir, struct client_settings *s, const json_t *root, const char *member,
                             const char *file, const char *setting, struct error *err)
{
    enum { ANCHORS_MAX = 64 };
    const char *pem = json_opt_str(root, member, NULL);
    STACK_OF(X509) *certs = NULL;
    if (!pem)
        return OK;
    enum result r = pki_cert_read_all(slice_of(pem), ANCHORS_MAX, &certs, err);
    if (r != OK) {
        (void)error_prefix(err, "%s", member);
        return r;
    }
    sk_X509_pop_free(certs, X509_free);
    char real[4096];
    if (!realpath(dir, real))
        return error_set(err, R_IO, "%s can't be resolved", dir);
    char *path = file_join(real, file);
    r = file_write(path, slice_of(pem), 0644, err);
    if (r == OK)
        r = client_settings_set(s, slice_of(setting), slice_of(path), err);
    free(path);
    return r;
}

static enum result enroll_pin(struct client_settings *s, const char *pin, struct error *err)
{
    const char *held = client_setting(s, SETTING_SITE_KEY);
    if (held && !slice_eq_nocase(slice_of(held), slice_of(pin)))
        return error_set(
            err, R_CONFLICT,
            "the device is pinned to another site (SiteKey %.16s…); to move it: cmg-client set SiteKey=", held);
    return client_settings_set(s, SLICE("SiteKey"), slice_of(pin), err);
}

static enum result enroll_from(const char *dir, struct client_settings *s, const json_t *root, struct error *err)
{
    const char *kind, *site, *pin, *fqdns;
    int64_t version;
    enum result r;
    if ((r = json_need_str(root, "opencmg", &kind, err)) != OK ||
        (r = json_need_int(root, "version", &version, err)) != OK)
        return r;
    if (strcmp(kind, "enrollment") != 0 || version != 1)
        return error_set(err, R_INVALID, "this is no enrolment file of version 1 (make one with: cmg enrollment)");
    if ((r = json_need_str(root, "site", &site, err)) != OK || (r = json_need_str(root, "site_key", &pin, err)) != OK ||
        (r = json_need_str(root, "cmg_fqdns", &fqdns, err)) != OK)
        return r;
    if ((r = enroll_pin(s, pin, err)) != OK ||
        (r = client_settings_set(s, SLICE("SiteCode"), slice_of(site), err)) != OK ||
        (r = client_settings_set(s, SLICE("CMGFQDNs"), slice_of(fqdns), err)) != OK ||
        (r = enroll_urls(s, json_object_get(root, "mp_urls"), err)) != OK)
        return r;
    r = enroll_ca(dir, s, root, "gateway_ca_pem", "gateway-ca.pem", "GatewayCA", err);
    return r == OK ? enroll_ca(dir, s, root, "mp_ca_pem", "mp-ca.pem", "MPCA", err) : r;
}

static struct client_settings copy(const struct client_settings *s)
{
    struct client_settings ret = {0};
    for (size_t i = 0; i < CLIENT_SETTINGS; i++)
        ret.values[i] = s->values[i] ? mem_strdup(s->values[i]) : NULL;
    return ret;
}

enum result client_settings_enroll(const char *dir, struct client_settings *s, struct slice file, struct error *err)
{
    json_t *root = NULL;
    enum result r = json_parse(file, CONFIG_MAX, &root, err);
    if (r != OK)
        return r;
    struct client_settings next = copy(s);
    r = enroll_from(dir, &next, root, err);
    if (r == OK) {
        struct client_settings old = *s;
        *s = next;
        next = old;
    }
    client_settings_free(&next);
    json_decref(root);
    return r;
}
