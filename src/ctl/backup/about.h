/* SPDX-License-Identifier: Apache-2.0 */
/* about.json, the first part of a backup: of which site it is, when and where it was made, and which files it holds. */
#ifndef CTL_BACKUP_ABOUT_H
#define CTL_BACKUP_ABOUT_H

#include "ctl/backup/place.h"
#include "json/json.h"

#define BACKUP_ABOUT "about.json"
#define BACKUP_STORE "store/" /* parts of rows (rows.h) */
#define BACKUP_COUNTS "store.json"

enum {
    BACKUP_FORMAT = 1,
    BACKUP_FILES_MAX = 1024,
    BACKUP_FILE_MAX = 16 * 1024 * 1024,
    BACKUP_ABOUT_MAX = 4 * 1024 * 1024
};

/* Whose a file is on its host: the user of cmg-mp's; root's, and readable by that user's group; root's alone. */
enum backup_of { BACKUP_ROOTS, BACKUP_GROUPS, BACKUP_SERVICES };

struct backup_file {
    const char *part; /* borrowed from the document */
    const char *path; /* relative to the folder of mp.yaml, or absolute */
    unsigned mode;
    enum backup_of of;
};

/* {format, site, pin, made, version, schema, host, dir, store, root_key, files: [{part, path, mode, of}]}. What belongs
 * to a site: its configuration first, its keys, the offline folder where there is one, and what mp.yaml names. The
 * caller json_decref()s it. */
MUST_USE enum result backup_about_make(const char *config, const struct backup_place *p, int64_t schema, json_t **ret,
                                       struct error *err);
/* R_CONFLICT: a newer program made it. R_INVALID: malformed. The caller json_decref()s it. */
MUST_USE enum result backup_about_read(struct slice text, json_t **ret, struct error *err);

size_t backup_about_count(const json_t *about);
struct backup_file backup_about_file(const json_t *about, size_t i);
/* The one that is in this part; false: none. */
bool backup_about_find(const json_t *about, const char *part, struct backup_file *ret);

#endif
