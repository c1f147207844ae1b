/* SPDX-License-Identifier: Apache-2.0 */
/* Long CRLs of the bundle, as files of the state folder: so they are mapped instead of held (base/host/mapping.h). */
#ifndef GATEWAY_SNAPSHOT_CRL_FILE_H
#define GATEWAY_SNAPSHOT_CRL_FILE_H

#include "bundle/bundle.h"
#include "pki/cert/cert.h"

enum { CRL_FILE_MIN = 64 * 1024 }; /* shorter ones are held */

/* The file of this CRL's bytes, malloc'ed; named by their hash and written unless it is there. */
MUST_USE enum result crl_file_put(const char *state, struct slice der, char **ret_path, struct error *err);

/* The file of the CRL with this hash (lower-case hex), malloc'ed; NULL: not there, or of another size; checked: or of
 * another hash, and then it is removed. */
char *crl_file_find(const char *state, const char *sha256, int64_t size, bool checked);

/* A file that grows piece by piece, for the CRL of this hash. */
struct crl_file;
MUST_USE enum result crl_file_begin(const char *state, const char *sha256, struct crl_file **ret, struct error *err);
MUST_USE enum result crl_file_add(struct crl_file *f, struct slice part, struct error *err);
/* Syncs it and gives it its name, if its bytes have that hash; else it is gone. R_DENIED: other bytes. Slow: not in a
 * worker's loop. Frees f. */
MUST_USE enum result crl_file_end(struct crl_file *f, struct error *err);
void crl_file_abandon(struct crl_file *f); /* NULL allowed */

/* Removes those that none of `paths` is. */
void crl_file_clean(const char *state, char *const *paths, size_t count);

#endif
