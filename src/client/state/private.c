/* SPDX-License-Identifier: Apache-2.0 */
/* Files of secrets in and out (private.h): refused when others can read them, written whole or not at all, wiped from
 * memory afterwards. What is in them is the callers' affair. */
#include "client/state/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/host/file.h"
#include "base/mem.h"

enum { PRIVATE_MAX = 256 * 1024 };

enum result client_private_load(const char *dir, const char *name, json_t **ret, struct error *err)
{
    char *path = file_join(dir, name), *data = NULL;
    size_t len = 0;
    enum result r = OK;
    *ret = NULL;
    if (file_exists(path)) {
        if ((r = file_check_private(path, err)) == OK)
            r = file_read(path, PRIVATE_MAX, &data, &len, err);
        if (r == OK && (r = json_parse(slice_make(data, len), PRIVATE_MAX, ret, err)) != OK)
            (void)error_prefix(err, "%s", path);
    }
    if (data)
        mem_free_secret(data, len);
    free(path);
    return r;
}

static bool is_of_type(const json_t *value, json_type type)
{
    return json_typeof(value) == type || (type == JSON_TRUE && json_is_false(value));
}

enum result client_private_check(const json_t *o, const struct client_member *members, struct error *err)
{
    if (!json_is_object(o))
        return error_set(err, R_INVALID, "it is no JSON object");
    for (; members->name; members++) {
        const json_t *value = json_object_get(o, members->name);
        if (value && !json_is_null(value) && !is_of_type(value, members->type))
            return error_set(err, R_INVALID, "member '%s' is of another kind than it was written", members->name);
    }
    return OK;
}

enum result client_private_save(const char *dir, const char *name, const json_t *root, struct error *err)
{
    char *path = file_join(dir, name), *data = json_dumps(root, JSON_INDENT(2));
    if (!data)
        fatal("%s can't be put into JSON", name);
    enum result r = file_write(path, slice_of(data), 0600, err);
    mem_free_secret(data, strlen(data));
    free(path);
    return r;
}
