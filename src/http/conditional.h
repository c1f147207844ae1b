/* SPDX-License-Identifier: Apache-2.0 */
/* What a request makes its answer depend on: entity tags (RFC 9110 13.1) and a range of bytes (14.2). Pure. */
#ifndef HTTP_CONDITIONAL_H
#define HTTP_CONDITIONAL_H

#include "http/message.h"

/* If-None-Match: is `etag` ("\"5\"") in the list, or is that "*"? Compared weakly (13.1.2). .ptr NULL: no. */
bool http_etag_listed(struct slice list, struct slice etag);

enum http_range { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_BEYOND };

/* Of something of `size` bytes, what a GET with these fields wants. A Range that is none, of another unit, of several
 * ranges (which 14.2 lets a server ignore: they are how much is asked of it with little), or whose If-Range is not
 * `etag`, means the whole. HTTP_RANGE_PART: *ret_length bytes, at least one, from *ret_first on; HTTP_RANGE_BEYOND: 416
 * is the answer. */
enum http_range http_range_wanted(const struct http_fields *fields, struct slice etag, uint64_t size,
                                  uint64_t *ret_first, uint64_t *ret_length);

#endif
