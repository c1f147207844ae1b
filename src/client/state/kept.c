/* SPDX-License-Identifier: Apache-2.0 */
/* One file in, one file out. */
#include "client/state/kept.h"

#include <stdlib.h>

#include "base/host/file.h"

json_t *client_kept_load(const char *dir, const char *name, size_t max, json_type type)
{
    char *path = file_join(dir, name), *text = NULL;
    size_t len;
    json_t *root = NULL;
    if (file_read(path, max, &text, &len, NULL) == OK && json_parse(slice_make(text, len), max, &root, NULL) != OK)
        root = NULL;
    free(text);
    free(path);
    if (root && json_typeof(root) == type)
        return root;
    json_decref(root);
    return NULL;
}

enum result client_kept_save(const char *dir, const char *name, const json_t *root, struct error *err)
{
    char *path = file_join(dir, name), *text = json_text(root);
    enum result r = file_write(path, slice_of(text), 0600, err);
    free(text);
    free(path);
    return r;
}
