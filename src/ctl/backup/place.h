/* SPDX-License-Identifier: Apache-2.0 */
/* Where a site lives on its host: what mp.yaml names. Not all of that file is looked at, cmg-mp does that. */
#ifndef CTL_BACKUP_PLACE_H
#define CTL_BACKUP_PLACE_H

#include "conf/conf.h"

#define BACKUP_CONFIG_DEFAULT "/etc/opencmg/mp.yaml"

struct backup_place {
    char *site, *keys, *state, *store; /* store NULL: site.db in `state` */
    struct conf_blocks points;
    char *dir; /* of mp.yaml: conf_folder() */
};

/* R_NOTFOUND: there is no such file; R_INVALID: its first fault. *ret is to be freed in any case. */
MUST_USE enum result backup_place_load(const char *config, struct backup_place *ret, struct error *err);
void backup_place_free(struct backup_place *p);

/* What store_copy_open() takes, malloc'ed. */
char *backup_place_store(const struct backup_place *p);

/* Each file that the configuration names: certificates, keys, passwords, also those of the store. */
typedef enum result backup_path_fn(void *ctx, const char *path, struct error *err);
MUST_USE enum result backup_place_named(const struct backup_place *p, backup_path_fn *fn, void *ctx, struct error *err);

#endif
