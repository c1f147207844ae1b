/* SPDX-License-Identifier: Apache-2.0 */
/* What a backup is encrypted with, and opened by, as the command line says it. No passphrase is an argument: who lists
 * the processes of a machine sees those. */
#ifndef CTL_BACKUP_ACCESS_H
#define CTL_BACKUP_ACCESS_H

#include "archive/archive.h"
#include "ctl/ctl.h"

enum { BACKUP_PASSPHRASE_MIN = 12, BACKUP_PASSPHRASE_SIZE = 1024 };

struct backup_access {
    char passphrase[BACKUP_PASSPHRASE_SIZE];
    X509 *certificates[ARCHIVE_CERTIFICATES_MAX];
    size_t count;
    EVP_PKEY *key;
};

/* From the certificates' files, or the first line of `passphrase_file` ("-": standard input; NULL: asked for at the
 * terminal, twice). Prints the fault itself; returns its exit code then. *ret is to be freed in any case. */
MUST_USE int backup_access_new(const struct ctl_common *common, const struct opt_list *certificates,
                               const char *passphrase_file, struct backup_access *ret);
/* Of the backup `path`: by its private key, or by its passphrase, asked for once. */
MUST_USE int backup_access_open(const struct ctl_common *common, const char *path, const char *key_file,
                                const char *passphrase_file, struct backup_access *ret);
void backup_access_free(struct backup_access *a);

struct archive_lock backup_access_lock(const struct backup_access *a); /* borrows */
struct archive_key backup_access_key(const struct backup_access *a);   /* borrows */

#endif
