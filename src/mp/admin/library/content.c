/* SPDX-License-Identifier: Apache-2.0 */
/* Content under names and versions: of files that were brought in before (upload.c). */
#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/text/relative.h"
#include "mp/admin/admin.h"
#include "mp/admin/page.h"
#include "mp/library/library.h"
#include "mp/put.h"
#include "store/targeting/content.h"

static json_t *content_json(const struct store_content *c)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I}", "name", c->name, "version", c->version, "added", (json_int_t)c->added,
                     "files", (json_int_t)c->files, "size", (json_int_t)c->size);
}

void mp_admin_content_file_get(struct mp_request *r)
{
    char sha256[DIGEST_HEX];
    struct error err;
    int64_t size =
        mp_library_hash(slice_of(r->params[0]), sha256) ? mp_library_size(r->site->config->state, sha256) : -1;
    if (size >= 0) {
        mp_answer_json(r, 200, json_pack("{s:s, s:I}", "sha256", sha256, "size", (json_int_t)size));
        return;
    }
    (void)error_set(&err, R_NOTFOUND, "there is no file of this SHA-256");
    mp_admin_fail(r, &err, "add it with: cmg content add FILE");
}

/* --- adding --- */

static enum result read_file(const struct mp_request *r, const json_t *item, struct store_content_file *ret,
                             struct error *err)
{
    char sha256[DIGEST_HEX];
    const char *given;
    enum result result = json_need_str(item, "path", &ret->path, err);
    if (result == OK)
        result = json_need_str(item, "sha256", &given, err);
    if (result != OK)
        return result;
    if (!relative_path_valid(slice_of(ret->path)))
        return error_set(err, R_INVALID, "'%.64s' is no path below a folder that is safe on every device", ret->path);
    if (!mp_library_hash(slice_of(given), sha256))
        return error_set(err, R_INVALID, "'sha256' is 64 hex digits");
    ret->sha256 = arena_dup(r->arena, slice_of(sha256)).ptr;
    ret->size = mp_library_size(r->site->config->state, sha256);
    ret->executable = json_opt_bool(item, "executable", false);
    return ret->size >= 0
               ? OK
               : error_set(err, R_NOTFOUND, "%.64s: a file of the SHA-256 %s was not brought in", ret->path, sha256);
}

static enum result read_content(const struct mp_request *r, const json_t *body, struct store_content *c,
                                struct store_content_file files[STORE_CONTENT_FILES_MAX], struct error *err)
{
    json_t *list, *item;
    size_t i;
    enum result result = json_need_str(body, "name", &c->name, err);
    if (result == OK)
        result = json_need_str(body, "version", &c->version, err);
    if (result == OK)
        result = json_need_array(body, "files", &list, err);
    if (result != OK)
        return result;
    if (!mp_admin_name_good(c->name, STORE_CONTENT_NAME_MAX) || strchr(c->name, ':'))
        return error_set(err, R_INVALID, "'name' is 1 to %d bytes without controls, invisible characters, '/' and ':'",
                         STORE_CONTENT_NAME_MAX);
    if (!*c->version || strlen(c->version) > STORE_CONTENT_VERSION_MAX ||
        !ascii_all_alnum_or(slice_of(c->version), "._+~-"))
        return error_set(err, R_INVALID, "'version' is 1 to %d of A-Z a-z 0-9 . _ + ~ -", STORE_CONTENT_VERSION_MAX);
    if (!json_array_size(list) || json_array_size(list) > STORE_CONTENT_FILES_MAX)
        return error_set(err, R_LIMIT, "content has 1 to %d files; put more of them into an archive",
                         STORE_CONTENT_FILES_MAX);
    json_array_foreach(list, i, item) {
        if ((result = read_file(r, item, &files[i], err)) != OK)
            return result;
        c->size += files[i].size;
    }
    c->files = (int64_t)json_array_size(list);
    return OK;
}

/* The very same again: an add that was cut off, or on another machine of the site. */
static bool is_there(struct mp_request *r, const struct store_content *c, const struct store_content_file *files,
                     struct store_content *ret)
{
    struct store_content_file *known;
    size_t count, same = 0;
    if (store_content_get(r->site->store, r->arena, c->name, c->version, ret, NULL) != OK ||
        store_content_files(r->site->store, r->arena, c->name, c->version, &known, &count, NULL) != OK ||
        (int64_t)count != c->files)
        return false;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++)
            same += strcmp(files[i].path, known[k].path) == 0 && strcmp(files[i].sha256, known[k].sha256) == 0 &&
                    files[i].executable == known[k].executable;
    }
    return same == count;
}

static enum result add(struct mp_request *r, const json_t *body, struct store_content *ret, bool *ret_new,
                       struct error *err)
{
    static struct store_content_file files[STORE_CONTENT_FILES_MAX];
    struct store_content c = {.size = 0};
    char detail[64];
    enum result result = read_content(r, body, &c, files, err);
    *ret_new = result != OK || !is_there(r, &c, files, ret);
    if (!*ret_new)
        return OK;
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = store_content_add(r->site->store, &c, files, err);
    (void)snprintf(detail, sizeof detail, "version %.40s", c.version);
    result = mp_admin_commit(r, result, "content.add", c.name, detail, err);
    return result == OK ? store_content_get(r->site->store, r->arena, c.name, c.version, ret, err) : result;
}

void mp_admin_content_add(struct mp_request *r)
{
    struct store_content c;
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    bool made;
    if (add(r, body, &c, &made, &err) == OK)
        mp_answer_json(r, made ? 201 : 200, json_pack("{s:o}", "content", content_json(&c)));
    else
        mp_admin_fail(r, &err, err.code == R_CONFLICT ? "give what differs another version: --version V" : NULL);
    json_decref(body);
}

/* --- showing --- */

static enum result list_page(struct mp_request *r, const struct mp_page *page, json_t *answer, struct error *err)
{
    struct store_content *list;
    size_t found;
    json_t *array = json_array();
    mp_put(answer, "contents", array);
    enum result result =
        store_content_page(r->site->store, r->arena, page->after, MP_PAGE_ROWS(page), &list, &found, err);
    size_t count = result == OK ? mp_page_rows(page, found) : 0;
    for (size_t i = 0; i < count; i++)
        mp_push(array, content_json(&list[i]));
    if (result == OK)
        mp_page_put_next(
            answer,
            count < found ? arena_printf(r->arena, "%s/%s", list[count - 1].name, list[count - 1].version).ptr : NULL);
    return result;
}

void mp_admin_content_list(struct mp_request *r)
{
    mp_page_answer(r, list_page);
}

static json_t *files_json(const struct store_content_file *files, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(list, json_pack("{s:s, s:s, s:I, s:b}", "path", files[i].path, "sha256", files[i].sha256, "size",
                                (json_int_t)files[i].size, "executable", (int)files[i].executable));
    return list;
}

void mp_admin_content_get(struct mp_request *r)
{
    struct store_content c;
    struct store_content_file *files;
    struct error err;
    size_t count;
    enum result result = store_content_get(r->site->store, r->arena, r->params[0], r->params[1], &c, &err);
    if (result == OK)
        result = store_content_files(r->site->store, r->arena, c.name, c.version, &files, &count, &err);
    if (result == OK)
        mp_answer_json(r, 200, json_pack("{s:o, s:o}", "content", content_json(&c), "files", files_json(files, count)));
    else
        mp_admin_fail(r, &err, NULL);
}

/* --- removing --- */

/* The bytes go last: what a crash leaves behind is in nobody's way. */
static void remove_unused(const struct mp_request *r, const struct store_content_file *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t uses;
        if (store_content_uses(r->site->store, files[i].sha256, &uses, NULL) == OK && !uses)
            mp_library_remove(r->site->config->state, files[i].sha256);
    }
}

void mp_admin_content_remove(struct mp_request *r)
{
    struct store_content_file *files;
    struct error err;
    size_t count;
    enum result result =
        store_content_files(r->site->store, r->arena, r->params[0], r->params[1], &files, &count, &err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK) {
        result = store_content_remove(r->site->store, r->params[0], r->params[1], &err);
        result = mp_admin_commit(r, result, "content.remove", r->params[0], r->params[1], &err);
    }
    if (result != OK) {
        mp_admin_fail(r, &err,
                      err.code == R_CONFLICT ? "give the policies other content first: cmg policy list" : NULL);
        return;
    }
    remove_unused(r, files, count);
    mp_answer(r, &(struct mp_answer){.status = 204});
}
