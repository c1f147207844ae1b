/* SPDX-License-Identifier: Apache-2.0 */
/* Which role or endpoint is meant. Binary searches in sorted keys of lower case; nothing is allocated. */
#include "bundle/model.h"

#include "base/ascii.h"
#include "base/text/encode.h"

enum { KEY_MAX = BUNDLE_ROLE_ID_MAX + 1 + BUNDLE_NAME_MAX, HOST_MAX = 253 };

/* False: longer than any key. */
static bool lower_into(struct slice s, char *ret, size_t size)
{
    if (s.len > size)
        return false;
    for (size_t i = 0; i < s.len; i++)
        ret[i] = ascii_lower(s.ptr[i]);
    return true;
}

const struct bundle_role *bundle_role_find(const struct bundle *b, struct slice id)
{
    char key[BUNDLE_ROLE_ID_MAX];
    return lower_into(id, key, sizeof key) ? index_map_find(&b->index->roles, slice_make(key, id.len)) : NULL;
}

const struct bundle_endpoint *bundle_endpoint_by_host(const struct bundle *b, struct slice host)
{
    char key[HOST_MAX];
    return lower_into(host, key, sizeof key) ? index_map_find(&b->index->hosts, slice_make(key, host.len)) : NULL;
}

const struct bundle_endpoint *bundle_endpoint_by_id(const struct bundle *b, struct slice id)
{
    return index_map_find(&b->index->ids, id);
}

/* The next character as a server might read it: decoded (RFC 3986 2.1), once or more often, in lower case. */
static char next_char(struct slice *path)
{
    char c = path->ptr[0], decoded;
    size_t len;
    *path = slice_skip(*path, 1);
    while (c == '%' && path->len >= 2 && decode_hex(slice_make(path->ptr, 2), &decoded, 1, &len)) {
        c = decoded;
        *path = slice_skip(*path, 2);
    }
    return ascii_lower(c);
}

struct path_key {
    char text[KEY_MAX]; /* role "/" path */
    size_t len;
    size_t ends[BUNDLE_NAME_SEGMENTS_MAX]; /* where the first, second … segment ends */
    size_t end_count;
};

/* Windows leaves dots and blanks at a segment's end out: "admin." is "admin" there, "..." nothing. */
static void end_segment(struct path_key *k, size_t begin)
{
    size_t first = begin + (k->end_count > 0); /* behind its slash */
    while (k->len > first && (k->text[k->len - 1] == '.' || k->text[k->len - 1] == ' '))
        k->len--;
    if (k->len == first)
        k->len = begin;
    else if (k->end_count < BUNDLE_NAME_SEGMENTS_MAX)
        k->ends[k->end_count++] = k->len;
}

/* Without a segment's parameters (RFC 3986 3.3): servers that know them read "admin;x" as "admin". */
static struct slice skip_parameters(struct slice path)
{
    while (path.len && path.ptr[0] == ';') {
        size_t end = slice_find(path, '/');
        path = end == SIZE_MAX ? SLICE_NONE : slice_skip(path, end);
    }
    return path;
}

/* Behind "role/" the path without its first slash, runs of slashes as one. A segment that does not fit ends no name. */
static void append_path(struct path_key *k, struct slice path)
{
    size_t query = slice_find(path, '?');
    bool in_segment = false, in_parameters = false;
    size_t begin = 0;
    if (query != SIZE_MAX)
        path.len = query;
    while ((path = skip_parameters(path)).len) {
        char c = next_char(&path);
        if (c == '/') {
            if (in_segment)
                end_segment(k, begin);
            in_segment = in_parameters = false;
            continue;
        }
        in_parameters = in_parameters || c == ';'; /* an escaped one */
        if (in_parameters)
            continue;
        if (!in_segment)
            begin = k->len;
        if (!in_segment && k->end_count) {
            if (k->len == sizeof k->text)
                return;
            k->text[k->len++] = '/';
        }
        if (k->len == sizeof k->text)
            return;
        k->text[k->len++] = c;
        in_segment = true;
    }
    if (in_segment)
        end_segment(k, begin);
}

const struct bundle_endpoint *bundle_endpoint_by_path(const struct bundle *b, struct slice role, struct slice path)
{
    struct path_key k = {.len = 0};
    if (role.len == 0 || !lower_into(role, k.text, BUNDLE_ROLE_ID_MAX))
        return NULL;
    k.len = role.len;
    k.text[k.len++] = '/';
    size_t whole = k.len;
    append_path(&k, path);
    for (size_t i = k.end_count; i-- > 0;) {
        const struct bundle_endpoint *e = index_map_find(&b->index->paths, slice_make(k.text, k.ends[i]));
        if (e)
            return e;
    }
    return index_map_find(&b->index->paths, slice_make(k.text, whole));
}

bool bundle_endpoint_takes(const struct bundle_endpoint *e, struct slice method)
{
    for (size_t i = 0; i < e->method_count; i++) {
        if (slice_eq(slice_of(e->methods[i]), method))
            return true;
    }
    return e->method_count == 0;
}
