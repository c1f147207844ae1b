/* SPDX-License-Identifier: Apache-2.0 */
/* The path of a file below a folder that is somebody else's to name, and may lead nowhere else. */
#ifndef BASE_TEXT_RELATIVE_H
#define BASE_TEXT_RELATIVE_H

#include "base/slice.h"

enum { RELATIVE_PATH_MAX = 255, RELATIVE_DEPTH_MAX = 16 };

/* "setup/a.msi": at most so many bytes and segments, none of them empty, "." or "..", in UTF-8 of visible characters,
 * without "\". */
bool relative_path_valid(struct slice path);

#endif
