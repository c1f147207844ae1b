/* SPDX-License-Identifier: Apache-2.0 */
/* What changes in mp.yaml where a site is restored to another kind of database. */
#ifndef CTL_BACKUP_RELOCATE_H
#define CTL_BACKUP_RELOCATE_H

#include "ctl/backup/place.h"

/* `store`: a URL, "sqlite", or NULL: nothing changes. *ret: the new text, malloc'ed. R_INVALID: its line `store:` can't
 * be told from the others. */
MUST_USE enum result relocate_store(struct slice config, const char *store, char **ret, struct error *err);
/* Does what was loaded from it keep its store there? */
MUST_USE enum result relocate_check(const struct backup_place *p, const char *store, struct error *err);
/* Absolute, without a slash at its end; malloc'ed. */
char *relocate_dir(const char *dir);

#endif
