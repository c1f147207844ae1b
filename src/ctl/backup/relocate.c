/* SPDX-License-Identifier: Apache-2.0 */
/* The one line of mp.yaml that says where the store is (relocate.h); comments and order of the file stay. */
#include "ctl/backup/relocate.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/setup/site_init.h"
#include "store/store.h"

#define SQLITE "sqlite"

static bool is_sqlite(const char *store)
{
    return strcmp(store, SQLITE) == 0;
}

/* All lines but that of `store`; its place is at the beginning, where no block is open. */
static enum result write_lines(struct buf *b, struct slice config, const char *store)
{
    enum result r = OK;
    char *quoted = yaml_quote(store);
    if (!is_sqlite(store))
        r = buf_printf(b, "store: %s\n", quoted);
    free(quoted);
    while (config.ptr && r == OK) {
        struct slice line = slice_cut(&config, '\n');
        if (slice_starts(line, SLICE("store:")))
            continue;
        r = buf_append(b, line);
        if (r == OK && config.ptr)
            r = buf_append_str(b, "\n");
    }
    return r;
}

enum result relocate_store(struct slice config, const char *store, char **ret, struct error *err)
{
    struct buf b;
    enum result r = store && !is_sqlite(store) ? store_check_url(store, err) : OK;
    if (r != OK)
        return error_prefix(err, "--store");
    buf_init(&b, CONF_FILE_MAX);
    r = store ? write_lines(&b, config, store) : buf_append(&b, config);
    if (r == OK)
        *ret = buf_take_str(&b);
    else
        (void)error_set(err, r, "mp.yaml is over %d bytes", CONF_FILE_MAX);
    buf_free(&b);
    return r;
}

enum result relocate_check(const struct backup_place *p, const char *store, struct error *err)
{
    bool same = !store || (is_sqlite(store) ? !p->store : p->store && strcmp(p->store, store) == 0);
    if (same)
        return OK;
    (void)error_set(err, R_INVALID,
                    "the store can't be changed in mp.yaml, which is not written as cmg init writes it");
    error_remedy(err, "leave --store out: it is restored to the database that mp.yaml names");
    return R_INVALID;
}

char *relocate_dir(const char *dir)
{
    char *ret = file_absolute(dir);
    for (size_t len = strlen(ret); len > 1 && ret[len - 1] == '/'; len--)
        ret[len - 1] = '\0';
    return ret;
}
