/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process did with recent requests, by their ids, for who asks afterwards (`cmg trace`): those that failed,
 * those of strangers, and the last ones that went well, each kind in a ring of its own, so that none displaces another;
 * of the failures no client has more than an eighth, over which its own oldest go. About 1 MB at most, which is touched
 * as it fills. Any thread.
 */
#ifndef BASE_HOST_TRAIL_H
#define BASE_HOST_TRAIL_H

#include "base/text/encode.h"

enum trail_share {
    TRAIL_STRANGERS, /* of whom nobody knows: anybody may fill it */
    TRAIL_FAILED,
    TRAIL_WELL,
    TRAIL_SHARES
};

enum {
    TRAIL_STRANGERS_MAX = 256,
    TRAIL_FAILED_MAX = 1024,
    TRAIL_WELL_MAX = 1024,
    TRAIL_FOUND_MAX = 16,
    TRAIL_PART = 8
};

/* One thing that was done. No queries of URLs and no header fields: they may hold secrets. */
struct trail_step {
    const char *what, *reason;              /* constants; reason NULL: it went well, or nobody knows */
    const char *client, *endpoint, *detail; /* copied and cut; NULL: none */
    int status;                             /* of the answer; 0: none, or not known here */
    uint64_t request_bytes, response_bytes; /* of the bodies */
};

struct trail_kept {
    int64_t at_ms;          /* wall */
    struct trail_step step; /* its texts are those below */
    char id[GUID_SIZE], client[80], endpoint[65], detail[200];
};

/* `id` "": nothing is kept. */
void trail_note(enum trail_share share, const char *id, const struct trail_step *step);

/* What was done with this request, in its order. Returns how many. */
size_t trail_find(const char *id, struct trail_kept ret[TRAIL_FOUND_MAX]);

#endif
