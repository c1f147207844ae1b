/* SPDX-License-Identifier: Apache-2.0 */
/* connector.yaml: the bootstrap file, and what only this side may decide (its own PKI certificate, which targets it
 * allows). */
#ifndef CONNECTOR_CONFIG_H
#define CONNECTOR_CONFIG_H

#include "bundle/role/bootstrap.h"
#include "conf/conf.h"
#include "conf/log_keys.h"
#include "connector/directory/settings.h"
#include "connector/proxy.h"
#include "tls/identity_file.h"

struct connector_config {
    char *bootstrap_file, *state;
    struct tls_identity_files client_certificate;
    struct connector_proxy proxy; /* on the way to gateways */
    struct directory_settings directory;
    char *metrics_listen;            /* NULL or "": nowhere */
    char *source_folder;             /* of files that gateways may be given as sources; NULL or "": none */
    struct conf_texts allow_targets; /* "loopback", "link-local" */
    uint64_t role_renewal_s;         /* 0: at half-life */
    bool sandbox;
    struct conf_log log;

    struct bootstrap bootstrap;
    struct tls_identity_text identity; /* of client_certificate; without text: there is none */
};

MUST_USE enum result connector_config_load(const char *path, struct connector_config *ret, struct conf_faults *faults);
/* What of it is read or written once the process is locked in. */
void connector_config_needs(const struct connector_config *c, struct sandbox *s);
void connector_config_reference(FILE *out);

#endif
