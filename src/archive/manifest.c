/* SPDX-License-Identifier: Apache-2.0 */
/* Parts and their hashes as JSON (manifest.h). */
#include "archive/manifest.h"

#include <stdlib.h>

#include "base/mem.h"
#include "digest/digest.h"
#include "json/json.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

struct manifest {
    json_t *parts;
};

struct manifest *manifest_new(void)
{
    struct manifest *m = mem_zalloc(sizeof *m);
    m->parts = json_array();
    return m;
}

void manifest_free(struct manifest *m)
{
    if (m)
        json_decref(m->parts);
    free(m);
}

void manifest_add(struct manifest *m, const char *name, struct slice data)
{
    char hash[DIGEST_HEX];
    digest_hex_of(data, hash);
    (void)json_array_append_new(
        m->parts, json_pack("{s:s, s:I, s:s}", "name", name, "size", (json_int_t)data.len, "sha256", hash));
}

size_t manifest_count(const struct manifest *m)
{
    return json_array_size(m->parts);
}

char *manifest_text(const struct manifest *m)
{
    json_t *whole = json_pack("{s:O}", "parts", m->parts);
    char *text = json_text(whole);
    json_decref(whole);
    return text;
}

enum result manifest_compare(const struct manifest *m, struct slice text, struct error *err)
{
    json_t *whole, *told, *part;
    size_t i;
    enum result r = json_parse(text, TEXT_MAX, &whole, err);
    if (r == OK)
        r = json_need_array(whole, "parts", &told, err);
    else
        whole = NULL;
    if (r != OK) {
        json_decref(whole);
        return error_prefix(err, MANIFEST_NAME);
    }
    json_array_foreach(m->parts, i, part) {
        if (r == OK && !json_equal(part, json_array_get(told, i)))
            r = error_set(err, R_INVALID, "its part %s is not the one that it should be",
                          json_opt_str(part, "name", ""));
    }
    if (r == OK && json_array_size(told) != json_array_size(m->parts))
        r = error_set(err, R_INVALID, "of its %zu parts there are %zu", json_array_size(told),
                      json_array_size(m->parts));
    json_decref(whole);
    return r;
}
