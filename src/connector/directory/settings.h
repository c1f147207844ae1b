/* SPDX-License-Identifier: Apache-2.0 */
/* connector.yaml, `directory`: the organisation's own directory, and how it is told who asks. What stands here is for
 * URLs without a host alone: nobody who names a server in a URL is shown a password. */
#ifndef CONNECTOR_DIRECTORY_SETTINGS_H
#define CONNECTOR_DIRECTORY_SETTINGS_H

#include "conf/conf.h"

enum { DIRECTORY_SERVERS_MAX = 8 };

struct directory_settings {
    struct conf_texts servers;     /* ldap[s]://HOST[:PORT], asked in this order; none: there is no directory */
    char *ca_file;                 /* NULL: the source's own CA, or the system's */
    bool start_tls;                /* for those of ldap:// */
    char *bind;                    /* none, simple, external, gssapi */
    char *bind_dn, *password_file; /* of simple */
    char *keytab;                  /* of gssapi */
};

extern const struct conf_schema directory_schema;

bool directory_binds(const struct directory_settings *s, const char *how);

/* Tells Kerberos of its keytab, by the environment: before the process has other threads. */
void directory_settings_use(const struct directory_settings *s);

/* Faults of what conf_load() read, at their lines. */
void directory_settings_check(const struct directory_settings *s, bool has_certificate, struct conf_faults *faults);

#endif
