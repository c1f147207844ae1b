/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) from outside, strictly: over jansson, with maxima, without duplicate names; and readers of members
 * that say what is missing or of the wrong kind. */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <jansson.h>

#include "base/error.h"
#include "base/slice.h"

enum { JSON_DEPTH_MAX = 32 };

/* Parses a whole document: no duplicate names, no NUL in strings, depth ≤ JSON_DEPTH_MAX, at most max bytes. The caller
 * json_decref()s it. R_LIMIT, R_INVALID with line and column. */
MUST_USE enum result json_parse(struct slice text, size_t max, json_t **ret, struct error *err);

/* Members of an object, borrowed from it. Required: R_INVALID "member 'x' is missing" / "must be a string". */
MUST_USE enum result json_need_str(const json_t *o, const char *name, const char **ret, struct error *err);
MUST_USE enum result json_need_int(const json_t *o, const char *name, int64_t *ret, struct error *err);
MUST_USE enum result json_need_array(const json_t *o, const char *name, json_t **ret, struct error *err);
MUST_USE enum result json_need_object(const json_t *o, const char *name, json_t **ret, struct error *err);
/* Optional: the fallback when absent; wrong kinds count as absent. */
const char *json_opt_str(const json_t *o, const char *name, const char *fallback);
int64_t json_opt_int(const json_t *o, const char *name, int64_t fallback);
bool json_opt_bool(const json_t *o, const char *name, bool fallback);

/* From here on, is what jansson gives back wiped first? For the whole process: where documents hold keys or tokens.
 * Texts that json_text made are their callers' to wipe. Every program says so when it starts; from then on jansson has
 * memory, or the process ends: what json_pack and its like return is NULL for a text that is not UTF-8 alone. */
void json_wipe_freed(bool on);

/* Compact text, malloc'ed; the caller frees it. */
char *json_text(const json_t *value);

/* Is `text` an element of this array of strings? */
bool json_array_has(const json_t *array, struct slice text);

#endif
