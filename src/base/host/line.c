/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one line and says what is around it that should not be. What the line means is for who asks. */
#include "base/host/line.h"

#include "base/host/file.h"
#include "base/mem.h"

enum { PASSWORD_MAX = 1024 };

#define BLANKS " \t\r\n\f\v"

/* What editors and shells make of a file. */
static enum result check_form(struct slice s, struct error *err)
{
    static const struct {
        const char *begin, *words;
    } kinds[] = {
        {"\xef\xbb\xbf", "it begins with a byte order mark; save it as UTF-8 without one"},
        {"\xff\xfe", "it is UTF-16, as PowerShell's > writes; save it as UTF-8 or ASCII"},
        {"\xfe\xff", "it is UTF-16; save it as UTF-8 or ASCII"},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (slice_starts(s, slice_of(kinds[i].begin)))
            return error_set(err, R_INVALID, "%s", kinds[i].words);
    }
    if (s.len == 0)
        return error_set(err, R_INVALID, "it is empty");
    if (memchr(s.ptr, '\0', s.len))
        return error_set(err, R_INVALID, "it holds zero bytes; save it as UTF-8 or ASCII");
    return OK;
}

enum result line_password(struct slice text, struct slice *ret, struct error *err)
{
    size_t end = slice_find(text, '\n');
    *ret = (struct slice){text.ptr, end == SIZE_MAX ? text.len : end};
    if (ret->len && ret->ptr[ret->len - 1] == '\r')
        ret->len--;
    return check_form(*ret, err);
}

static bool is_blank(char c)
{
    return c && strchr(BLANKS, c);
}

static struct slice without_blanks(struct slice s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = slice_skip(s, 1);
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

enum result line_token(struct slice text, struct slice *ret, struct error *err)
{
    *ret = without_blanks(text);
    enum result r = check_form(*ret, err);
    if (r != OK)
        return r;
    if (*ret->ptr == '"' || *ret->ptr == '\'')
        return error_set(err, R_INVALID, "it stands in quotes; leave them out");
    for (size_t i = 0; i < ret->len; i++) {
        if (is_blank(ret->ptr[i]))
            return error_set(err, R_INVALID, "it is more than one word; leave in it the token alone, in one line");
    }
    return OK;
}

/* --- files --- */

typedef enum result take_fn(struct slice text, struct slice *ret, struct error *err);

static enum result read_with(take_fn *take, const char *path, size_t max, char **ret, size_t *ret_len,
                             struct error *err)
{
    char *text;
    size_t len;
    struct slice line;
    enum result r = file_read(path, max, &text, &len, err);
    if (r != OK)
        return r;
    r = take(slice_make(text, len), &line, err);
    if (r == OK) {
        *ret = slice_dup(line);
        *ret_len = line.len;
    }
    mem_free_secret(text, len);
    return r == OK ? OK : error_prefix(err, "%s", path);
}

enum result line_read_password(const char *path, char **ret, size_t *ret_len, struct error *err)
{
    return read_with(line_password, path, PASSWORD_MAX, ret, ret_len, err);
}

enum result line_read_token(const char *path, size_t max, char **ret, size_t *ret_len, struct error *err)
{
    return read_with(line_token, path, max, ret, ret_len, err);
}
