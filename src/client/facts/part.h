/* SPDX-License-Identifier: Apache-2.0 */
/* The collectors. Each returns an object of its own; what can't be read is not in it. */
#ifndef CLIENT_FACTS_PART_H
#define CLIENT_FACTS_PART_H

#include "client/state/settings.h"

struct client_facts_of {
    const char *dir; /* the state folder */
    const struct client_settings *settings;
};
typedef json_t *client_facts_fn(const struct client_facts_of *of);

client_facts_fn client_facts_system, client_facts_os, client_facts_tpm; /* machine.c */
client_facts_fn client_facts_network;                                   /* network.c */
client_facts_fn client_facts_disk;                                      /* disk.c */
client_facts_fn client_facts_package;                                   /* package.c */
client_facts_fn client_facts_certificate;                               /* certificate.c */
client_facts_fn client_facts_script;                                    /* script.c */

/* Into `o` (collect.c): text as far as it may be shown, cut to a fact's maximum; nothing where it is empty. */
void client_facts_put_text(json_t *o, const char *name, struct slice text);
void client_facts_put(json_t *o, const char *name, json_t *value); /* taken over */

#endif
