/* SPDX-License-Identifier: Apache-2.0 */
/* What `cmg setup` asks, in this order, as one table: an option, a question on a terminal and a line of what is kept
 * are the same row. */
#include <stdlib.h>
#include <unistd.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "ctl/ask/input.h"
#include "ctl/secret.h"
#include "ctl/wizard/wizard.h"
#include "net/url.h"

enum { PORT_HTTPS = 443, PORT_MP = 8443, FILE_MAX = 1024 * 1024 };

/* --- what is answered --- */

const char *wizard_text(const struct wizard *w, enum wizard_id id)
{
    return w->text[id] ? w->text[id] : "";
}

enum choice_mp wizard_mode(const struct wizard *w)
{
    enum choice_mp mode = CHOICE_MP_HTTPS;
    (void)!choices_mp_parse(slice_of(wizard_text(w, ASK_MP)), &mode);
    return mode;
}

unsigned wizard_clients(const struct wizard *w)
{
    unsigned ret = 0;
    struct slice rest = slice_of(wizard_text(w, ASK_CLIENT));
    while (rest.ptr) {
        enum choice_client client;
        if (choices_client_parse(slice_trim(slice_cut(&rest, ',')), &client))
            ret |= CHOICE_BIT(client);
    }
    return ret;
}

bool wizard_cert_needed(const struct wizard *w)
{
    return w->text[ASK_MP] && choices_connector_needs_certificate(wizard_mode(w), wizard_clients(w));
}

void wizard_gateway(const struct wizard *w, char ret[NET_HOST_MAX], uint16_t *ret_port)
{
    ret[0] = '\0';
    *ret_port = PORT_HTTPS;
    (void)!net_host_parse(slice_of(wizard_text(w, ASK_GATEWAY)), PORT_HTTPS, ret, ret_port, NULL);
}

/* --- when it is asked --- */

static bool is_internal(const struct wizard *w)
{
    enum choice_cert cert;
    return choices_cert_parse(slice_of(wizard_text(w, ASK_SERVER_CERT)), &cert) && cert == CHOICE_CERT_INTERNAL;
}

static bool has_pki(const struct wizard *w)
{
    return (wizard_clients(w) & CHOICE_BIT(CHOICE_PKI)) != 0;
}

static bool has_relay(const struct wizard *w)
{
    enum choice_crl crl = CHOICE_CRL_INTERNET;
    enum choice_tri check = CHOICE_YES;
    (void)!choices_crl_parse(slice_of(wizard_text(w, ASK_CRL)), &crl);
    (void)!choices_tri_parse(slice_of(wizard_text(w, ASK_CRL_CHECK)), &check);
    return has_pki(w) && check == CHOICE_YES && (crl == CHOICE_CRL_AD || crl == CHOICE_CRL_INTERNAL);
}

/* A list that is looked at, and is somewhere. */
static bool has_crl(const struct wizard *w)
{
    return has_pki(w) && strcmp(wizard_text(w, ASK_CRL), "none") != 0 &&
           strcmp(wizard_text(w, ASK_CRL_CHECK), "off") != 0;
}

static bool has_entra(const struct wizard *w)
{
    return (wizard_clients(w) & CHOICE_BIT(CHOICE_ENTRA)) != 0;
}

static bool has_tenant(const struct wizard *w)
{
    return has_entra(w) && *wizard_text(w, ASK_TENANT);
}

static bool is_https(const struct wizard *w)
{
    return w->text[ASK_MP] && wizard_mode(w) == CHOICE_MP_HTTPS;
}

/* --- what is proposed --- */

static char *fixed_none(const struct wizard *w)
{
    (void)w;
    return mem_strdup("");
}

#define FIXED(name, text)                                                                                              \
    static char *name(const struct wizard *w)                                                                          \
    {                                                                                                                  \
        (void)w;                                                                                                       \
        return mem_strdup(text);                                                                                       \
    }
FIXED(fixed_on, "on")
FIXED(fixed_gateway, "gw1")
FIXED(fixed_connector, "cp1")
FIXED(fixed_devices, "10")

static char *own_url(const struct wizard *w)
{
    char url[SITE_URL_SIZE];
    (void)w;
    site_own_url(PORT_MP, url);
    return mem_strdup(url);
}

/* Where the URL leads. */
static char *all_addresses(const struct wizard *w)
{
    struct net_url url = {.port = PORT_MP};
    char text[32];
    (void)!net_url_parse(slice_of(wizard_text(w, ASK_MP_URL)), &url, NULL);
    (void)snprintf(text, sizeof text, "0.0.0.0:%u", (unsigned)url.port);
    return mem_strdup(text);
}

/* PKCS#12 holds it. */
static char *key_of_pkcs12(const struct wizard *w)
{
    struct slice file = slice_of(wizard_text(w, ASK_MP_CERT));
    return slice_ends(file, SLICE(".p12")) || slice_ends(file, SLICE(".pfx")) ? mem_strdup("") : NULL;
}

/* --- is it one --- */

static enum result check_site(const char *text, struct error *err)
{
    if (site_code_valid(text))
        return OK;
    return error_set(err, R_INVALID, "'%s' is no site code: 1 to 8 capital letters and digits", text);
}

/* One to connect to, not to listen on. */
static enum result check_port(uint16_t port, struct error *err)
{
    return port ? OK : error_set(err, R_INVALID, "port 0 leads to nobody; name one from 1 to 65535");
}

static enum result check_gateway(const char *text, struct error *err)
{
    char host[NET_HOST_MAX];
    uint16_t port;
    enum result r = net_host_parse(slice_of(text), PORT_HTTPS, host, &port, err);
    return r == OK ? check_port(port, err) : r;
}

static enum result check_url(const char *text, struct error *err)
{
    struct net_url url;
    enum result r = net_url_parse(slice_of(text), &url, err);
    if (r == OK && strcmp(url.scheme, "https") != 0)
        r = error_set(err, R_INVALID, "the URL of a management point begins with https://, not '%s'", text);
    return r == OK ? check_port(url.port, err) : r;
}

static enum result check_listen(const char *text, struct error *err)
{
    struct net_address address;
    return net_address_parse(slice_of(text), &address, err);
}

static enum result check_file(const char *text, struct error *err)
{
    char *data;
    size_t len;
    if (!*text)
        return OK;
    enum result r = file_read(text, FILE_MAX, &data, &len, err);
    if (r == OK)
        mem_free_secret(data, len);
    return r;
}

static enum result check_certificates(const char *text, struct error *err)
{
    char *data, *pem = NULL;
    size_t len;
    if (!*text)
        return OK;
    enum result r = file_read_text(text, FILE_MAX, &data, &len, err);
    if (r != OK)
        return r;
    r = ctl_certificates_pem(slice_make(data, len), &pem, err);
    free(data);
    free(pem);
    if (r != OK) {
        (void)error_prefix(err, "%s", text);
        error_remedy(err, CTL_REMEDY_CERTIFICATE);
    }
    return r;
}

/* Whence a list may be fetched; what else is wrong with it, the management point says. */
static enum result check_crl_url(const char *text, struct error *err)
{
    static const char *const schemes[] = {"http", "https", "ldap", "ldaps", "file"};
    struct slice rest = slice_of(text), scheme = slice_cut(&rest, ':');
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (slice_eq_nocase(scheme, slice_of(schemes[i])) && slice_starts(rest, SLICE("//")))
            return OK;
    }
    return *text ? error_set(err, R_INVALID,
                             "'%s' is no URL of a list: http://, https://, ldap://, ldaps:// or file:///", text)
                 : OK;
}

static enum result check_tenant(const char *text, struct error *err)
{
    struct net_url url;
    struct slice s = slice_of(text);
    if (!*text || guid_valid(s))
        return OK;
    if (slice_starts(s, SLICE("https://")))
        return net_url_parse(s, &url, err);
    return error_set(err, R_INVALID, "'%s' is no id of an Entra tenant (8-4-4-4-12 hex digits) and no https:// URL",
                     text);
}

static enum result check_word(const char *text, struct error *err)
{
    size_t n = strlen(text);
    if (n >= 1 && n <= 64 && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n)
        return OK;
    return error_set(err, R_INVALID, "'%s' is no id: letters, digits, '-', '_' and '.'", text);
}

static enum result check_count(const char *text, struct error *err)
{
    uint64_t n;
    if (slice_to_u64(slice_of(text), &n) && n >= 1 && n <= 1000000)
        return OK;
    return error_set(err, R_INVALID, "'%s' is no number from 1 to 1000000", text);
}

static enum result check_any(const char *text, struct error *err)
{
    (void)text;
    (void)err;
    return OK;
}

/* --- the table --- */

const struct wizard_question wizard_questions[ASK_COUNT] = {
    [ASK_CLIENT] = {"client", "How do devices prove who they are? One method, or several (pki,token)", "METHODS", NULL,
                    NULL, NULL, FILE_NONE},
    [ASK_SERVER_CERT] = {"server-cert", "Whose certificate does the gateway show?", "public|internal", NULL, NULL, NULL,
                         FILE_NONE},
    [ASK_SERVER_CA] = {"server-ca", "The root of that internal CA, which devices get with their line (none: Enter)",
                       "FILE", is_internal, fixed_none, check_certificates, FILE_READ},
    [ASK_MP] = {"mp", "How does the management point tell devices apart?", "https|ehttp", NULL, NULL, NULL, FILE_NONE},
    [ASK_CRL] = {"crl", "Where does the devices' PKI publish its CRL?", "internet|ad|internal|none", has_pki, NULL,
                 NULL, FILE_NONE},
    [ASK_CRL_CHECK] = {"crl-check", "Are certificates checked for revocation?", "on|off", has_pki, fixed_on, NULL,
                       FILE_NONE},
    [ASK_CRL_RELAY] = {"crl-relay", "Does the connector relay the CRL from inside?", "on|off", has_relay, fixed_on,
                       NULL, FILE_NONE},
    [ASK_CRL_URL] = {"crl-url", "The URL of that list (Enter: later)", "URL", has_crl, fixed_none, check_crl_url,
                     FILE_NONE},
    [ASK_CLIENT_CA] = {"client-ca", "The root of the devices' PKI", "FILE", has_pki, NULL, check_certificates,
                       FILE_READ},
    [ASK_CONNECTOR_CERT] = {"connector-cert", "The connector's own PKI client certificate", "FILE", wizard_cert_needed,
                            NULL, check_certificates, FILE_USED},
    [ASK_CONNECTOR_KEY] = {"connector-key", "Its key", "FILE", wizard_cert_needed, NULL, check_file, FILE_USED},
    [ASK_TENANT] = {"tenant", "The id of the Entra tenant, or another OpenID provider's issuer URL (Enter: later)",
                    "GUID|URL", has_entra, fixed_none, check_tenant, FILE_NONE},
    [ASK_AUDIENCE] = {"audience", "For whom are the tenant's tokens (`aud`, such as api://cmg)?", "TEXT", has_tenant,
                      NULL, check_any, FILE_NONE},
    [ASK_SITE] = {"site", "The site's code: 1 to 8 capital letters and digits", "CODE", NULL, NULL, check_site,
                  FILE_NONE},
    [ASK_GATEWAY] = {"gateway", "The gateway's public name, as devices on the Internet reach it (and :PORT unless 443)",
                     "NAME[:PORT]", NULL, NULL, check_gateway, FILE_NONE},
    [ASK_MP_URL] = {"mp-url", "How connectors, and devices inside, reach the management point on this machine", "URL",
                    NULL, own_url, check_url, FILE_NONE},
    [ASK_MP_LISTEN] = {"mp-listen", "Where it listens", "ADDRESS:PORT", NULL, all_addresses, check_listen, FILE_NONE},
    [ASK_MP_CERT] = {"mp-cert", "The management point's server certificate, PEM or PKCS#12", "FILE", is_https, NULL,
                     check_file, FILE_USED},
    [ASK_MP_KEY] = {"mp-key", "Its key, PEM", "FILE", is_https, key_of_pkcs12, check_file, FILE_USED},
    [ASK_MP_CA] = {"mp-ca", "The CA that issued it", "FILE", is_https, NULL, check_certificates, FILE_USED},
    [ASK_STORE] = {"store", "keep the site in PostgreSQL: postgresql://USER@HOST/DATABASE?passfile=FILE", "URL", NULL,
                   fixed_none, check_any, FILE_NONE},
    [ASK_MP_PASSWORD] = {"mp-password-file", "holds the password of the management point's PKCS#12", "FILE", NULL,
                         fixed_none, check_file, FILE_USED},
    [ASK_CLIENT_VERSION] = {"client-version", "the oldest client among the devices", "YYMM", NULL, fixed_none, NULL,
                            FILE_NONE},
    [ASK_JOIN] = {"join", "how the devices are joined", "none|domain|hybrid|entra", NULL, fixed_none, NULL, FILE_NONE},
    [ASK_SCENARIO] = {"scenario", "is there to be user policy, too?", "device|user", NULL, fixed_none, NULL, FILE_NONE},
    [ASK_USER_SIGN_IN] = {"user-sign-in", "do users sign in with Entra?", "yes|no", NULL, fixed_none, NULL, FILE_NONE},
    [ASK_CLIENT_HAS_ROOT] = {"client-has-root", "do devices hold the root of the gateway's CA?", "yes|no", NULL,
                             fixed_none, NULL, FILE_NONE},
    [ASK_GATEWAY_ID] = {"gateway-id", "the gateway's id (default gw1)", "ID", NULL, fixed_gateway, check_word,
                        FILE_NONE},
    [ASK_CONNECTOR_ID] = {"connector-id", "the connector's id (default cp1)", "ID", NULL, fixed_connector, check_word,
                          FILE_NONE},
    [ASK_DEVICES] = {"devices", "how many devices may join by the line that is printed (default 10)", "N", NULL,
                     fixed_devices, check_count, FILE_NONE},
};

bool wizard_wants(const struct wizard *w, enum wizard_id id)
{
    return !wizard_questions[id].wanted || wizard_questions[id].wanted(w);
}

char *wizard_proposal(const struct wizard *w, enum wizard_id id)
{
    return wizard_questions[id].proposal ? wizard_questions[id].proposal(w) : NULL;
}
