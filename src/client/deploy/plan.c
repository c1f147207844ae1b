/* SPDX-License-Identifier: Apache-2.0 */
/* The member "deploy" of a policy, checked piece by piece. */
#include "client/deploy/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/rand.h"
#include "base/text/name.h"
#include "base/text/relative.h"

static const int64_t size_most = INT64_MAX / DEPLOY_FILES_MAX;

static bool read_hash(const char *text, char ret[DIGEST_HEX])
{
    unsigned char hash[DIGEST_SIZE];
    size_t len;
    if (!decode_hex(slice_of(text), hash, sizeof hash, &len) || len != sizeof hash)
        return false;
    encode_hex(slice_make((const char *)hash, sizeof hash), ret);
    return true;
}

static enum result read_file(const json_t *o, struct deploy_file *ret, struct error *err)
{
    const char *hash;
    int64_t size;
    enum result r = json_need_str(o, "path", &ret->path, err);
    if (r == OK)
        r = json_need_str(o, "sha256", &hash, err);
    if (r == OK)
        r = json_need_int(o, "size", &size, err);
    if (r != OK)
        return r;
    if (!relative_path_valid(slice_of(ret->path)))
        return error_set(err, R_INVALID, "a file's path leads out of its folder, or can't be one");
    if (!read_hash(hash, ret->sha256) || size < 0 || size > size_most)
        return error_set(err, R_INVALID, "%.64s: its SHA-256 or size is none", ret->path);
    ret->size = (uint64_t)size;
    ret->executable = json_opt_bool(o, "executable", false);
    return OK;
}

static enum result read_files(const json_t *deploy, struct deploy_plan *p, struct error *err)
{
    json_t *list, *item;
    size_t i;
    enum result r = json_need_array(deploy, "files", &list, err);
    if (r == OK && json_array_size(list) > DEPLOY_FILES_MAX)
        r = error_set(err, R_INVALID, "there are more than %d files", DEPLOY_FILES_MAX);
    if (r != OK)
        return r;
    json_array_foreach(list, i, item) {
        if ((r = read_file(item, &p->files[i], err)) != OK)
            return r;
        p->size += p->files[i].size;
    }
    p->count = json_array_size(list);
    return OK;
}

/* A handler that failed runs again, one that did its work does so only for something else. */
static void make_fingerprint(const json_t *deploy, struct deploy_plan *p)
{
    char *text = json_dumps(deploy, JSON_COMPACT | JSON_SORT_KEYS);
    if (!text)
        fatal("a deployment can't be digested");
    digest_hex_of(slice_of(text), p->fingerprint);
    free(text);
}

enum result deploy_plan_read(const json_t *policy, struct deploy_plan *ret, struct error *err)
{
    const json_t *deploy = json_object_get(policy, "deploy");
    *ret = (struct deploy_plan){.policy = json_opt_str(policy, "name", ""),
                                .id = json_opt_str(policy, "id", ""),
                                .version = json_opt_int(policy, "version", 0)};
    if (!deploy)
        return error_set(err, R_NOTFOUND, "it brings nothing");
    if (!guid_valid(slice_of(ret->id))) {
        ret->id = "";
        return error_set(err, R_INVALID, "the policy's id is no GUID");
    }
    enum result r = json_need_str(deploy, "content", &ret->content, err);
    if (r == OK)
        r = json_need_str(deploy, "version", &ret->content_version, err);
    if (r != OK)
        return r;
    ret->handler = json_opt_str(deploy, "handler", "");
    if (*ret->handler && (!name_valid(NAME_ROLE, slice_of(ret->handler)) || *ret->handler == '.'))
        return error_set(err, R_INVALID, "the handler is no name of a program");
    make_fingerprint(deploy, ret);
    return read_files(deploy, ret, err);
}
