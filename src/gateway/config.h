/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.yaml: the listen address, the server certificate and the site's bootstrap file. All else comes in the bundle.
 */
#ifndef GATEWAY_CONFIG_H
#define GATEWAY_CONFIG_H

#include "bundle/role/bootstrap.h"
#include "conf/conf.h"
#include "conf/log_keys.h"
#include "tls/identity_file.h"

struct gateway_balancers {
    struct conf_texts from;
};

struct gateway_config {
    struct conf_texts listen;
    struct gateway_balancers balancers;     /* that tell whose connection they pass on */
    struct conf_blocks server_certificates; /* struct tls_identity_files */
    char *bootstrap_file, *state;
    uint64_t workers; /* 0: one a processor */
    char *admin_listen;
    uint64_t drain_s;
    uint64_t max_connections;        /* a worker's; 0: by the descriptors */
    uint64_t strangers_per_address;  /* a worker's; 0: by max_connections. So are the next ones */
    uint64_t handshakes_per_address; /* a second */
    uint64_t refusals_per_address;   /* a second */
    uint64_t connections_per_device; /* 0: by max_connections */
    uint64_t requests_per_device;    /* under way at a worker */
    struct conf_texts allow_targets; /* "loopback", "link-local" */
    bool sandbox;
    struct conf_log log;

    struct bootstrap bootstrap; /* read from bootstrap_file */
};

/* Everything that can be checked without opening a socket; all faults at once. gateway_config_free also after a
 * failure. */
MUST_USE enum result gateway_config_load(const char *path, struct gateway_config *ret, struct conf_faults *faults);
/* What --check-config looks at besides: can its folder be written? */
void gateway_config_check(const struct gateway_config *c, struct conf_faults *faults);
void gateway_config_free(struct gateway_config *c);
/* What of it is read or written once the process is locked in. */
void gateway_config_needs(const struct gateway_config *c, struct sandbox *s);
void gateway_config_reference(FILE *out);

static inline struct tls_identity_files *gateway_certificate_files(const struct gateway_config *c, size_t i)
{
    return (struct tls_identity_files *)c->server_certificates.items + i;
}

#endif
