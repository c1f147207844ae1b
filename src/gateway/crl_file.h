/* SPDX-License-Identifier: Apache-2.0 */
/* Long CRLs that came in the bundle, as files of the state folder: so they are mapped instead of held (base/map.h). */
#ifndef GATEWAY_CRL_FILE_H
#define GATEWAY_CRL_FILE_H

#include "bundle/bundle.h"
#include "pki/cert.h"

enum { CRL_FILE_MIN = 64 * 1024 }; /* shorter ones are held */

/* The file of this CRL's bytes, malloc'ed; named by their hash and written unless it is there. */
MUST_USE enum result crl_file_put(const char *state, struct slice der, char **ret_path, struct error *err);

/* Removes those that none of `paths` is. */
void crl_file_clean(const char *state, char *const *paths, size_t count);

#endif
