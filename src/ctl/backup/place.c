/* SPDX-License-Identifier: Apache-2.0 */
/* The part of mp.yaml's tables that a backup wants to know (place.h). */
#include "ctl/backup/place.h"

#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "store/store.h"

#define POINT(member) offsetof(struct point, member)
#define AT(member) offsetof(struct backup_place, member)

struct point {
    char *certificate, *key, *password_file;
    struct conf_texts anchors;
};

static const struct conf_key point_keys[] = {
    {.name = "certificate", .kind = CONF_PATH, .offset = POINT(certificate)},
    {.name = "key", .kind = CONF_PATH, .offset = POINT(key)},
    {.name = "password_file", .kind = CONF_PATH, .offset = POINT(password_file)},
    {.name = "anchors", .kind = CONF_PATHS, .offset = POINT(anchors)},
    {0},
};
static const struct conf_schema point_schema = {"management_points", sizeof(struct point), point_keys, true};

static const struct conf_key keys[] = {
    {.name = "site", .kind = CONF_TEXT, .offset = AT(site), .required = true, .help = "site code"},
    {.name = "keys", .kind = CONF_PATH, .offset = AT(keys), .fallback = "keys"},
    {.name = "state", .kind = CONF_PATH, .offset = AT(state), .fallback = "state"},
    {.name = "store", .kind = CONF_TEXT, .offset = AT(store)},
    {.name = "management_points", .kind = CONF_BLOCKS, .offset = AT(points), .block = &point_schema},
    {0},
};
static const struct conf_schema schema = {"mp.yaml", sizeof(struct backup_place), keys, true};

enum result backup_place_load(const char *config, struct backup_place *ret, struct error *err)
{
    *ret = (struct backup_place){0};
    if (!file_exists(config)) {
        (void)error_set(err, R_NOTFOUND, "%s: there is no such file that this user can see", config);
        error_remedy(err, "run it on the site's host, as root; name another place of mp.yaml with --config");
        return R_NOTFOUND;
    }
    struct conf_faults *faults = mem_zalloc(sizeof *faults);
    enum result r = conf_load(config, &schema, ret, faults);
    ret->dir = conf_folder(config);
    if (r != OK) {
        (void)error_set(err, r, "%s:%zu: %s", config, faults->list[0].line, faults->list[0].text);
        error_remedy(err, "cmg-mp --check-config says what is wrong with it");
    }
    free(faults);
    return r;
}

void backup_place_free(struct backup_place *p)
{
    free(p->dir);
    conf_free(&schema, p);
}

char *backup_place_store(const struct backup_place *p)
{
    return p->store ? mem_strdup(p->store) : file_join(p->state, "site.db");
}

struct naming {
    backup_path_fn *fn;
    void *ctx;
    enum result result;
    struct error *err;
};

static void name_file(void *ctx, const char *path)
{
    struct naming *n = ctx;
    if (n->result == OK && path && file_exists(path))
        n->result = n->fn(n->ctx, path, n->err);
}

enum result backup_place_named(const struct backup_place *p, backup_path_fn *fn, void *ctx, struct error *err)
{
    struct naming n = {fn, ctx, OK, err};
    for (size_t i = 0; i < p->points.count; i++) {
        const struct point *point = (const struct point *)p->points.items + i;
        name_file(&n, point->certificate);
        name_file(&n, point->key);
        name_file(&n, point->password_file);
        for (size_t k = 0; k < point->anchors.count; k++)
            name_file(&n, point->anchors.items[k]);
    }
    if (p->store)
        store_files(p->store, name_file, &n);
    return n.result;
}
