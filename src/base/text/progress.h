/* SPDX-License-Identifier: Apache-2.0 */
/* One line on how far something of many bytes has come: "setup.iso  42 %  84.0 of 200.0 MiB  12.1 MiB/s  10 s left". */
#ifndef BASE_TEXT_PROGRESS_H
#define BASE_TEXT_PROGRESS_H

#include "base/slice.h"

struct progress {
    uint64_t done, size; /* bytes */
    uint64_t began;      /* of `done`, those that were there before it began */
    uint64_t elapsed_ms; /* since it began */
};
enum { PROGRESS_SIZE = 128 };
/* Rate and time left are those of what was done since it began; they are missing before anything was. */
void progress_text(const struct progress *p, char ret[PROGRESS_SIZE]);

#endif
