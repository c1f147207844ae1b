/* SPDX-License-Identifier: Apache-2.0 */
/* The list of an archive's parts: {"parts": [{"name", "size", "sha256"}]}, in their order. */
#ifndef ARCHIVE_MANIFEST_H
#define ARCHIVE_MANIFEST_H

#include "base/error.h"
#include "base/slice.h"

#define MANIFEST_NAME "manifest.json"

struct manifest;
struct manifest *manifest_new(void);
void manifest_free(struct manifest *m); /* NULL allowed */
void manifest_add(struct manifest *m, const char *name, struct slice data);
size_t manifest_count(const struct manifest *m);
/* As text, malloc'ed. */
char *manifest_text(const struct manifest *m);
/* Does `text` list what was added here, nothing more and nothing less? R_INVALID: no, and what. */
MUST_USE enum result manifest_compare(const struct manifest *m, struct slice text, struct error *err);

#endif
