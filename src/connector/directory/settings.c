/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the directory's keys, and what can be checked of them without asking it. */
#include "connector/directory/settings.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

#include "base/host/file.h"
#include "base/host/line.h"
#include "base/mem.h"

#define AT(member) offsetof(struct directory_settings, member)

static const struct conf_key keys[] = {
    {.name = "servers",
     .kind = CONF_TEXTS,
     .offset = AT(servers),
     .required = true,
     .help = "ldaps://HOST[:PORT] or ldap://HOST[:PORT], asked in this order: the next one where one does not answer"},
    {.name = "ca",
     .kind = CONF_PATH,
     .offset = AT(ca_file),
     .help = "PEM: the CAs of these servers; default: the source's own (--source-ca), or the system's"},
    {.name = "start_tls",
     .kind = CONF_BOOL,
     .offset = AT(start_tls),
     .fallback = "off",
     .help = "a connection to ldap:// is secured first (StartTLS, RFC 4513 3), or not used"},
    {.name = "bind",
     .kind = CONF_CHOICE,
     .offset = AT(bind),
     .choices = "none|simple|external|gssapi",
     .fallback = "none",
     .help = "none: anonymous; simple: bind_dn and password_file; external: client_certificate (SASL EXTERNAL); "
             "gssapi: Kerberos, by keytab"},
    {.name = "bind_dn",
     .kind = CONF_TEXT,
     .offset = AT(bind_dn),
     .help =
         "bind simple: the account, as CN=reader,OU=services,DC=example; Active Directory takes reader@example.com"},
    {.name = "password_file",
     .kind = CONF_PATH,
     .offset = AT(password_file),
     .help = "bind simple: file of mode 0600 whose first line is the password; read anew for each bind"},
    {.name = "keytab",
     .kind = CONF_PATH,
     .offset = AT(keytab),
     .help =
         "bind gssapi: file of mode 0600 with the account's key; its first principal asks (krb5.conf is the system's)"},
    {0},
};
const struct conf_schema directory_schema = {"directory", sizeof(struct directory_settings), keys};

bool directory_binds(const struct directory_settings *s, const char *how)
{
    return s->bind && strcmp(s->bind, how) == 0;
}

/* The ticket is kept in memory: nowhere else may this process write. */
void directory_settings_use(const struct directory_settings *s)
{
    if (!s->keytab)
        return;
    (void)setenv("KRB5_CLIENT_KTNAME", s->keytab, 1);
    (void)setenv("KRB5CCNAME", "MEMORY:directory", 1);
}

/* --- checks --- */

static void check_server(const struct directory_settings *s, char *const *server, struct conf_faults *faults)
{
    bool in_clear = slice_starts_nocase(slice_of(*server), SLICE("ldap://"));
    bool secure = slice_starts_nocase(slice_of(*server), SLICE("ldaps://"));
    LDAPURLDesc *url = NULL;
    bool read = (in_clear || secure) && ldap_url_parse(*server, &url) == LDAP_URL_SUCCESS;
    if (!read || !url->lud_host || !url->lud_host[0] || (url->lud_dn && url->lud_dn[0]))
        conf_fault_of(faults, server,
                      "directory: servers: '%.128s' is not ldaps://HOST, ldaps://HOST:PORT or the same of ldap",
                      *server);
    else if (in_clear && !s->start_tls && (directory_binds(s, "simple") || directory_binds(s, "external")))
        conf_fault_of(faults, server,
                      "directory: servers: who binds %s to '%.128s' does it over TLS: write ldaps://, or start_tls: on",
                      s->bind, *server);
    ldap_free_urldesc(url);
}

/* For its faults alone: each bind reads it anew. */
static void check_password(const struct directory_settings *s, struct conf_faults *faults)
{
    struct error err;
    char *password = NULL;
    size_t len = 0;
    enum result r = file_check_private(s->password_file, &err);
    if (r == OK)
        r = line_read_password(s->password_file, &password, &len, &err);
    if (r != OK)
        conf_fault_of(faults, &s->password_file, "directory: password_file: %s", err.text);
    mem_free_secret(password, len);
}

#ifdef CMG_HAS_SASL
static const bool has_gssapi = true;
#else
static const bool has_gssapi = false;
#endif

static void check_kerberos(const struct directory_settings *s, struct conf_faults *faults)
{
    struct error err;
    bool is_meant = directory_binds(s, "gssapi");
    if (is_meant && !has_gssapi)
        conf_fault_of(faults, &s->bind, "directory: bind: gssapi is not in this build: it lacked libsasl2-dev");
    else if (is_meant && !s->keytab)
        conf_fault_of(faults, &s->bind, "directory: bind: gssapi takes keytab");
    else if (!is_meant && s->keytab)
        conf_fault_of(faults, &s->keytab, "directory: keytab is for bind: gssapi, but it is %s", s->bind);
    else if (is_meant && file_check_private(s->keytab, &err) != OK)
        conf_fault_of(faults, &s->keytab, "directory: keytab: %s", err.text);
}

static void check_bind(const struct directory_settings *s, bool has_certificate, struct conf_faults *faults)
{
    bool simple = directory_binds(s, "simple");
    if (simple && (!s->bind_dn || !s->bind_dn[0] || !s->password_file))
        conf_fault_of(faults, &s->bind, "directory: bind: simple takes bind_dn and password_file");
    else if (!simple && (s->bind_dn || s->password_file))
        conf_fault_of(faults, s->bind_dn ? (const void *)&s->bind_dn : &s->password_file,
                      "directory: bind_dn and password_file are for bind: simple, but it is %s", s->bind);
    else if (directory_binds(s, "external") && !has_certificate)
        conf_fault_of(faults, &s->bind, "directory: bind: external shows client_certificate: name one");
    if (simple && s->password_file)
        check_password(s, faults);
}

void directory_settings_check(const struct directory_settings *s, bool has_certificate, struct conf_faults *faults)
{
    if (!s->bind)
        return; /* told already */
    if (s->servers.count > DIRECTORY_SERVERS_MAX)
        conf_fault_of(faults, &s->servers.items[DIRECTORY_SERVERS_MAX], "directory: servers: at most %d",
                      DIRECTORY_SERVERS_MAX);
    for (size_t i = 0; i < s->servers.count; i++)
        check_server(s, &s->servers.items[i], faults);
    check_bind(s, has_certificate, faults);
    check_kerberos(s, faults);
}
