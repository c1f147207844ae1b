/* SPDX-License-Identifier: Apache-2.0 */
/* cmg site backup, verify and restore: their ways through an archive. */
#ifndef CTL_BACKUP_BACKUP_H
#define CTL_BACKUP_BACKUP_H

#include "archive/archive.h"
#include "ctl/backup/about.h"

/* Everything of the site whose mp.yaml is `config`, into the new archive `a`. *ret: about.json with "rows" {table:
 * count} added; the caller json_decref()s it. */
MUST_USE enum result backup_write(const char *config, struct archive *a, json_t **ret, struct error *err);

/* Opens the archive and looks at every part; writes nothing. *ret as above. */
MUST_USE enum result backup_verify(const char *path, const struct archive_key *key, json_t **ret, struct error *err);

struct backup_target {
    const char *dir;   /* for mp.yaml; NULL: where it was */
    const char *store; /* a URL of PostgreSQL; "sqlite"; NULL: as it was */
    bool outside;      /* write files of other folders, too: who made the backup is believed */
};
/* `about` is what backup_verify() gave of the same file. Nothing of it stays unless OK is returned. R_CONFLICT: there
 * is a site already; R_DENIED: a file is of another folder. */
MUST_USE enum result backup_restore(const char *path, const struct archive_key *key, const json_t *about,
                                    const struct backup_target *to, struct error *err);

#endif
