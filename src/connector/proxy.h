/* SPDX-License-Identifier: Apache-2.0 */
/* The proxy on the way to gateways: the one of connector.yaml, else that of the environment. Servers inside are dialled
 * straight. */
#ifndef CONNECTOR_PROXY_H
#define CONNECTOR_PROXY_H

#include "conf/conf.h"
#include "http/h1/connect.h"
#include "net/proxy.h"

struct connector_proxy {
    char *url; /* NULL: the environment's, "none": straight whatever the environment says */
    char *user, *password_file, *command;
    struct conf_texts no_proxy;

    struct net_proxy at; /* host "": none */
    char *exempt;        /* as net_no_proxy_has() reads it */
    bool of_environment;
};

extern const struct conf_schema connector_proxy_schema; /* of the first members */

/* After loading: fills in the other members, tells what can't be. */
void connector_proxy_resolve(struct connector_proxy *p, struct conf_faults *faults);

/* The program that logs in is run by a process apart from now on. Before there are threads. */
MUST_USE enum result connector_proxy_apart(const struct connector_proxy *p, struct error *err);

/* The way to this host; host "" in *ret: straight. `p` outlives the loop. */
void connector_proxy_to(const struct connector_proxy *p, const char *host, struct http_proxy *ret);

#endif
