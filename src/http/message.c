/* SPDX-License-Identifier: Apache-2.0 */
/* Field lists, the character classes of RFC 9110, reason phrases. */
#include "http/message.h"

#include "base/ascii.h"

/* Bits of the byte classes: 1 a token's (RFC 9110 5.6.2), 2 a field value's (5.5: HTAB, SP, VCHAR, obs-text), 4 a host
 * name's (RFC 3986 3.2.2: unreserved). */
enum { CLASS_TOKEN = 1, CLASS_VALUE = 2, CLASS_NAME = 4 };

/* clang-format off */
static const unsigned char classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, /* 00 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* 10 */
    2, 3, 2, 3, 3, 3, 3, 3, 2, 2, 3, 3, 2, 7, 7, 2, /* 20 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 2, 2, 2, 2, 2, /* 30 */
    2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 40 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 2, 2, 3, 7, /* 50 */
    3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* 60 */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 3, 2, 7, 0, /* 70 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 80 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* 90 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* A0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* B0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* C0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* D0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* E0 */
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, /* F0 */
};
/* clang-format on */

static bool all_of_class(struct slice s, unsigned char class)
{
    unsigned char seen = class;
    for (size_t i = 0; i < s.len; i++)
        seen &= classes[(unsigned char)s.ptr[i]];
    return seen == class;
}

bool http_is_token(struct slice s)
{
    return s.len > 0 && all_of_class(s, CLASS_TOKEN);
}

/* None of `n` bytes is below blank, or DEL. Without a branch and for an `n` that is known to them, compilers look at
 * many bytes at once. */
static inline bool plain(const char *bytes, size_t n)
{
    unsigned char odd = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        odd |= (c < ' ') | (c == 0x7f);
    }
    return !odd;
}

/* Certificates are long, most others short. The last few of many are looked at together with some before them. */
bool http_is_field_value(struct slice s)
{
    enum { LONG = 128, SHORT = 16 };
    struct slice rest = s;
    while (rest.len >= LONG && plain(rest.ptr, LONG))
        rest = slice_skip(rest, LONG);
    while (rest.len >= SHORT && plain(rest.ptr, SHORT))
        rest = slice_skip(rest, SHORT);
    if (s.len >= SHORT && rest.len < SHORT && plain(s.ptr + s.len - SHORT, SHORT))
        return true;
    return all_of_class(rest, CLASS_VALUE);
}

static bool host_port_valid(struct slice port)
{
    uint64_t n;
    return port.len <= 5 && slice_to_u64(port, &n) && n <= 65535;
}

bool http_is_authority(struct slice s)
{
    size_t i = 0;
    if (s.len && s.ptr[0] == '[') {
        while (++i < s.len && (ascii_is_alnum(s.ptr[i]) || s.ptr[i] == ':' || s.ptr[i] == '.'))
            ;
        if (i < 3 || i == s.len || s.ptr[i++] != ']')
            return false;
    } else {
        while (i < s.len && classes[(unsigned char)s.ptr[i]] & CLASS_NAME)
            i++;
        if (i == 0 || i > 255)
            return false;
    }
    return i == s.len || (s.ptr[i] == ':' && host_port_valid(slice_skip(s, i + 1)));
}

struct slice http_fields_get(const struct http_fields *f, struct slice name)
{
    for (size_t i = 0; i < f->count; i++) {
        if (slice_eq(f->list[i].name, name))
            return f->list[i].value;
    }
    return SLICE_NONE;
}

struct slice http_fields_take(struct http_fields *f, struct slice name)
{
    struct slice first = SLICE_NONE;
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (!slice_eq(f->list[i].name, name))
            f->list[kept++] = f->list[i];
        else if (!first.ptr)
            first = f->list[i].value;
    }
    f->count = kept;
    return first;
}

size_t http_fields_count(const struct http_fields *f, struct slice name)
{
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += slice_eq(f->list[i].name, name);
    return n;
}

/* An arena frees nothing, so the list doubles: at most as much again is lost. */
static bool fields_grow(struct http_fields *f, struct arena *a)
{
    size_t room = f->room ? 2 * f->room : 8;
    if (room > HTTP_FIELDS_MAX)
        room = HTTP_FIELDS_MAX;
    struct http_field *list = arena_alloc(a, room * sizeof *list);
    if (!list)
        return false;
    if (f->count)
        memcpy(list, f->list, f->count * sizeof *list);
    f->list = list;
    f->room = room;
    return true;
}

enum result http_fields_add(struct http_fields *f, struct arena *a, struct slice name, struct slice value)
{
    if (f->count >= HTTP_FIELDS_MAX)
        return R_LIMIT;
    if (f->count == f->room && !fields_grow(f, a))
        return R_LIMIT;
    f->list[f->count++] = (struct http_field){name, value};
    return OK;
}

size_t http_fields_remove_if(struct http_fields *f, bool (*drop)(void *arg, struct slice name), void *arg)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        if (!drop(arg, f->list[i].name))
            f->list[kept++] = f->list[i];
    }
    size_t gone = f->count - kept;
    f->count = kept;
    return gone;
}

static bool is_name(void *arg, struct slice name)
{
    return slice_eq(*(const struct slice *)arg, name);
}

size_t http_fields_remove(struct http_fields *f, struct slice name)
{
    return http_fields_remove_if(f, is_name, &name);
}

static const struct {
    int status;
    const char *phrase;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
    {511, "Network Authentication Required"},
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].phrase;
    }
    return "";
}

bool http_method_safe(struct slice method)
{
    return slice_eq(method, SLICE("GET")) || slice_eq(method, SLICE("HEAD")) || slice_eq(method, SLICE("OPTIONS")) ||
           slice_eq(method, SLICE("TRACE")) || slice_eq(method, SLICE("PROPFIND"));
}
