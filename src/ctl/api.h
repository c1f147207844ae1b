/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API of cmg-mp (docs/protocol/wire.md section 8): HTTP/1.1 over a Unix socket by libcurl. Blocks. */
#ifndef CTL_API_H
#define CTL_API_H

#include "ctl/ctl.h"

enum { API_BODY_MAX = 64 * 1024 * 1024, API_TIMEOUT_S = 30 };

/* The socket that the command line, the environment or the default names, in this order. */
const char *api_socket(const struct ctl_common *common);

/* Sends `body` (NULL: none; borrowed) and parses the answer; *ret (may be NULL) is NULL for an answer without a body;
 * the caller json_decref()s it. *fault is filled exactly when it fails. `path` starts with "/v1/". */
MUST_USE enum result api_call(const char *socket, const char *method, const char *path, const json_t *body,
                              json_t **ret, struct ctl_fault *fault);

/* PUT of the open file `fd`, `size` bytes of it, as they are, at the speed of the other side; on_progress (NULL
 * allowed) hears how many bytes have left. Ends early when nothing moves for as long as another request may take. */
struct api_upload {
    int fd;
    uint64_t size;
    void (*on_progress)(void *arg, uint64_t sent);
    void *arg;
};
MUST_USE enum result api_put_file(const char *socket, const char *path, const struct api_upload *file,
                                  struct ctl_fault *fault);

/* GET of a plain http:// URL on loopback; *ret_status 0 and R_IO when there is no answer. For readiness. */
MUST_USE enum result api_probe(const char *url, long *ret_status, struct error *err);

/* `segment` with everything but unreserved characters percent-encoded, malloc'ed. */
char *api_escape(const char *segment);

#endif
