/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the target once, strictly, and changes no octet of what goes inside but single dots. What is published is
 * the bundle's to say. Pure. */
#include "gateway/request/target.h"

#include "http/path.h"

static const struct {
    struct slice prefix;
    enum target_kind kind;
} prefixes[] = {
    {{"/CCM_Proxy_MutualAuth/", 22}, TARGET_MUTUAL},
    {{"/CCM_Proxy_ServerAuth/", 22}, TARGET_SERVER},
};

static void cut_prefix(struct target *t)
{
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (!slice_starts_nocase(t->path, prefixes[i].prefix))
            continue;
        struct slice rest = slice_skip(t->path, prefixes[i].prefix.len);
        size_t at = slice_find(rest, '/');
        t->kind = prefixes[i].kind;
        t->role = at == SIZE_MAX ? rest : slice_make(rest.ptr, at);
        t->path = slice_skip(rest, t->role.len);
        return;
    }
}

enum result target_parse(struct slice text, struct target *ret, struct error *err)
{
    *ret = (struct target){.kind = TARGET_PLAIN};
    size_t at = slice_find(text, '?');
    ret->path = at == SIZE_MAX ? text : slice_make(text.ptr, at);
    ret->query = slice_skip(text, ret->path.len);
    struct http_path read;
    enum result r = http_path_read(ret->path, &read, err);
    ret->dots = read.dots;
    ret->slashes = read.slashes;
    if (r == OK)
        cut_prefix(ret);
    if (r == OK && ret->dots && ret->kind != TARGET_PLAIN)
        r = error_set(err, R_INVALID, "the path holds a dot segment");
    return r;
}

/* RFC 3986 5.2.4 for single dots: "/a/./b" → "/a/b", "/a/." → "/a/". */
static struct slice without_dots(struct slice path, struct arena *arena)
{
    char *text = arena_alloc(arena, path.len), *at = text;
    struct slice rest = slice_skip(path, 1);
    while (text && rest.ptr) {
        struct slice segment = slice_cut(&rest, '/');
        if (!http_path_is_dot(segment)) {
            *at++ = '/';
            memcpy(at, segment.ptr, segment.len);
            at += segment.len;
        } else if (!rest.ptr) {
            *at++ = '/';
        }
    }
    return slice_make(text, (size_t)(at - text));
}

struct slice target_inside(const struct target *t, struct arena *arena)
{
    if (t->path.len && !t->dots)
        return slice_make(t->path.ptr, t->path.len + t->query.len); /* they stand together */
    struct slice path = t->dots ? without_dots(t->path, arena) : SLICE("/");
    const struct slice parts[] = {path, t->query};
    return path.ptr ? arena_join(arena, parts, ARRAY_LEN(parts)) : SLICE_NONE;
}
