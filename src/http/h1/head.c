/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a tokenized HTTP/1.1 head means, and which heads are refused: start line, Host, framing, Connection. Whatever
 * two servers could read in two ways is an error here (RFC 9112 11.2).
 */
#include "base/ascii.h"
#include "http/h1/parser.h"
#include "http/names.h"
#include "http/websocket.h"

static const char token_lower[256] = {
    /* a token's bytes (RFC 9110 5.6.2) to what they are in lower case; 0: not one */
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*', ['+'] = '+',
    ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|',   ['~'] = '~', ['0'] = '0',
    ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',   ['7'] = '7', ['8'] = '8',
    ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e',   ['F'] = 'f', ['G'] = 'g',
    ['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm',   ['N'] = 'n', ['O'] = 'o',
    ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u',   ['V'] = 'v', ['W'] = 'w',
    ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c',   ['d'] = 'd', ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',   ['l'] = 'l', ['m'] = 'm',
    ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's',   ['t'] = 't', ['u'] = 'u',
    ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z',
};

bool http_h1_lower_name(struct slice name)
{
    char *at = (char *)(uintptr_t)name.ptr; /* our own copy: see the callers */
    for (size_t i = 0; i < name.len; i++) {
        char c = token_lower[(unsigned char)at[i]];
        if (!c)
            return false;
        at[i] = c;
    }
    return name.len > 0;
}

/* --- start lines --- */

static bool check_request_start(struct http_h1_parser *p, struct slice s)
{
    size_t i = 0;
    while (i < s.len && i <= HTTP_METHOD_MAX && s.ptr[i] != ' ') {
        if (!token_lower[(unsigned char)s.ptr[i++]])
            return http_h1_fault(p, 400, "the method is not a token");
    }
    if (i > HTTP_METHOD_MAX || (i == 0 && s.len))
        return http_h1_fault(p, 400, i ? "the method is too long" : "no method");
    if (i == s.len)
        return true;
    struct slice target = slice_skip(s, i + 1);
    if (target.len <= HTTP_TARGET_MAX)
        return true;
    target.len = HTTP_TARGET_MAX + 1;
    if (slice_find(target, ' ') == SIZE_MAX && slice_find(target, '\n') == SIZE_MAX)
        return http_h1_fault(p, 414, "the target is too long");
    return true;
}

bool http_h1_check_start(struct http_h1_parser *p, struct slice begin)
{
    if (!p->answers)
        return check_request_start(p, begin);
    struct slice sign = SLICE("HTTP/");
    size_t n = begin.len < sign.len ? begin.len : sign.len;
    if (memcmp(begin.ptr, sign.ptr, n) != 0)
        return http_h1_fault(p, 400, "the answer is not HTTP");
    return true;
}

/* RFC 9110 2.5: a higher minor version is read as 1.1; RFC 9112 2.3 has one digit each. It is written so into the head,
 * which is our own copy: llhttp knows a list of versions. */
static bool parse_version(struct http_h1_parser *p, struct slice text, enum http_version *ret)
{
    if (text.len != 8 || !slice_starts(text, SLICE("HTTP/")) || !ascii_is_digit(text.ptr[5]) || text.ptr[6] != '.' ||
        !ascii_is_digit(text.ptr[7]))
        return http_h1_fault(p, 400, "the start line has no HTTP version");
    if (text.ptr[5] != '1')
        return http_h1_fault(p, 505, "HTTP versions 1.0 and 1.1 are spoken here, and HTTP/2 by ALPN");
    *ret = text.ptr[7] == '0' ? HTTP_1_0 : HTTP_1_1;
    if (*ret == HTTP_1_1)
        ((char *)(uintptr_t)text.ptr)[7] = '1';
    return true;
}

static bool check_target(struct http_h1_parser *p, struct slice target)
{
    for (size_t i = 0; i < target.len; i++) {
        if (target.ptr[i] <= ' ' || target.ptr[i] > '~' || target.ptr[i] == '#')
            return http_h1_fault(p, 400, "a byte in the target that must be percent-encoded");
    }
    return target.len > 0 || http_h1_fault(p, 400, "no target");
}

static bool request_line(struct http_h1_parser *p, struct slice rest)
{
    struct http_request *r = &p->request;
    *r = (struct http_request){.scheme = SLICE("https"), .content_length = -1};
    r->method = slice_cut(&rest, ' ');
    r->target = slice_cut(&rest, ' ');
    if (!parse_version(p, rest, &r->version) || !check_target(p, r->target))
        return false;
    if (slice_eq(r->method, SLICE("CONNECT")))
        return http_h1_fault(p, 501, "CONNECT is not implemented");
    return true;
}

/* "HTTP/1.1 200 OK"; the blank after the status may be missing with the phrase. */
static bool status_line(struct http_h1_parser *p, struct slice line)
{
    struct slice version = slice_cut(&line, ' ');
    if (!parse_version(p, version, &p->answer_version))
        return false;
    struct http_response *r = &p->response;
    *r = (struct http_response){.content_length = -1};
    struct slice status = slice_cut(&line, ' ');
    uint64_t n = 0;
    if (status.len != 3 || !slice_to_u64(status, &n) || n < 100 || n > 599)
        return http_h1_fault(p, 400, "the answer's status is not one");
    r->status = (int)n;
    r->reason = slice_trim(line);
    if (!http_is_field_value(r->reason))
        return http_h1_fault(p, 400, "a control character in the reason phrase");
    return true;
}

bool http_h1_start_line(struct http_h1_parser *p, struct slice line)
{
    return p->answers ? status_line(p, line) : request_line(p, line);
}

/* --- fields --- */

enum special {
    ORDINARY,
    HOST,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    CONNECTION,
    UPGRADE,
    WEBSOCKET_PROOF,
    EXPECT,
    HOP_BY_HOP, /* others that RFC 9110 7.6.1 names */
};

static const struct {
    struct slice name;
    enum special what;
} specials[] = {
    {{"te", 2}, HOP_BY_HOP},
    {{"host", 4}, HOST},
    {{"expect", 6}, EXPECT},
    {{"upgrade", 7}, UPGRADE},
    {{"trailer", 7}, HOP_BY_HOP},
    {{"connection", 10}, CONNECTION},
    {{"keep-alive", 10}, HOP_BY_HOP},
    {{"content-length", 14}, CONTENT_LENGTH},
    {{"proxy-connection", 16}, HOP_BY_HOP},
    {{"transfer-encoding", 17}, TRANSFER_ENCODING},
    {{"sec-websocket-key", 17}, WEBSOCKET_PROOF},
    {{"sec-websocket-accept", 20}, WEBSOCKET_PROOF},
};
static _Thread_local struct http_names special_names = HTTP_NAMES(specials);

static enum special special_of(struct slice name)
{
    size_t at = http_names_find(&special_names, name);
    return at < ARRAY_LEN(specials) ? specials[at].what : ORDINARY;
}

/* What the fields say, gathered in one pass. */
struct head {
    struct http_h1_parser *p;
    struct slice host, transfer_encoding, content_length, proof;
    unsigned hosts, encodings, lengths, proofs;
    bool close, keep_alive, upgrades, websocket, continues;
    struct slice nominated[HTTP_H1_NOMINATED_MAX];
    size_t nominations;
};

/* Fields that an intermediary may not be talked into dropping: the ones that say whose the message is, and what. */
static bool is_essential(struct slice name)
{
    static const struct slice names[] = {
        {"host", 4},
        {"content-length", 14},
        {"content-type", 12},
        {"content-encoding", 16},
        {"content-range", 13},
        {"authorization", 13},
        {"cookie", 6},
        {"client-cert", 11},
        {"client-cert-chain", 17},
        {"date", 4},
        {"expect", 6},
        {"range", 5},
        {"signature", 9},
        {"signature-input", 15},
        {"content-digest", 14},
        {"transfer-encoding", 17},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_eq_nocase(name, names[i]))
            return true;
    }
    return slice_starts_nocase(name, SLICE("cmg-")) || slice_starts_nocase(name, SLICE("cmg_")) ||
           slice_starts_nocase(name, SLICE("x-client-")) || slice_starts_nocase(name, SLICE("x-ssl-")) ||
           slice_starts_nocase(name, SLICE("x-forwarded-"));
}

static bool nominate(struct head *h, struct slice name)
{
    if (is_essential(name)) /* of an answer: the nomination is not obeyed */
        return h->p->answers || http_h1_fault(h->p, 400, "Connection names a field that is not the connection's");
    if (h->nominations == HTTP_H1_NOMINATED_MAX)
        return http_h1_fault(h->p, 400, "Connection names too many fields");
    h->nominated[h->nominations++] = name;
    return true;
}

static bool connection_option(struct head *h, struct slice name)
{
    if (!name.len)
        return true;
    if (!http_is_token(name))
        return http_h1_fault(h->p, 400, "Connection is malformed");
    if (slice_eq_nocase(name, SLICE("close")))
        h->close = true;
    else if (slice_eq_nocase(name, SLICE("keep-alive")))
        h->keep_alive = true;
    else if (slice_eq_nocase(name, SLICE("upgrade")))
        h->upgrades = true;
    else
        return special_of(name) == HOP_BY_HOP || nominate(h, name);
    return true;
}

static bool connection_field(struct head *h, struct slice value)
{
    while (value.ptr) {
        if (!connection_option(h, slice_trim(slice_cut(&value, ','))))
            return false;
    }
    return true;
}

/* Of the protocols that the peer would go on with (RFC 9110 7.8), the one that is known here. */
static bool names_websocket(struct slice value)
{
    while (value.ptr) {
        if (slice_eq_nocase(slice_trim(slice_cut(&value, ',')), SLICE(HTTP_WEBSOCKET)))
            return true;
    }
    return false;
}

/* Notes a field of meaning; *keep: it stays in the message. */
static bool note_field(struct head *h, struct slice name, struct slice value, bool *keep)
{
    enum special what = special_of(name);
    *keep = what == ORDINARY || what == EXPECT;
    if (what == HOST) {
        h->host = value;
        h->hosts++;
        *keep = h->p->answers;
    } else if (what == CONTENT_LENGTH) {
        h->content_length = value;
        h->lengths++;
    } else if (what == TRANSFER_ENCODING) {
        h->transfer_encoding = value;
        h->encodings++;
    } else if (what == CONNECTION) {
        return connection_field(h, value);
    } else if (what == UPGRADE) {
        h->websocket |= names_websocket(value);
    } else if (what == WEBSOCKET_PROOF) {
        h->proof = value;
        h->proofs++;
    } else if (what == EXPECT) {
        h->continues |= slice_eq_nocase(value, SLICE("100-continue"));
    }
    return true;
}

static bool is_nominated(void *arg, struct slice name)
{
    const struct head *h = arg;
    for (size_t i = 0; i < h->nominations; i++) {
        if (slice_eq_nocase(h->nominated[i], name))
            return true;
    }
    return false;
}

/* Names lowered, values trimmed, both checked; what is the connection's is taken out of the list. */
static bool read_fields(struct head *h, struct http_fields *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct slice name = f->list[i].name, value = slice_trim(f->list[i].value);
        bool keep;
        if (!http_h1_lower_name(name))
            return http_h1_fault(h->p, 400, "a field name is not a token");
        if (!http_is_field_value(value))
            return http_h1_fault(h->p, 400, "a control character in a field value");
        if (!note_field(h, name, value, &keep))
            return false;
        if (keep)
            f->list[kept++] = (struct http_field){name, value};
    }
    f->count = kept;
    if (h->nominations)
        (void)http_fields_remove_if(f, is_nominated, h);
    return true;
}

/* RFC 9112 6.3, the strict reading: one way only to say where the body ends. */
static bool read_framing(struct head *h, enum http_version version, enum http_h1_framing *ret, int64_t *ret_length)
{
    struct http_h1_parser *p = h->p;
    if (h->encodings) {
        if (version == HTTP_1_0)
            return http_h1_fault(p, 400, "Transfer-Encoding in HTTP/1.0");
        if (h->lengths)
            return http_h1_fault(p, 400, "Transfer-Encoding together with Content-Length");
        if (h->encodings > 1)
            return http_h1_fault(p, 400, "Transfer-Encoding twice");
        if (!slice_eq_nocase(h->transfer_encoding, SLICE("chunked")))
            return http_h1_fault(p, 501, "a Transfer-Encoding other than chunked");
        *ret = HTTP_H1_CHUNKED;
        return true;
    }
    if (!h->lengths)
        return true;
    uint64_t n;
    if (h->lengths > 1)
        return http_h1_fault(p, 400, "Content-Length twice");
    if (!slice_to_u64(h->content_length, &n) || n > INT64_MAX)
        return http_h1_fault(p, 400, "Content-Length is not a number of bytes");
    *ret_length = (int64_t)n;
    *ret = n ? HTTP_H1_COUNTED : HTTP_H1_NO_BODY;
    p->left = n;
    return true;
}

static bool keeps_alive(const struct head *h, enum http_version version)
{
    return !h->close && (version == HTTP_1_1 || h->keep_alive);
}

/* --- requests --- */

/* "https://host/path?query" with the same host becomes "/path?query" (RFC 9112 3.2.2). */
static bool absolute_target(struct head *h, struct http_request *r)
{
    struct slice rest = r->target;
    if (slice_starts_nocase(rest, SLICE("https://")))
        rest = slice_skip(rest, 8);
    else if (slice_starts_nocase(rest, SLICE("http://")))
        rest = slice_skip(rest, 7);
    else
        return http_h1_fault(h->p, 400, "the target has a form that is not taken here");
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
        n++;
    struct slice authority = {rest.ptr, n}, path = slice_skip(rest, n);
    if (!http_is_authority(authority) || (h->hosts && !slice_eq_nocase(authority, h->host)))
        return http_h1_fault(h->p, 400, "the target's host is not that of Host");
    r->authority = authority;
    if (!path.len)
        path = slice_eq(r->method, SLICE("OPTIONS")) ? SLICE("*") : SLICE("/");
    else if (path.ptr[0] == '?')
        path = arena_printf(h->p->arena, "/%" PRIslice, SLICE_ARG(path));
    r->target = path;
    return path.ptr || http_h1_fault(h->p, 431, "the head is too long");
}

static bool read_authority(struct head *h, struct http_request *r)
{
    if (h->hosts > 1)
        return http_h1_fault(h->p, 400, "Host twice");
    if (!h->hosts && r->version == HTTP_1_1)
        return http_h1_fault(h->p, 400, "no Host");
    if (h->hosts && !http_is_authority(h->host))
        return http_h1_fault(h->p, 400, "Host is not a host");
    r->authority = h->hosts ? h->host : SLICE("");
    if (r->target.ptr[0] == '/')
        return true;
    if (!slice_eq(r->target, SLICE("*")))
        return absolute_target(h, r);
    return slice_eq(r->method, SLICE("OPTIONS")) || http_h1_fault(h->p, 400, "the target * is for OPTIONS only");
}

/* RFC 6455 4.2.1. What asks for something else is an ordinary request: a server is free to stay with HTTP. */
static bool asks_for_websocket(const struct head *h, const struct http_request *r)
{
    return h->upgrades && h->websocket && h->proofs == 1 && http_websocket_key_valid(h->proof) &&
           r->version == HTTP_1_1 && !r->has_body && slice_eq(r->method, SLICE("GET"));
}

static bool finish_request(struct http_h1_parser *p)
{
    struct head h = {.p = p};
    struct http_request *r = &p->request;
    p->framing = HTTP_H1_NO_BODY;
    if (!slice_eq(p->url, r->target))
        return http_h1_fault(p, 400, "malformed request line");
    if (!read_fields(&h, &p->raw) || !read_framing(&h, r->version, &p->framing, &r->content_length) ||
        !read_authority(&h, r))
        return false;
    p->keep_alive = keeps_alive(&h, r->version);
    r->fields = p->raw;
    r->has_body = p->framing != HTTP_H1_NO_BODY;
    r->expect_continue = h.continues && r->version == HTTP_1_1 && r->has_body;
    r->protocol = asks_for_websocket(&h, r) ? SLICE(HTTP_WEBSOCKET) : SLICE("");
    p->websocket_proof = h.proof;
    return true;
}

/* --- answers --- */

/* RFC 6455 4.1: what follows is WebSocket, until the end. */
static bool finish_switch(const struct head *h, struct http_response *r)
{
    struct http_h1_parser *p = h->p;
    if (!h->upgrades || !h->websocket || h->proofs != 1)
        return http_h1_fault(p, 400, "an upgrade to something else than WebSocket");
    p->framing = HTTP_H1_BY_EOF;
    p->keep_alive = false;
    p->websocket_proof = h->proof;
    r->content_length = -1;
    r->fields = p->raw;
    return true;
}

static bool finish_answer(struct http_h1_parser *p)
{
    struct head h = {.p = p};
    struct http_response *r = &p->response;
    p->framing = HTTP_H1_BY_EOF;
    if (r->status == 101 && !p->may_switch)
        return http_h1_fault(p, 400, "an upgrade that was not asked for");
    if (!read_fields(&h, &p->raw))
        return false;
    if (p->to_connect && r->status / 100 == 2) /* RFC 9112 6.3: whatever its fields say of a body is passed over */
        p->framing = HTTP_H1_NO_BODY;
    else if (!read_framing(&h, p->answer_version, &p->framing, &r->content_length))
        return false;
    p->keep_alive = keeps_alive(&h, p->answer_version);
    if (r->status == 101)
        return finish_switch(&h, r);
    if (p->to_head || r->status < 200 || r->status == 204 || r->status == 304)
        p->framing = HTTP_H1_NO_BODY;
    if (r->status < 200 || r->status == 204)
        r->content_length = -1; /* RFC 9110 8.6: it has none, whatever the field says */
    if (p->framing == HTTP_H1_BY_EOF)
        p->keep_alive = false;
    r->ends = p->framing == HTTP_H1_NO_BODY;
    r->fields = p->raw;
    return true;
}

bool http_h1_head_finish(struct http_h1_parser *p)
{
    return p->answers ? finish_answer(p) : finish_request(p);
}

bool http_h1_is_framing(struct slice name)
{
    enum special what = special_of(name);
    return what != ORDINARY && what != EXPECT;
}

bool http_h1_trailer_allowed(struct slice name)
{
    return special_of(name) == ORDINARY && !is_essential(name);
}
