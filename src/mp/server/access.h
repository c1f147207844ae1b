/* SPDX-License-Identifier: Apache-2.0 */
/* The access log: a line for each request that reached a management point. What has no line here did not get here, but
 * for floods of one stranger: what is over so many lines a second is told by number in the program's own log. */
#ifndef MP_SERVER_ACCESS_H
#define MP_SERVER_ACCESS_H

#include "base/error.h"

struct mp_connection;
struct mp_request;

/* Appends to `path` (0640); the caller closes *ret_fd. */
MUST_USE enum result mp_access_open(const char *path, int *ret_fd, struct error *err);
/* status 0: the asker went away before an answer. Nothing for admin requests. */
void mp_access_log(const struct mp_request *r, int status);
/* What was too broken to become a request. */
void mp_access_log_bad(const struct mp_connection *c, int status, const char *what);

#endif
