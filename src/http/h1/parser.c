/* SPDX-License-Identifier: Apache-2.0 */
/* The engine of h1/parser.h: gathering a head, running llhttp, bodies. What a head means is judged in h1/head.c. */
#include "http/h1/parser.h"

enum { EMPTIES_MAX = 4, CHUNK_SIZE_MAX = 16 };

bool http_h1_fault(struct http_h1_parser *p, int status, const char *what)
{
    if (p->stage != HTTP_H1_FAILED) {
        p->stage = HTTP_H1_FAILED;
        p->status = status;
        p->what = what;
    }
    return false;
}

/* --- llhttp's callbacks --- */

static bool in_head(const struct http_h1_parser *p)
{
    return p->stage == HTTP_H1_IN_HEAD;
}

static int on_url(llhttp_t *t, const char *at, size_t len)
{
    struct http_h1_parser *p = t->data;
    p->url = slice_make(at, len);
    return HPE_OK;
}

/* A head is one piece, so a name is followed by its colon in memory. A blank between them, which llhttp passes over,
 * is refused (RFC 9112 5.1). */
static int head_name(struct http_h1_parser *p, const char *at, size_t len)
{
    if (at[len] != ':' || p->raw.count >= p->raw.room)
        return HPE_INVALID_HEADER_TOKEN;
    p->raw.list[p->raw.count++] = (struct http_field){{at, len}, {at + len, 0}};
    return HPE_OK;
}

static int on_field(llhttp_t *t, const char *at, size_t len)
{
    struct http_h1_parser *p = t->data;
    if (in_head(p))
        return head_name(p, at, len);
    if (!p->answers || buf_append(&p->partial, slice_make(at, len)) != OK)
        return HPE_USER;
    p->trailer_name += len;
    return HPE_OK;
}

static int on_value(llhttp_t *t, const char *at, size_t len)
{
    struct http_h1_parser *p = t->data;
    if (!in_head(p))
        return buf_append(&p->partial, slice_make(at, len)) == OK ? HPE_OK : HPE_USER;
    if (!p->raw.count)
        return HPE_INVALID_HEADER_TOKEN;
    p->raw.list[p->raw.count - 1].value = slice_make(at, len);
    return HPE_OK;
}

static int on_value_complete(llhttp_t *t)
{
    struct http_h1_parser *p = t->data;
    if (in_head(p))
        return HPE_OK;
    if (!p->arena)
        return HPE_USER;
    struct slice all = arena_dup(p->arena, buf_data(&p->partial));
    size_t name_len = p->trailer_name;
    buf_free(&p->partial);
    p->trailer_name = 0;
    struct slice name = slice_make(all.ptr, name_len), value = slice_trim(slice_skip(all, name_len));
    if (!all.ptr || !http_h1_lower_name(name) || !http_is_field_value(value))
        return HPE_USER;
    if (!http_h1_trailer_allowed(name))
        return HPE_USER;
    return http_fields_add(&p->trailers, p->arena, name, value) == OK ? HPE_OK : HPE_USER;
}

static int on_headers_complete(llhttp_t *t)
{
    (void)t;
    return HPE_PAUSED;
}

static int on_chunk_header(llhttp_t *t)
{
    struct http_h1_parser *p = t->data;
    p->chunk_begins = true;
    return HPE_PAUSED;
}

static int on_body(llhttp_t *t, const char *at, size_t len)
{
    struct http_h1_parser *p = t->data;
    p->data = slice_make(at, len);
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *t)
{
    struct http_h1_parser *p = t->data;
    p->message_complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* --- the head --- */

static void message_reset(struct http_h1_parser *p)
{
    arena_free(p->arena);
    p->arena = NULL;
    p->stage = HTTP_H1_IN_HEAD;
    p->raw = p->trailers = (struct http_fields){0};
    p->line = p->scanned = p->lines = p->trailer_name = 0;
    p->extensions = p->line_bytes = p->trailer_bytes = 0;
    p->in_extension = p->in_trailers = p->message_complete = p->chunk_begins = false;
    p->empties = 0;
    p->url = SLICE_NONE;
}

void http_h1_parser_init(struct http_h1_parser *p, bool answers)
{
    *p = (struct http_h1_parser){.answers = answers};
    buf_init(&p->partial, HTTP_HEAD_MAX + 1);
}

void http_h1_parser_free(struct http_h1_parser *p)
{
    message_reset(p);
    buf_free(&p->partial);
}

struct arena *http_h1_parser_take_arena(struct http_h1_parser *p)
{
    struct arena *a = p->arena;
    p->arena = NULL;
    return a;
}

bool http_h1_parser_idle(const struct http_h1_parser *p)
{
    return p->stage == HTTP_H1_IN_HEAD && !buf_len(&p->partial) && !p->empties;
}

/* Empty lines before a message, which RFC 9112 2.2 says to pass over before a request; a few of them. */
static bool skip_empty_lines(struct http_h1_parser *p, struct slice *in)
{
    if (buf_len(&p->partial))
        return true;
    while (in->len && (*in->ptr == '\r' || p->empties % 2)) {
        if (p->answers || p->empties >= EMPTIES_MAX || *in->ptr != (p->empties % 2 ? '\n' : '\r'))
            return http_h1_fault(p, 400, "the message does not begin with a start line");
        p->empties++;
        *in = slice_skip(*in, 1);
    }
    return true;
}

static bool check_line(struct http_h1_parser *p, struct slice line)
{
    if (line.len < 2 || line.ptr[line.len - 2] != '\r')
        return http_h1_fault(p, 400, "a line ends without CR");
    if (slice_find(line, '\r') != line.len - 2)
        return http_h1_fault(p, 400, "a CR without LF in the head");
    if (p->lines && (*line.ptr == ' ' || *line.ptr == '\t'))
        return http_h1_fault(p, 400, "a folded field line");
    return true;
}

enum scan { SCAN_MORE, SCAN_WHOLE, SCAN_FAULT };

/* Looks at the lines of the head, s being all of it so far. Each rule depends on a position in the head alone, never on
 * how much of it is there, so that the first fault is always the same one. WHOLE: the head ends at p->line. */
static enum scan scan_lines(struct http_h1_parser *p, struct slice s)
{
    for (;;) {
        if (!p->lines && !http_h1_check_start(p, s))
            return SCAN_FAULT;
        size_t lf = slice_find(slice_skip(s, p->scanned), '\n');
        size_t end = lf == SIZE_MAX ? s.len : p->scanned + lf + 1;
        if (end > HTTP_HEAD_MAX) {
            (void)http_h1_fault(p, 431, "the head is too long");
            return SCAN_FAULT;
        }
        p->scanned = end;
        if (lf == SIZE_MAX)
            return SCAN_MORE;
        struct slice line = {s.ptr + p->line, end - p->line};
        if (!check_line(p, line))
            return SCAN_FAULT;
        p->line = end;
        if (line.len == 2)
            return SCAN_WHOLE;
        if (++p->lines > HTTP_FIELDS_MAX + 1) {
            (void)http_h1_fault(p, 431, "too many field lines");
            return SCAN_FAULT;
        }
    }
}

/* llhttp knows a fixed list of methods and gives some of them a meaning; every request's is shown to it as POST, and
 * ours was checked to be a token. */
static bool tokenize(struct http_h1_parser *p, struct slice head)
{
    llhttp_init(&p->tokens, p->answers ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    p->tokens.data = p;
    if (!p->answers && llhttp_execute(&p->tokens, "POST", 4) != HPE_OK)
        return http_h1_fault(p, 400, "bad request line");
    struct slice rest = slice_skip(head, p->answers ? 0 : p->request.method.len);
    llhttp_errno_t e = llhttp_execute(&p->tokens, rest.ptr, rest.len);
    if (e == HPE_OK)
        return http_h1_fault(p, 400, "malformed head");
    if (e != HPE_PAUSED)
        return http_h1_fault(p, 400, llhttp_get_error_reason(&p->tokens));
    /* What llhttp took for lines must be what the line check took for lines. */
    if (llhttp_get_error_pos(&p->tokens) != head.ptr + head.len || p->raw.count != p->lines - 1)
        return http_h1_fault(p, 400, "malformed head");
    return true;
}

static bool room_for_fields(struct http_h1_parser *p)
{
    enum { SPARE = 8 }; /* for what handlers add */
    p->raw.room = p->lines - 1 + SPARE < HTTP_FIELDS_MAX ? p->lines - 1 + SPARE : HTTP_FIELDS_MAX;
    p->raw.list = arena_alloc(p->arena, p->raw.room * sizeof *p->raw.list);
    return p->raw.list != NULL;
}

static enum http_h1_event head_whole(struct http_h1_parser *p, struct slice borrowed)
{
    p->arena = arena_new(HTTP_ARENA_MAX);
    struct slice head = arena_dup(p->arena, borrowed);
    if (!head.ptr || !p->lines || !room_for_fields(p)) {
        (void)http_h1_fault(p, 400, "malformed head");
        return HTTP_H1_FAIL;
    }
    struct slice start = {head.ptr, slice_find(head, '\r')};
    if (!http_h1_start_line(p, start) || !tokenize(p, head) || !http_h1_head_finish(p))
        return HTTP_H1_FAIL;
    static const enum http_h1_stage next[] = {
        [HTTP_H1_NO_BODY] = HTTP_H1_IN_END,
        [HTTP_H1_COUNTED] = HTTP_H1_IN_COUNTED,
        [HTTP_H1_CHUNKED] = HTTP_H1_IN_CHUNKED,
        [HTTP_H1_BY_EOF] = HTTP_H1_UNTIL_EOF,
    };
    p->informed = p->answers && p->response.status < 200 && p->response.status != 101;
    p->informs = p->informed ? p->informs + 1 : 0;
    if (p->informs > HTTP_H1_INFORMS_MAX) {
        (void)http_h1_fault(p, 400, "too many 1xx answers");
        return HTTP_H1_FAIL;
    }
    p->stage = p->informed ? HTTP_H1_IN_INFORMED : next[p->framing];
    p->last = '\n';
    p->empties = 0;
    return HTTP_H1_HEAD;
}

/* The head comes in pieces: they are gathered in `partial`. */
static enum http_h1_event parse_gathered(struct http_h1_parser *p, struct slice *in)
{
    size_t before = buf_len(&p->partial), room = HTTP_HEAD_MAX + 1 - before;
    size_t n = in->len < room ? in->len : room;
    if (buf_append(&p->partial, slice_make(in->ptr, n)) != OK) {
        (void)http_h1_fault(p, 431, "the head is too long");
        return HTTP_H1_FAIL;
    }
    struct slice all = buf_data(&p->partial);
    enum scan got = scan_lines(p, all);
    *in = slice_skip(*in, got == SCAN_WHOLE ? p->line - before : n);
    if (got != SCAN_WHOLE)
        return got == SCAN_MORE ? HTTP_H1_MORE : HTTP_H1_FAIL;
    enum http_h1_event e = head_whole(p, (struct slice){all.ptr, p->line});
    buf_free(&p->partial);
    return e;
}

static enum http_h1_event parse_head(struct http_h1_parser *p, struct slice *in)
{
    if (!skip_empty_lines(p, in))
        return HTTP_H1_FAIL;
    if (!in->len)
        return HTTP_H1_MORE;
    if (buf_len(&p->partial))
        return parse_gathered(p, in);
    struct slice all = *in;
    enum scan got = scan_lines(p, all);
    *in = slice_skip(all, got == SCAN_WHOLE ? p->line : all.len);
    if (got == SCAN_WHOLE)
        return head_whole(p, (struct slice){all.ptr, p->line});
    if (got == SCAN_MORE && buf_append(&p->partial, all) == OK)
        return HTTP_H1_MORE;
    (void)http_h1_fault(p, 431, "the head is too long");
    return HTTP_H1_FAIL;
}

/* --- bodies --- */

static enum http_h1_event parse_counted(struct http_h1_parser *p, struct slice *in, struct slice *ret_data)
{
    if (!in->len)
        return HTTP_H1_MORE;
    size_t n = in->len < p->left ? in->len : (size_t)p->left;
    *ret_data = slice_make(in->ptr, n);
    *in = slice_skip(*in, n);
    p->left -= n;
    if (!p->left)
        p->stage = HTTP_H1_IN_END;
    return HTTP_H1_DATA;
}

/* One byte between the pieces of a chunked body: sizes, extensions, line ends, trailers (RFC 9112 7.1). */
static bool framing_byte(struct http_h1_parser *p, char c)
{
    if (c == '\n' ? p->last != '\r' : p->last == '\r')
        return http_h1_fault(p, 400, "a CR or LF alone in the chunked body's framing");
    if ((unsigned char)c < ' ' && c != '\r' && c != '\n' && c != '\t')
        return http_h1_fault(p, 400, "a control character in the chunked body's framing");
    if (p->last == '\n' && (c == ' ' || c == '\t'))
        return http_h1_fault(p, 400, "a blank at the begin of a line of the chunked body's framing");
    p->last = c;
    if (p->in_trailers && !p->answers && c != '\r' && c != '\n')
        return http_h1_fault(p, 400, "trailers in a request are not taken here");
    if (p->in_trailers)
        return ++p->trailer_bytes <= HTTP_H1_TRAILERS_MAX || http_h1_fault(p, 400, "the trailers are too long");
    if (c == '\n' || c == '\r') {
        p->line_bytes = 0;
        p->in_extension = false;
        return true;
    }
    if (c == ';')
        p->in_extension = true;
    if (p->in_extension)
        return ++p->extensions <= HTTP_H1_EXTENSIONS_MAX || http_h1_fault(p, 400, "the chunk extensions are too long");
    return ++p->line_bytes <= CHUNK_SIZE_MAX || http_h1_fault(p, 400, "the chunk size is too long");
}

static bool check_framing(struct http_h1_parser *p, const char *from, const char *to)
{
    for (; from < to; from++) {
        if (!framing_byte(p, *from))
            return false;
    }
    return true;
}

static bool chunked_step(struct http_h1_parser *p, struct slice *in)
{
    p->data = SLICE_NONE;
    p->chunk_begins = false;
    llhttp_resume(&p->tokens);
    llhttp_errno_t e = llhttp_execute(&p->tokens, in->ptr, in->len);
    const char *at = e == HPE_OK ? in->ptr + in->len : llhttp_get_error_pos(&p->tokens);
    if (!check_framing(p, in->ptr, p->data.ptr ? p->data.ptr : at))
        return false;
    if (e == HPE_USER)
        return http_h1_fault(p, 400, "bad trailers");
    if (e != HPE_OK && e != HPE_PAUSED)
        return http_h1_fault(p, 400, llhttp_get_error_reason(&p->tokens));
    *in = slice_skip(*in, (size_t)(at - in->ptr));
    if (p->data.len)
        p->last = 0;
    if (p->chunk_begins)
        p->in_trailers = p->tokens.content_length == 0;
    return true;
}

static enum http_h1_event parse_chunked(struct http_h1_parser *p, struct slice *in, struct slice *ret_data)
{
    while (in->len) {
        if (!chunked_step(p, in))
            return HTTP_H1_FAIL;
        if (p->message_complete) {
            if (buf_len(&p->partial))
                return http_h1_fault(p, 400, "bad trailers"), HTTP_H1_FAIL;
            p->stage = HTTP_H1_IN_HEAD;
            return HTTP_H1_END;
        }
        if (p->data.len) {
            *ret_data = p->data;
            return HTTP_H1_DATA;
        }
    }
    return HTTP_H1_MORE;
}

static enum http_h1_event parse_until_eof(struct slice *in, struct slice *ret_data)
{
    if (!in->len)
        return HTTP_H1_MORE;
    *ret_data = *in;
    *in = slice_skip(*in, in->len);
    return HTTP_H1_DATA;
}

enum http_h1_event http_h1_parse(struct http_h1_parser *p, struct slice *in, struct slice *ret_data)
{
    switch (p->stage) {
    case HTTP_H1_IN_INFORMED:
        message_reset(p);
        return parse_head(p, in);
    case HTTP_H1_IN_HEAD:
        if (p->lines && !buf_len(&p->partial))
            message_reset(p); /* the one before is over */
        return parse_head(p, in);
    case HTTP_H1_IN_COUNTED:
        return parse_counted(p, in, ret_data);
    case HTTP_H1_IN_CHUNKED:
        return parse_chunked(p, in, ret_data);
    case HTTP_H1_UNTIL_EOF:
        return parse_until_eof(in, ret_data);
    case HTTP_H1_IN_END:
        p->stage = HTTP_H1_IN_HEAD;
        return HTTP_H1_END;
    case HTTP_H1_FAILED:
        break;
    }
    return HTTP_H1_FAIL;
}

void http_h1_parser_switch(struct http_h1_parser *p)
{
    p->stage = HTTP_H1_UNTIL_EOF;
}

enum http_h1_event http_h1_parse_eof(struct http_h1_parser *p)
{
    if (p->stage == HTTP_H1_UNTIL_EOF) {
        p->stage = HTTP_H1_IN_HEAD;
        return HTTP_H1_END;
    }
    if (p->stage == HTTP_H1_IN_HEAD && !buf_len(&p->partial) && !p->informed)
        return HTTP_H1_MORE;
    (void)http_h1_fault(p, 400, "the peer closed in the middle of a message");
    return HTTP_H1_FAIL;
}
