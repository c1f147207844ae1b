/* SPDX-License-Identifier: Apache-2.0 */
/* Puts together what a proxy is shown; no copy of a password stays in memory that was given back. */
#include "net/proxy_login.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/text/encode.h"

enum { PART_MAX = 1024 /* bytes of a user or a password */ };

enum result net_proxy_user_check(struct slice user, struct error *err)
{
    if (user.len == 0 || user.len > PART_MAX)
        return error_set(err, R_INVALID, "a user has 1 to %d bytes", PART_MAX);
    for (size_t i = 0; i < user.len; i++) {
        if ((unsigned char)user.ptr[i] < ' ' || user.ptr[i] == 0x7f || user.ptr[i] == ':')
            return error_set(err, R_INVALID,
                             "a colon or control character in a user's name, which Basic can't tell (RFC 7617)");
    }
    return OK;
}

enum result net_proxy_basic(const char *user, struct slice password, char **ret, struct error *err)
{
    struct buf pair, value;
    buf_init_secret(&pair, 2 * PART_MAX + 1);
    buf_init_secret(&value, NET_PROXY_LOGIN_MAX);
    enum result r = net_proxy_user_check(slice_of(user), err);
    if (r == OK &&
        (password.len > PART_MAX || buf_printf(&pair, "%s:", user) != OK || buf_append(&pair, password) != OK))
        r = error_set(err, R_LIMIT, "the password is longer than %d bytes", PART_MAX);
    char *text = r == OK ? buf_reserve(&value, sizeof "Basic " + BASE64_SIZE(buf_len(&pair))) : NULL;
    if (text) {
        memcpy(text, "Basic ", sizeof "Basic ");
        buf_commit(&value, strlen("Basic ") + encode_base64(buf_data(&pair), text + strlen("Basic ")));
        *ret = slice_dup(buf_data(&value));
    }
    buf_free(&pair);
    buf_free(&value);
    return r;
}

enum result net_proxy_basic_file(const char *user, const char *path, char **ret, struct error *err)
{
    char *text = NULL;
    size_t len = 0;
    enum result r = file_check_private(path, err);
    if (r == OK)
        r = file_read_text(path, PART_MAX, &text, &len, err);
    if (r != OK)
        return r;
    struct slice rest = slice_make(text, len), line = slice_cut(&rest, '\n');
    if (slice_ends(line, SLICE("\r")))
        line.len--;
    r = net_proxy_basic(user, line, ret, err);
    explicit_bzero(text, len);
    free(text);
    return r;
}

enum result net_proxy_printed(const char *program, struct slice said, char **ret, struct error *err)
{
    struct buf value;
    bool bad = false;
    while (said.len && strchr(" \t\r\n", said.ptr[said.len - 1]))
        said.len--;
    for (size_t i = 0; i < said.len; i++)
        bad |= said.ptr[i] < ' ' || said.ptr[i] > '~';
    if (bad || said.len == 0 || said.ptr[0] == ' ')
        return error_set(err, R_INVALID,
                         "%.200s printed something else than one line, 'Negotiate TOKEN' or the token alone", program);
    buf_init_secret(&value, NET_PROXY_LOGIN_MAX);
    enum result r = buf_append_str(&value, slice_find(said, ' ') == SIZE_MAX ? "Negotiate " : "");
    if (r == OK)
        r = buf_append(&value, said);
    if (r == OK)
        *ret = slice_dup(buf_data(&value));
    else
        r = error_set(err, R_LIMIT, "%.200s printed more than %d bytes", program, NET_PROXY_LOGIN_MAX);
    buf_free(&value);
    return r;
}
