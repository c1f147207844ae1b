/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests and answers as data, the same for HTTP/1.1 and HTTP/2 (RFC 9110). Everything lies in an arena. */
#ifndef HTTP_MESSAGE_H
#define HTTP_MESSAGE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    HTTP_FIELDS_MAX = 100,       /* field lines of a head */
    HTTP_HEAD_MAX = 64 * 1024,   /* bytes of a head; over it: 431 */
    HTTP_TARGET_MAX = 16 * 1024, /* bytes of a request target; over it: 414 */
    HTTP_METHOD_MAX = 32,
    HTTP_ARENA_MAX = 256 * 1024, /* all that one exchange may take */
};

struct http_field {
    struct slice name;  /* lower case always (HTTP/1 names are lowered when parsed: names are case-insensitive) */
    struct slice value; /* trimmed; no CR, LF or NUL, checked */
};

struct http_fields {
    struct http_field *list; /* in the order received; repeated names stay apart */
    size_t count, room;
};

enum http_version { HTTP_1_0, HTTP_1_1, HTTP_2 };

struct http_request {
    enum http_version version;
    struct slice method;
    struct slice scheme;       /* "https" / "http" */
    struct slice authority;    /* Host or :authority; "" when an HTTP/1.0 client sent none */
    struct slice target;       /* path and query exactly as received, "/…", or "*" for OPTIONS */
    struct slice protocol;     /* "websocket" (http/websocket.h) where the connection offers it; "" usually */
    bool may_stay;             /* with `protocol`: the asker takes an answer of 2xx, too, as one of HTTP */
    struct http_fields fields; /* without Host, and without the hop-by-hop ones (they are the connection's) */
    int64_t content_length;    /* -1: not known (chunked or HTTP/2 without it) */
    bool has_body;             /* false: no body follows at all */
    bool expect_continue;      /* "Expect: 100-continue" was there (it stays in fields) */
};

struct http_response {
    int status;                /* 100 … 599 */
    struct slice reason;       /* HTTP/1 reason phrase; "" for HTTP/2 */
    struct http_fields fields; /* without the hop-by-hop ones */
    int64_t content_length;    /* -1: not known. For HEAD and 304 it may be set while no body follows. */
    bool ends;                 /* of a call's answer: nothing follows, neither body nor trailers */
};

/* First value of `name` (lower case), or SLICE_NONE (.ptr NULL). */
struct slice http_fields_get(const struct http_fields *f, struct slice name);
size_t http_fields_count(const struct http_fields *f, struct slice name);

/* Appends; name and value are borrowed (must live as long as the arena). R_LIMIT over HTTP_FIELDS_MAX or the arena. */
MUST_USE enum result http_fields_add(struct http_fields *f, struct arena *a, struct slice name, struct slice value);

/* Removes every field for which drop() says so; returns how many. */
size_t http_fields_remove_if(struct http_fields *f, bool (*drop)(void *arg, struct slice name), void *arg);
size_t http_fields_remove(struct http_fields *f, struct slice name);
/* Removes every one of this name, too, and returns what http_fields_get would have. */
struct slice http_fields_take(struct http_fields *f, struct slice name);

/* RFC 9110 5.6.2 token / 5.5 field value without obs-fold. */
bool http_is_token(struct slice s);
bool http_is_field_value(struct slice s);

/* uri-host [ ":" port ] (RFC 9110 7.2), without the characters that no host name needs. */
bool http_is_authority(struct slice s);

/* The field's standard reason phrase: "Not Found"; "" when there is none. */
const char *http_reason(int status);

/* Methods that RFC 9110 9.2.1 calls safe, and PROPFIND (RFC 4918 9.1). */
bool http_method_safe(struct slice method);

#endif
