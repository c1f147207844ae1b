/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the file system, and changes nothing. */
#include "bundle/role/space.h"

#include "base/host/file.h"

void bundle_put_space(json_t *o, const char *folder)
{
    struct file_space space;
    if (!file_space(folder, &space))
        return;
    (void)json_object_set_new(o, "disk_free", json_integer((json_int_t)space.free));
    (void)json_object_set_new(o, "disk_size", json_integer((json_int_t)space.size));
}
