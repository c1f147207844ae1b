/* SPDX-License-Identifier: Apache-2.0 */
/* What a policy of the device's brings, read out of the signed document and judged: nothing of it may lead out of its
 * folder, whoever signed it. Pure. */
#ifndef CLIENT_DEPLOY_PLAN_H
#define CLIENT_DEPLOY_PLAN_H

#include "base/error.h"
#include "digest/digest.h"
#include "json/json.h"

enum { DEPLOY_FILES_MAX = 256 };

struct deploy_file {
    const char *path;
    char sha256[DIGEST_HEX];
    uint64_t size;
    bool executable;
};

/* All texts are the policy's. */
struct deploy_plan {
    const char *policy, *id, *content, *content_version;
    const char *handler; /* "": none */
    int64_t version;     /* of the policy */
    char fingerprint[DIGEST_HEX];
    struct deploy_file files[DEPLOY_FILES_MAX];
    size_t count;
    uint64_t size; /* of all files */
};

/* R_NOTFOUND: the policy brings nothing; R_INVALID: it can't be followed, and why; ret->policy and ->id are there all
 * the same, "" where they lack. */
MUST_USE enum result deploy_plan_read(const json_t *policy, struct deploy_plan *ret, struct error *err);

#endif
