/* SPDX-License-Identifier: Apache-2.0 */
/* The names of kept files. */
#include <stdio.h>

#include "base/host/file.h"
#include "source/source.h"

char *source_path(const char *folder, const struct bundle_source *s)
{
    char name[SOURCE_ID_MAX + 16];
    (void)snprintf(name, sizeof name, "%s.%s", s->id, bundle_source_kind_name(s->kind));
    return file_join(folder, name);
}
