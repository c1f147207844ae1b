/* SPDX-License-Identifier: Apache-2.0 */
/* mp.yaml: what cmg-mp reads at its start (docs/protocol/wire.md holds the formats of what it names). */
#ifndef MP_CONFIG_H
#define MP_CONFIG_H

#include "choices/choices.h"
#include "conf/conf.h"
#include "conf/log_keys.h"
#include "tls/identity_file.h"

struct mp_config_point {
    char *id, *mode, *listen, *url;
    struct tls_identity_files identity; /* https */
    struct conf_texts anchors, client_auth;
    /* from the above, once loaded without a fault */
    enum choice_mp choice;
    unsigned clients; /* CHOICE_BIT()s */
};

/* What somebody may do at the admin API; each includes those before it. */
enum mp_role { MP_NO_ROLE, MP_READER, MP_OPERATOR, MP_ADMINISTRATOR, MP_ROLES };

struct mp_config {
    char *site, *keys, *state, *admin_socket, *access_log, *metrics_listen;
    char *groups[MP_ROLES]; /* names or numbers, by role; [MP_NO_ROLE] is unused */
    char *store;            /* NULL: site.db in `state` */
    struct conf_texts hsm_files;
    struct conf_blocks points; /* struct mp_config_point */
    uint64_t max_connections;  /* a management point's; 0: by the descriptors */
    bool sandbox;
    struct conf_log log;
};

/* All faults at once, those against the choices too. *ret is to be freed in any case. */
MUST_USE enum result mp_config_load(const char *path, struct mp_config *ret, struct conf_faults *faults);
/* What --check-config looks at besides: can its folders be written? */
void mp_config_check(const struct mp_config *c, struct conf_faults *faults);
/* Connections that a management point may hold: what is configured, as far as so many descriptors go. */
size_t mp_config_connections(const struct mp_config *c, uint64_t descriptors);
/* Does what is configured fit? R_LIMIT: no; why, and what to do. */
MUST_USE enum result mp_config_fits(const struct mp_config *c, uint64_t descriptors, struct error *err);
void mp_config_free(struct mp_config *c);
/* What of it is read or written once the process is locked in. */
void mp_config_needs(const struct mp_config *c, struct sandbox *s);
void mp_config_reference(FILE *out);

static inline struct mp_config_point *mp_config_points(const struct mp_config *c)
{
    return c->points.items;
}

/* Bits → "pki entra token", in the order of preference; `ret` has room for it. */
#define MP_CLIENTS_TEXT 32
void mp_clients_text(unsigned clients, char ret[MP_CLIENTS_TEXT]);

#endif
