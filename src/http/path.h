/* SPDX-License-Identifier: Apache-2.0 */
/* Is a path written in a way that two servers could read differently (PROTOCOL 6, "Paths")? A gateway asks for what
 * devices send, a connector for what gateways send. */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include "base/attr.h"
#include "base/error.h"
#include "base/slice.h"

struct http_path {
    bool dots;    /* single-dot segments are in it */
    bool slashes; /* an encoded slash or an empty segment */
};

/* Without the query. R_INVALID: no path, a double-dot segment (plain or encoded, once or more often), a backslash, an
 * encoded NUL or control, a broken escape, a fragment, an overlong character, ":$" (a stream of NTFS). */
MUST_USE enum result http_path_read(struct slice path, struct http_path *ret, struct error *err);

/* "." and nothing else (RFC 3986 6.2.2.3), an escape allowed: "%2e" is the same path (6.2.2.2). */
MUST_USE bool http_path_is_dot(struct slice segment);

#endif
