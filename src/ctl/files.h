/* SPDX-License-Identifier: Apache-2.0 */
/* A path on the command line that names a file or a folder of files. */
#ifndef CTL_FILES_H
#define CTL_FILES_H

#include "base/error.h"

typedef enum result ctl_file_fn(void *arg, const char *path, struct error *err);

/* Calls back with the path itself, or with each regular file in the folder that it is, in the order of their names,
 * until one is not OK. R_IO: the folder can't be listed. */
MUST_USE enum result ctl_files_each(const char *path, ctl_file_fn *fn, void *arg, struct error *err);

#endif
