/* SPDX-License-Identifier: Apache-2.0 */
/* cmg-gateway certificate: a server certificate of a public CA (ACME), and its renewal, which a timer runs. */
#ifndef GATEWAY_OBTAIN_CERTIFICATE_H
#define GATEWAY_OBTAIN_CERTIFICATE_H

#include "conf/daemon.h"
#include "join/report.h"

int gateway_certificate(const struct conf_daemon *d, int argc, char **argv);

/* The options of --acme, for commands that end with it. Borrowed. */
struct obtain_order {
    const char *directory, *email;
    const char *const *hosts; /* the first one names the files */
    size_t host_count;        /* 0: not known yet */
    bool agree_terms;
};
/* Is it whole, and are the hosts such as a CA takes? R_INVALID: no. */
MUST_USE enum result obtain_order_check(const struct obtain_order *o, struct error *err);
/* What `cmg-gateway certificate --acme` does, told in this report. From here on the process is the owner of the state
 * folder. `start`: the services too, if it is the machine's own configuration. */
MUST_USE enum result obtain_first(const struct conf_daemon *d, const char *config, const struct obtain_order *order,
                                  bool start, struct join_report *report, struct error *err);

#endif
