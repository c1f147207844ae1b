/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of whole pages: of its own, and of files as read-only memory whose pages the kernel may take back at any time.
 * Only for files that are replaced by file_write and never changed in place: one that shrinks under a mapping ends the
 * process. */
#ifndef BASE_HOST_MAPPING_H
#define BASE_HOST_MAPPING_H

#include "base/error.h"
#include "base/slice.h"

/* R_NOTFOUND, R_LIMIT (larger than max), R_INVALID (empty), R_IO. The bytes stay, also when the file is replaced or
 * removed, until map_close. */
MUST_USE enum result map_open(const char *path, size_t max, struct slice *ret, struct error *err);
void map_close(struct slice map); /* .ptr NULL allowed */

/* Zeroed memory of its own pages, which the kernel has back the moment it is freed: for what is large and long-lived.
 */
void *map_memory(size_t size);
void map_memory_free(void *at, size_t size); /* NULL allowed */

/* Gives the memory back; what is read later comes from the file again. */
void map_release_pages(struct slice map);

#endif
