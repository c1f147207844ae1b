/* SPDX-License-Identifier: Apache-2.0 */
/* Judging a relative path by its segments; nothing is looked up. */
#include "base/text/relative.h"

#include "base/utf8.h"

bool relative_path_valid(struct slice path)
{
    size_t depth = 0;
    if (!path.len || path.len > RELATIVE_PATH_MAX || !utf8_all_shown(path) || slice_find(path, '\\') != SIZE_MAX ||
        slice_find(path, '\0') != SIZE_MAX)
        return false;
    for (struct slice rest = path; rest.ptr;) {
        struct slice segment = slice_cut(&rest, '/');
        if (!segment.len || slice_eq(segment, SLICE(".")) || slice_eq(segment, SLICE("..")) ||
            ++depth > RELATIVE_DEPTH_MAX)
            return false;
    }
    return true;
}
