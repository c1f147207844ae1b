/* SPDX-License-Identifier: Apache-2.0 */
/* The table of gateway.yaml's keys, and what can be checked of them without a socket. Certificates are read by
 * client/certificates.c; main.c asks both. */
#include "gateway/config.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "choices/choices.h"
#include "conf/sandbox.h"
#include "net/address.h"
#include "net/network.h"

#define AT(member) offsetof(struct gateway_config, member)

static const struct conf_key certificate_keys[] = {
    {.name = "certificate",
     .kind = CONF_PATH,
     .offset = offsetof(struct tls_identity_files, certificate),
     .required = true,
     .help = "PEM: the certificate, then its intermediates; or PKCS#12 (.p12, .pfx) with the key, mode 0600"},
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
static const struct conf_schema certificate_schema = {"server_certificates", sizeof(struct tls_identity_files),
                                                      certificate_keys};

static const struct conf_key balancer_keys[] = {
    {.name = "from",
     .kind = CONF_TEXTS,
     .offset = offsetof(struct gateway_balancers, from),
     .required = true,
     .help = "addresses and networks (10.0.0.7, 10.0.1.0/24) that send a header of version 2 before each connection, "
             "and are refused without: balancers alone, no connector and no device"},
    {0},
};
static const struct conf_schema balancer_schema = {"proxy_protocol", sizeof(struct gateway_balancers), balancer_keys};

static const struct conf_key keys[] = {
    {.name = "listen",
     .kind = CONF_TEXTS,
     .offset = AT(listen),
     .required = true,
     .help = "addresses for clients and connectors, such as \":443\""},
    {.name = "proxy_protocol",
     .kind = CONF_BLOCK,
     .offset = AT(balancers),
     .block = &balancer_schema,
     .help = "load balancers that tell the client's address (PROXY protocol, version 2)"},
    {.name = "server_certificates",
     .kind = CONF_BLOCKS,
     .offset = AT(server_certificates),
     .required = true,
     .block = &certificate_schema,
     .help = "what clients see; chosen by SNI, the first one otherwise; changed files are read anew"},
    {.name = "bootstrap",
     .kind = CONF_PATH,
     .offset = AT(bootstrap_file),
     .use = SANDBOX_READ_ONCE,
     .required = true,
     .help = "the file that cmg gateway add wrote"},
    {.name = "state",
     .kind = CONF_PATH,
     .offset = AT(state),
     .use = SANDBOX_WRITE_FOLDER,
     .fallback = "/var/lib/opencmg-gateway",
     .help = "folder for the last good bundle"},
    {.name = "workers",
     .kind = CONF_NUMBER,
     .offset = AT(workers),
     .max = 64,
     .fallback = "0",
     .help = "threads; 0: one a processor"},
    {.name = "admin_listen",
     .kind = CONF_TEXT,
     .offset = AT(admin_listen),
     .fallback = "127.0.0.1:9180",
     .help = "address of /metrics, /healthz and /readyz"},
    {.name = "drain",
     .kind = CONF_DURATION,
     .offset = AT(drain_s),
     .fallback = "10s",
     .help = "how long requests may take to end after SIGTERM"},
    {.name = "max_connections",
     .kind = CONF_NUMBER,
     .offset = AT(max_connections),
     .max = 1000000,
     .fallback = "0",
     .help =
         "client connections a worker holds, at least 16; 0: 16000, or as many as the descriptors allow. Over it who "
         "was never let in makes room, then idle connections do, those of the address or device that holds most"},
    {.name = "strangers_per_address",
     .kind = CONF_NUMBER,
     .offset = AT(strangers_per_address),
     .max = 1000000,
     .fallback = "0",
     .help = "of them, how many clients none of whose requests was let in may come from one address (IPv6: /64); over "
             "it the oldest goes; 0: a fourth of max_connections"},
    {.name = "handshakes_per_address",
     .kind = CONF_NUMBER,
     .offset = AT(handshakes_per_address),
     .min = 1,
     .max = 1000000,
     .fallback = "100",
     .help = "new connections a second, worker and address that lead to no request that is let in, ten times that at "
             "once; more are closed at once"},
    {.name = "refusals_per_address",
     .kind = CONF_NUMBER,
     .offset = AT(refusals_per_address),
     .min = 1,
     .max = 1000000,
     .fallback = "250",
     .help = "requests refused a second, worker and address, ten times that at once; more are told 429 and their "
             "connection ends"},
    {.name = "connections_per_device",
     .kind = CONF_NUMBER,
     .offset = AT(connections_per_device),
     .max = 1000000,
     .fallback = "0",
     .help = "how many connections of a worker one device may hold; over it its oldest idle one goes, else it is told "
             "429; 0: an eighth of max_connections"},
    {.name = "requests_per_device",
     .kind = CONF_NUMBER,
     .offset = AT(requests_per_device),
     .min = 1,
     .max = 1000000,
     .fallback = "4096",
     .help = "how many requests and WebSockets of one device a worker has under way inside, an eighth of a tunnel's "
             "streams by default; more are told 429"},
    {.name = "allow_targets",
     .kind = CONF_TEXTS,
     .offset = AT(allow_targets),
     .choices = "loopback|link-local",
     .help = "kinds of addresses from which lists that certificates point to are fetched although they are refused by "
             "default"},
    CONF_SANDBOX_KEY(AT(sandbox)),
    {.name = "log", .kind = CONF_BLOCK, .offset = AT(log), .block = &conf_log_schema, .help = "the log"},
    {0},
};
static const struct conf_schema schema = {"gateway.yaml", sizeof(struct gateway_config), keys};

static void check_addresses(const struct gateway_config *c, struct conf_faults *faults)
{
    struct net_address address;
    struct error err;
    if (c->listen.count == 0 && faults->count == 0)
        conf_fault_add(faults, 0, "listen: name at least one address, such as \":443\"");
    for (size_t i = 0; i < c->listen.count; i++) {
        if (net_address_parse(slice_of(c->listen.items[i]), &address, &err) != OK)
            conf_fault_of(faults, &c->listen.items[i], "listen: %s", err.text);
    }
    if (c->admin_listen && net_address_parse(slice_of(c->admin_listen), &address, &err) != OK)
        conf_fault_of(faults, &c->admin_listen, "admin_listen: %s", err.text);
}

/* Whom everybody is believed in, everybody could be anybody. */
static void check_balancers(const struct gateway_config *c, struct conf_faults *faults)
{
    struct error err;
    for (size_t i = 0; i < c->balancers.from.count; i++) {
        char *const *item = &c->balancers.from.items[i];
        if (net_network_check(slice_of(*item), &err) != OK)
            conf_fault_of(faults, item, "proxy_protocol: from: %s", err.text);
        else if (slice_ends(slice_of(*item), SLICE("/0")))
            conf_fault_of(faults, item, "proxy_protocol: from: %s is everybody: name the balancers alone", *item);
    }
}

static void check_numbers(const struct gateway_config *c, struct conf_faults *faults)
{
    enum { FEWEST = 16 };
    if (c->max_connections && c->max_connections < FEWEST)
        conf_fault_of(faults, &c->max_connections, "max_connections: at least %d, or 0", FEWEST);
}

static void check_certificates(const struct gateway_config *c, struct conf_faults *faults)
{
    const struct choices_line *rule = choices_forbids_gateway(c->server_certificates.count);
    if (rule && faults->count == 0)
        conf_fault_add(faults, 0, "server_certificates: rule %s: %s", rule->id, rule->text);
}

/* With one that has ended connectors let no gateway in. */
static void check_role(struct gateway_config *c, struct conf_faults *faults)
{
    struct error err;
    X509 *role = NULL;
    char when[CLOCK_TEXT_SIZE];
    if (!c->bootstrap_file)
        return; /* told already */
    if (bootstrap_read(c->bootstrap_file, "gateway", &c->bootstrap, &err) != OK ||
        pki_cert_read(slice_of(c->bootstrap.certificate_pem), &role, &err) != OK) {
        conf_fault_of(faults, &c->bootstrap_file, "bootstrap: %s", err.text);
        return;
    }
    if (pki_cert_not_after(role) <= clock_wall_s()) {
        clock_rfc3339(pki_cert_not_after(role), when);
        conf_fault_of(
            faults, &c->bootstrap_file,
            "bootstrap: the role certificate in %s expired on %s; make another file: cmg gateway add %s --renew "
            "--out FILE",
            c->bootstrap_file, when, c->bootstrap.id);
    }
    X509_free(role);
}

void gateway_config_check(const struct gateway_config *c, struct conf_faults *faults)
{
    struct error err;
    if (c->state && file_can_make_dir(c->state, &err) != OK)
        conf_fault_of(faults, &c->state, "state: %s", err.text);
}

enum result gateway_config_load(const char *path, struct gateway_config *ret, struct conf_faults *faults)
{
    if (conf_load(path, &schema, ret, faults) != OK && faults->unread)
        return R_INVALID;
    check_addresses(ret, faults);
    check_balancers(ret, faults);
    check_numbers(ret, faults);
    check_certificates(ret, faults);
    check_role(ret, faults);
    return faults->count ? R_INVALID : OK;
}

void gateway_config_free(struct gateway_config *c)
{
    bootstrap_free(&c->bootstrap);
    conf_free(&schema, c);
}

void gateway_config_needs(const struct gateway_config *c, struct sandbox *s)
{
    conf_sandbox_paths(&schema, c, s);
}

void gateway_config_reference(FILE *out)
{
    conf_reference(&schema, out);
}
