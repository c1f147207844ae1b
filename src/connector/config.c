/* SPDX-License-Identifier: Apache-2.0 */
/* The table of connector.yaml's keys, and what can be checked of them without a socket. Whether the client
 * certificate would be believed is site/self_check.c. */
#include "connector/config.h"

#include <stdlib.h>

#include "conf/sandbox.h"

#define AT(member) offsetof(struct connector_config, member)

static const struct conf_key certificate_keys[] = {
    {.name = "certificate",
     .kind = CONF_PATH,
     .offset = offsetof(struct tls_identity_files, certificate),
     .required = true,
     .help =
         "PEM: a client certificate of the organisation's PKI, then its intermediates; or PKCS#12 (.p12, .pfx) with "
         "the key, mode 0600; changed files are read anew"},
    {.name = "key",
     .kind = CONF_PATH,
     .offset = offsetof(struct tls_identity_files, key),
     .help = "PEM: its private key, mode 0600; not with PKCS#12"},
    {.name = "password_file",
     .kind = CONF_PATH,
     .offset = offsetof(struct tls_identity_files, password_file),
     .help = "file of mode 0600 whose first line is the password of the PKCS#12"},
    {0},
};
static const struct conf_schema certificate_schema = {"client_certificate", sizeof(struct tls_identity_files),
                                                      certificate_keys};

static const struct conf_key keys[] = {
    {.name = "bootstrap",
     .kind = CONF_PATH,
     .offset = AT(bootstrap_file),
     .use = SANDBOX_READ_ONCE,
     .required = true,
     .help = "the file that cmg connector add wrote"},
    {.name = "state",
     .kind = CONF_PATH,
     .offset = AT(state),
     .use = SANDBOX_WRITE_FOLDER,
     .fallback = "/var/lib/opencmg-connector",
     .help = "folder for the last good connector document and the renewed role certificate (a secret)"},
    {.name = "client_certificate",
     .kind = CONF_BLOCK,
     .offset = AT(client_certificate),
     .block = &certificate_schema,
     .help = "shown to https management points; needed exactly when one of them has pki clients"},
    {.name = "proxy",
     .kind = CONF_BLOCK,
     .offset = AT(proxy),
     .block = &connector_proxy_schema,
     .help = "the HTTP proxy on the way to gateways (CONNECT)"},
    {.name = "allow_targets",
     .kind = CONF_TEXTS,
     .offset = AT(allow_targets),
     .choices = "loopback|link-local",
     .help = "kinds of addresses that published endpoints may point to although they are refused by default"},
    {.name = "source_folder",
     .kind = CONF_PATH,
     .offset = AT(source_folder),
     .use = SANDBOX_READ_FOLDER,
     .help = "folder whose files may be named as sources (file:///…) and sent to gateways; none when absent"},
    {.name = "directory",
     .kind = CONF_BLOCK,
     .offset = AT(directory),
     .block = &directory_schema,
     .help = "who answers sources that name no server (ldap:///…), as Active Directory writes them"},
    {.name = "role_renewal",
     .kind = CONF_DURATION,
     .offset = AT(role_renewal_s),
     .fallback = "0s",
     .help = "for tests: the role certificate is renewed this often; 0s: at half of its life"},
    {.name = "metrics_listen",
     .kind = CONF_TEXT,
     .offset = AT(metrics_listen),
     .help = "address of /metrics, /healthz and /readyz, such as 127.0.0.1:9181; default: none"},
    CONF_SANDBOX_KEY(AT(sandbox)),
    {.name = "log", .kind = CONF_BLOCK, .offset = AT(log), .block = &conf_log_schema, .help = "the log"},
    {0},
};
static const struct conf_schema schema = {"connector.yaml", sizeof(struct connector_config), keys};

static void read_certificate(struct connector_config *c, struct conf_faults *faults)
{
    const struct tls_identity_files *files = &c->client_certificate;
    struct error err;
    if (files->certificate && tls_identity_take(files, &c->identity, &err) != OK)
        conf_fault_of(faults, &files->certificate, "client_certificate: %s: %s", files->certificate, err.text);
}

enum result connector_config_load(const char *path, struct connector_config *ret, struct conf_faults *faults)
{
    struct error err;
    if (conf_load(path, &schema, ret, faults) != OK && faults->unread)
        return R_INVALID;
    read_certificate(ret, faults);
    connector_proxy_resolve(&ret->proxy, faults);
    directory_settings_check(&ret->directory, ret->client_certificate.certificate != NULL, faults);
    if (!ret->bootstrap_file)
        return R_INVALID; /* told already */
    if (bootstrap_read(ret->bootstrap_file, "connector", &ret->bootstrap, &err) != OK)
        conf_fault_add(faults, 0, "bootstrap: %s", err.text);
    else if (ret->bootstrap.url_count == 0)
        conf_fault_add(faults, 0,
                       "bootstrap: names no management point in 'site_urls'; make it again with: cmg connector add");
    return faults->count ? R_INVALID : OK;
}

void connector_config_needs(const struct connector_config *c, struct sandbox *s)
{
    conf_sandbox_paths(&schema, c, s);
}

void connector_config_reference(FILE *out)
{
    conf_reference(&schema, out);
}
