/* SPDX-License-Identifier: Apache-2.0 */
#include "connector/config.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"

enum { PEM_MAX = 256 * 1024 };

#define AT(member) offsetof(struct connector_config, member)

static const struct conf_key certificate_keys[] = {
    {.name = "certificate",
     .kind = CONF_PATH,
     .offset = offsetof(struct connector_certificate, certificate),
     .required = true,
     .help = "PEM: a client certificate of the organisation's PKI, then its intermediates"},
    {.name = "key",
     .kind = CONF_PATH,
     .offset = offsetof(struct connector_certificate, key),
     .required = true,
     .help = "PEM: its private key, mode 0600"},
    {0},
};
static const struct conf_schema certificate_schema = {"client_certificate", sizeof(struct connector_certificate),
                                                      certificate_keys};

static const struct conf_key keys[] = {
    {.name = "bootstrap",
     .kind = CONF_PATH,
     .offset = AT(bootstrap_file),
     .required = true,
     .help = "the file that cmg connector add wrote"},
    {.name = "state",
     .kind = CONF_PATH,
     .offset = AT(state),
     .fallback = "/var/lib/opencmg-connector",
     .help = "folder for the last good connector document and the renewed role certificate (a secret)"},
    {.name = "client_certificate",
     .kind = CONF_BLOCK,
     .offset = AT(client_certificate),
     .block = &certificate_schema,
     .help = "shown to https management points; needed exactly when one of them has pki clients"},
    {.name = "allow_targets",
     .kind = CONF_TEXTS,
     .offset = AT(allow_targets),
     .choices = "loopback|link-local",
     .help = "kinds of addresses that published endpoints may point to although they are refused by default"},
    {.name = "source_folder",
     .kind = CONF_PATH,
     .offset = AT(source_folder),
     .help = "folder whose files may be named as sources (file:///…) and sent to gateways; none when absent"},
    {.name = "role_renewal",
     .kind = CONF_DURATION,
     .offset = AT(role_renewal_s),
     .fallback = "0s",
     .help = "for tests: the role certificate is renewed this often; 0s: at half of its life"},
    {.name = "log", .kind = CONF_BLOCK, .offset = AT(log), .block = &conf_log_schema, .help = "the log"},
    {0},
};
static const struct conf_schema schema = {"connector.yaml", sizeof(struct connector_config), keys};

static void read_certificate(struct connector_config *c, struct conf_faults *faults)
{
    const struct connector_certificate *files = &c->client_certificate;
    struct error err;
    size_t len;
    if (!files->certificate || !files->key)
        return;
    if (file_read(files->certificate, PEM_MAX, &c->certificate_pem, &len, &err) != OK)
        conf_fault_add(faults, 0, "client_certificate: %s", err.text);
    if (file_check_private(files->key, &err) != OK || file_read(files->key, PEM_MAX, &c->key_pem, &len, &err) != OK)
        conf_fault_add(faults, 0, "client_certificate: %s", err.text);
}

enum result connector_config_load(const char *path, struct connector_config *ret, struct conf_faults *faults)
{
    struct error err;
    if (conf_load(path, &schema, ret, faults) != OK && faults->unread)
        return R_INVALID;
    read_certificate(ret, faults);
    if (!ret->bootstrap_file)
        return R_INVALID; /* told already */
    if (bootstrap_read(ret->bootstrap_file, "connector", &ret->bootstrap, &err) != OK)
        conf_fault_add(faults, 0, "bootstrap: %s", err.text);
    else if (ret->bootstrap.url_count == 0)
        conf_fault_add(faults, 0,
                       "bootstrap: names no management point in 'site_urls'; make it again with: cmg connector add");
    return faults->count ? R_INVALID : OK;
}

void connector_config_free(struct connector_config *c)
{
    free(c->certificate_pem);
    if (c->key_pem)
        mem_free_secret(c->key_pem, strlen(c->key_pem));
    bootstrap_free(&c->bootstrap);
    conf_free(&schema, c);
}

void connector_config_reference(FILE *out)
{
    conf_reference(&schema, out);
}
