/* SPDX-License-Identifier: Apache-2.0 */
/* Listings that come in pages (docs/protocol/wire.md 8): walked to their end, a page in memory at a time. */
#ifndef CTL_PAGES_H
#define CTL_PAGES_H

#include "ctl/request.h"

/* Takes one answer, which it borrows. R_EOF: that is enough; else it fails and fills *fault. */
typedef enum result ctl_page_fn(void *arg, const json_t *answer, struct ctl_fault *fault);

/* For listings in pages: --limit N, into a member `limit` whose default is UINT64_MAX. */
#define CTL_OPT_LIMIT(type)                                                                                            \
    {                                                                                                                  \
        .name = "limit", .kind = OPT_NUMBER, .offset = offsetof(type, limit), .value = "N",                            \
        .help = "so many, the first (default: all)", .min = 1                                                          \
    }

/* GETs `path`, which may have a query, and what its answers' `next` lead to, one after the other. *fault is filled
 * exactly when it fails. */
MUST_USE enum result ctl_pages(const struct ctl_common *common, const char *path, ctl_page_fn *take, void *arg,
                               struct ctl_fault *fault);

/* Prints the list that is each answer's `member`, at most `limit` items of it, as one table or, with --json, as one
 * document {member: [...]}. Returns an exit code; a fault has been told. */
MUST_USE int ctl_pages_print(const struct ctl_common *common, const struct ctl_request *request, const char *path,
                             uint64_t limit);

#endif
