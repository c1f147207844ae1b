/* SPDX-License-Identifier: Apache-2.0 */
/* Judges and changes nothing: a path goes on as it came, or not at all. Pure. */
#include "http/path.h"

#include "base/ascii.h"
#include "base/text/encode.h"
#include "base/text/percent.h"

/* The octet that a segment's next character means, escapes decoded; moves *s behind it. -1: a broken escape. */
static int next_octet(struct slice *s)
{
    unsigned char octet;
    return percent_take(s, &octet) ? octet : -1;
}

/* Characters of other scripts of which a Windows code page ("best fit"), or a normal form of compatibility (NFKC),
 * makes those that lead out of a folder. U+2025 stands for two dots. */
static const struct {
    struct slice text;
    int meant, times;
} look_alikes[] = {
    {{"\xef\xbc\x8e", 3}, '.', 1}, /* U+FF0E, fullwidth full stop */
    {{"\xef\xb9\x92", 3}, '.', 1}, /* U+FE52, small full stop */
    {{"\xe2\x80\xa4", 3}, '.', 1}, /* U+2024, one dot leader */
    {{"\xe2\x80\xa5", 3}, '.', 2}, /* U+2025, two dot leader */
    {{"\xef\xbc\x8f", 3}, '/', 1}, /* U+FF0F, fullwidth solidus */
    {{"\xe2\x81\x84", 3}, '/', 1}, /* U+2044, fraction slash */
    {{"\xe2\x88\x95", 3}, '/', 1}, /* U+2215, division slash */
    {{"\xef\xbc\xbc", 3}, '/', 1}, /* U+FF3C, fullwidth backslash; so are the next ones backslashes */
    {{"\xef\xb9\xa8", 3}, '/', 1}, /* U+FE68 */
    {{"\xe2\x88\x96", 3}, '/', 1}, /* U+2216 */
    {{"\xc2\xa5", 2}, '/', 1},     /* U+00A5, the yen sign, of Japan's code page */
    {{"\xe2\x82\xa9", 3}, '/', 1}, /* U+20A9, the won sign, of Korea's */
    {{"\xef\xbc\x85", 3}, '%', 1}, /* U+FF05, fullwidth percent sign */
};

/* The look-alike that begins with this octet and goes on in *s, moved behind it; SIZE_MAX: none does. */
static size_t find_look_alike(struct slice *s, int octet)
{
    for (size_t i = 0; i < ARRAY_LEN(look_alikes); i++) {
        const struct slice text = look_alikes[i].text;
        struct slice rest = *s;
        size_t same = octet == (unsigned char)text.ptr[0];
        while (same && same < text.len && next_octet(&rest) == (unsigned char)text.ptr[same])
            same++;
        if (same < text.len)
            continue;
        *s = rest;
        return i;
    }
    return SIZE_MAX;
}

/* What a server takes it for that decodes more than once (RFC 3986 2.4 forbids it): "%252e" is ".". This is looked
 * through for dot segments alone: the names of files may hold percent signs. */
static int decode_again(struct slice *s, int octet)
{
    unsigned char decoded;
    size_t len;
    while (octet == '%' && s->len >= 2 && decode_hex(slice_make(s->ptr, 2), &decoded, 1, &len)) {
        octet = decoded == '\\' ? '/' : decoded;
        *s = slice_skip(*s, 2);
    }
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
    if (before == ':' && octet == '$')
        return error_set(err, R_INVALID, "the path holds ':$', by which Windows names a stream of a file or folder");
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

/* A run of letters and digits, which mean themselves wherever they stand: most of a path is nothing else. Returns the
 * last of them. */
static int take_plain(struct slice *rest, struct segment *s)
{
    size_t run = 1;
    while (run < rest->len && ascii_is_alnum(rest->ptr[run]))
        run++;
    int last = rest->ptr[run - 1];
    s->count += s->parameters ? 0 : run;
    *rest = slice_skip(*rest, run);
    return last;
}

/* Windows leaves blanks and dots at the end of a name out: ". " is ".", ".. ." is "..". */
static bool is_dots(const struct segment *s)
{
    if (s->blanks)
        return s->dots && s->count == s->dots + s->blanks;
    return s->count == s->dots && (s->count == 1 || s->count == 2);
}

bool http_path_is_dot(struct slice segment)
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
        if (ascii_is_alnum(rest.ptr[0])) {
            octet = take_plain(&rest, &s);
            continue;
        }
        bool escaped = rest.ptr[0] == '%';
        int before = octet;
        octet = next_octet(&rest);
        enum result r = check_octet(before, octet, err);
        if (r != OK)
            return r;
        if (!escaped && octet == '#')
            return error_set(err, R_INVALID, "the target holds a fragment");
        size_t alike = octet < 0x80 ? SIZE_MAX : find_look_alike(&rest, octet);
        int meant = decode_again(&rest, alike == SIZE_MAX ? octet : look_alikes[alike].meant);
        if (meant == '/') {
            *slashes = *slashes || octet == '/';
            dots = dots || is_dots(&s);
            s = (struct segment){0};
        } else {
            add_octet(&s, meant);
            if (alike != SIZE_MAX && look_alikes[alike].times > 1)
                add_octet(&s, meant);
        }
    }
    *slashes = *slashes || (s.count && s.count == s.blanks);
    return dots || is_dots(&s) ? error_set(err, R_INVALID, "the path holds a dot segment") : OK;
}

enum result http_path_read(struct slice path, struct http_path *ret, struct error *err)
{
    *ret = (struct http_path){.dots = false};
    if (!slice_starts(path, SLICE("/")))
        return error_set(err, R_INVALID, "the target must be a path");
    struct slice rest = slice_skip(path, 1);
    while (rest.ptr) {
        struct slice segment = slice_cut(&rest, '/');
        if (segment.len == 0 && rest.ptr)
            ret->slashes = true; /* an empty segment in the middle: "//" */
        bool single = http_path_is_dot(segment);
        ret->dots = ret->dots || single;
        enum result r = single ? OK : check_segment(segment, &ret->slashes, err);
        if (r != OK)
            return r;
    }
    return OK;
}
