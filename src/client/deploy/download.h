/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the content is fetched in ranges, which grow with the speed of the way: what has come is on the disk, and
 * a run that was killed goes on behind it. A file is in its place whole and right, or not at all. */
#ifndef CLIENT_DEPLOY_DOWNLOAD_H
#define CLIENT_DEPLOY_DOWNLOAD_H

#include "client/deploy/plan.h"
#include "client/session/session.h"

struct download {
    const struct deploy_file *file;
    const char *part;                               /* where it grows */
    const char *path;                               /* its place; the folders above it are there */
    void (*on_progress)(void *arg, uint64_t bytes); /* so many more of it are there */
    void *arg;
};

/* OK: it is there. R_INVALID: what was sent is not what the policy says, and was thrown away; R_LIMIT, R_IO: the
 * disk; R_DENIED: it was refused, and will be; R_AGAIN: there was no way, or it was too bad: what has come stays. */
MUST_USE enum result client_download(struct client_session *s, const struct download *d, struct error *err);

/* Is the file there, as the policy says? */
bool client_download_is_there(const struct deploy_file *file, const char *path);

#endif
