/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of a sandbox, and the places of every process. */
#ifndef SANDBOX_INTERNAL_H
#define SANDBOX_INTERNAL_H

#include "sandbox/sandbox.h"

/* Who instruments a program (sanitizers, coverage) writes files and makes calls of its own anywhere. */
#ifndef SANDBOX_INSTRUMENTED
#define SANDBOX_INSTRUMENTED 0
#endif

/* The set of files; its version is 0 where the kernel has no landlock. */
struct sandbox_files {
    int version, set; /* set -1: none */
};
struct sandbox_files sandbox_files_open(void);
void sandbox_files_allow(const struct sandbox_files *f, const char *path, bool write);
/* Closes the set. */
MUST_USE enum result sandbox_files_enter(struct sandbox_files *f, struct error *err);

MUST_USE enum result sandbox_calls_enter(struct error *err);

/* Names each place to `fn`. */
void sandbox_places(void (*fn)(void *ctx, enum sandbox_use use, const char *path), void *ctx);

#endif
