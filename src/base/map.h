/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files as read-only memory whose pages the kernel may take back at any time. Only for files that are replaced by
 * file_write and never changed in place: one that shrinks under a mapping ends the process. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/error.h"
#include "base/slice.h"

/* R_NOTFOUND, R_LIMIT (larger than max), R_INVALID (empty), R_IO. The bytes stay, also when the file is replaced or
 * removed, until map_close. */
MUST_USE enum result map_open(const char *path, size_t max, struct slice *ret, struct error *err);
void map_close(struct slice map); /* .ptr NULL allowed */

/* Gives the memory back; what is read later comes from the file again. */
void map_release_pages(struct slice map);

#endif
