/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/target.h"

#include "base/text/encode.h"

static const struct {
    struct slice prefix;
    enum target_kind kind;
} prefixes[] = {
    {{"/CCM_Proxy_MutualAuth/", 22}, TARGET_MUTUAL},
    {{"/CCM_Proxy_ServerAuth/", 22}, TARGET_SERVER},
};

/* The octet that a segment's next character means, escapes decoded; moves *s behind it. -1: a broken escape. */
static int next_octet(struct slice *s)
{
    unsigned char octet = (unsigned char)s->ptr[0];
    size_t len;
    if (octet != '%') {
        *s = slice_skip(*s, 1);
        return octet;
    }
    if (s->len < 3 || !decode_hex(slice_make(s->ptr + 1, 2), &octet, 1, &len))
        return -1;
    *s = slice_skip(*s, 3);
    return octet;
}

/* Of ASCII, or of what fewer octets hold (RFC 3629 3, 10): decoders that take "%c0%ae" read ".". */
static bool is_overlong(int before, int octet)
{
    bool ascii = (before == 0xc0 || before == 0xc1) && octet >= 0x80 && octet < 0xc0;
    return ascii || (before == 0xe0 && octet >= 0x80 && octet < 0xa0) ||
           (before == 0xf0 && octet >= 0x80 && octet < 0x90);
}

static enum result check_octet(int before, int octet, struct error *err)
{
    if (octet < 0)
        return error_set(err, R_INVALID, "the path holds a broken percent escape");
    if (octet < 0x20 || octet == 0x7f)
        return error_set(err, R_INVALID, "the path holds a control character (0x%02x)", (unsigned)octet);
    if (octet == '\\')
        return error_set(err, R_INVALID, "the path holds a backslash");
    if (is_overlong(before, octet))
        return error_set(err, R_INVALID, "the path holds an overlong form of a character (0x%02x 0x%02x)",
                         (unsigned)before, (unsigned)octet);
    return OK;
}

/* What stands between two slashes, as far as it was read. */
struct segment {
    size_t count, dots, blanks;
    bool parameters; /* behind a ';' (RFC 3986 3.3): servers that know them cut them off, so "..;x" is ".." */
};

static void add_octet(struct segment *s, int octet)
{
    s->parameters = s->parameters || octet == ';';
    s->count += !s->parameters;
    s->dots += !s->parameters && octet == '.';
    s->blanks += !s->parameters && octet == ' ';
}

/* Windows leaves blanks and dots at the end of a name out: ". " is ".", ".. ." is "..". */
static bool is_dots(const struct segment *s)
{
    if (s->blanks)
        return s->dots && s->count == s->dots + s->blanks;
    return s->count == s->dots && (s->count == 1 || s->count == 2);
}

/* "." and nothing else (RFC 3986 6.2.2.3), an escape allowed: "%2e" is the same path (6.2.2.2). */
static bool is_single_dot(struct slice segment)
{
    return slice_eq(segment, SLICE(".")) || slice_eq_nocase(segment, SLICE("%2e"));
}

/* One segment: its octets, whether it is "." or "..", whether a slash hides in it. Such a slash ends a segment for
 * servers that decode before they cut, which must not find their way up either: "x%2f..". So does an escaped ';' hide
 * parameters. One of blanks is an empty one to Windows. */
static enum result check_segment(struct slice segment, bool *slashes, struct error *err)
{
    struct segment s = {0};
    bool dots = false;
    int octet = 0;
    for (struct slice rest = segment; rest.len;) {
        bool escaped = rest.ptr[0] == '%';
        int before = octet;
        octet = next_octet(&rest);
        enum result r = check_octet(before, octet, err);
        if (r != OK)
            return r;
        if (!escaped && octet == '#')
            return error_set(err, R_INVALID, "the target holds a fragment");
        if (octet == '/') {
            *slashes = true;
            dots = dots || is_dots(&s);
            s = (struct segment){0};
        } else {
            add_octet(&s, octet);
        }
    }
    *slashes = *slashes || (s.count && s.count == s.blanks);
    return dots || is_dots(&s) ? error_set(err, R_INVALID, "the path holds a dot segment") : OK;
}

static enum result check_path(struct target *t, struct error *err)
{
    struct slice rest = slice_skip(t->path, 1);
    while (rest.ptr) {
        struct slice segment = slice_cut(&rest, '/');
        if (segment.len == 0 && rest.ptr)
            t->slashes = true; /* an empty segment in the middle: "//" */
        bool single = is_single_dot(segment);
        t->dots = t->dots || single;
        enum result r = single ? OK : check_segment(segment, &t->slashes, err);
        if (r != OK)
            return r;
    }
    return OK;
}

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
    if (!slice_starts(text, SLICE("/")))
        return error_set(err, R_INVALID, "the target must be a path");
    enum result r = check_path(ret, err);
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
        if (!is_single_dot(segment)) {
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
