/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and reads join strings. What is wrong with one that somebody pasted is told in words, never by quoting it. */
#include "bundle/join/string.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "jose/jws/private.h"

static const struct join_kind_info kinds[] = {
    [JOIN_CONNECTOR] = {"connector", "cmgc1.", "cmg-connector join", "cmg connector add ID --join"},
    [JOIN_GATEWAY] = {"gateway", "cmgg1.", "cmg-gateway join", "cmg gateway add ID --host NAME --join"},
    [JOIN_DEVICE] = {"device", "cmg1.", "cmg-client join", "cmg enrollment --join"},
};

const struct join_kind_info *join_kind_info(enum join_kind kind)
{
    return &kinds[kind];
}

bool join_kind_find(const char *name, enum join_kind *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *ret = (enum join_kind)i;
            return true;
        }
    }
    return false;
}

/* --- making --- */

char *join_string_make(enum join_kind kind, json_t *content)
{
    (void)json_object_set_new(content, "v", json_integer(1));
    char *json = json_text(content);
    size_t prefix = strlen(kinds[kind].prefix), len = strlen(json);
    char *text = mem_zalloc(prefix + BASE64_SIZE(len));
    memcpy(text, kinds[kind].prefix, prefix);
    (void)encode_base64url(slice_make(json, len), text + prefix);
    mem_free_secret(json, len);
    return text;
}

/* --- reading --- */

void join_string_done(struct join_string *s)
{
    EVP_PKEY_free(s->key);
    json_decref(s->content);
    *s = (struct join_string){0};
}

/* The characters that count, malloc'ed. */
static char *clean(struct slice text, size_t *ret_len)
{
    char *own = mem_zalloc(text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!strchr(" \t\r\n'\"", c))
            own[len++] = c;
    }
    *ret_len = len;
    return own;
}

/* Three parts that dots divide; the first is a pin. */
static bool is_bulk_token(struct slice text)
{
    struct slice rest = slice_skip(text, strlen(kinds[JOIN_DEVICE].prefix)), pin = slice_cut(&rest, '.');
    return slice_starts(text, slice_of(kinds[JOIN_DEVICE].prefix)) && pin.len == PKI_HASH_HEX - 1 && rest.ptr;
}

bool join_string_is_device(struct slice text)
{
    return slice_starts(text, slice_of(kinds[JOIN_DEVICE].prefix)) && !is_bulk_token(text);
}

static enum result check_prefix(struct slice text, enum join_kind kind, struct error *err)
{
    if (text.len == 0)
        return error_set(err, R_INVALID, "there is no join string: make one at the site with: %s", kinds[kind].again);
    if (is_bulk_token(text))
        return error_set(err, R_INVALID,
                         "this is a bulk token alone, without what a device must know of its site: "
                         "cmg-client register --token-file FILE takes it; a join string makes: %s",
                         kinds[JOIN_DEVICE].again);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!slice_starts(text, slice_of(kinds[i].prefix)))
            continue;
        if (i == (size_t)kind)
            return OK;
        return error_set(err, R_INVALID, "this is a %s's string: run %s", kinds[i].name, kinds[i].command);
    }
    return error_set(err, R_INVALID, "this is no join string, which begins with %s; make one at the site with: %s",
                     kinds[kind].prefix, kinds[kind].again);
}

static enum result cut_off(enum join_kind kind, struct error *err)
{
    return error_set(
        err, R_INVALID,
        "the string is not whole: copy all of the line, from %s to its last letter, as the site printed it",
        kinds[kind].prefix);
}

static enum result decode(struct slice text, enum join_kind kind, json_t **ret, struct error *err)
{
    struct slice rest = slice_skip(text, strlen(kinds[kind].prefix));
    char *json = mem_zalloc(rest.len + 1);
    size_t len = 0;
    bool ok = decode_base64url(rest, json, rest.len, &len) &&
              json_parse(slice_make(json, len), JOIN_TEXT_MAX, ret, NULL) == OK;
    mem_free_secret(json, rest.len);
    return ok ? OK : cut_off(kind, err);
}

static bool copy(const json_t *o, const char *name, char *ret, size_t size)
{
    const char *text = json_opt_str(o, name, "");
    return *text && slice_to_cstr(slice_of(text), ret, size);
}

static bool read_gateway(struct join_string *s)
{
    int64_t port = json_opt_int(s->content, "port", 443);
    s->port = (uint16_t)port;
    return copy(s->content, "host", s->host, sizeof s->host) && port >= 1 && port <= 65535;
}

static bool read_role(struct join_string *s)
{
    return copy(s->content, "id", s->id, sizeof s->id) &&
           jose_private_key(json_object_get(s->content, "key"), &s->key, NULL) == OK;
}

static bool read_members(struct join_string *s)
{
    const json_t *o = s->content;
    size_t len;
    s->expires = json_opt_int(o, "expires", 0);
    if (!copy(o, "site", s->site, sizeof s->site) ||
        !decode_hex(slice_of(json_opt_str(o, "pin", "")), s->pin, sizeof s->pin, &len) || len != sizeof s->pin)
        return false;
    if (s->kind == JOIN_DEVICE)
        return *json_opt_str(o, "token", "");
    if (!read_role(s))
        return false;
    return s->kind == JOIN_GATEWAY ? read_gateway(s) : json_array_size(json_object_get(o, "urls")) > 0;
}

static enum result check_time(const struct join_string *s, int64_t now, struct error *err)
{
    char then[CLOCK_TEXT_SIZE], here[CLOCK_TEXT_SIZE];
    if (s->expires > now)
        return OK;
    clock_rfc3339(s->expires, then);
    clock_rfc3339(now, here);
    return error_set(err, R_TIMEOUT,
                     "the string expired at %s, and this machine's clock says %s: make another at the site with: %s; "
                     "or set this machine's clock, if it is wrong",
                     then, here, kinds[s->kind].again);
}

static enum result read_content(struct slice text, int64_t now, struct join_string *ret, struct error *err)
{
    enum result r = decode(text, ret->kind, &ret->content, err);
    if (r != OK)
        return r;
    if (json_opt_int(ret->content, "v", 0) != 1)
        return error_set(err, R_INVALID,
                         "the string is of a version that this program does not know; it knows 1: use programs of the "
                         "site's version");
    if (!read_members(ret))
        return cut_off(ret->kind, err);
    return check_time(ret, now, err);
}

enum result join_string_read(struct slice text, enum join_kind kind, int64_t now, struct join_string *ret,
                             struct error *err)
{
    *ret = (struct join_string){.kind = kind};
    if (text.len > JOIN_TEXT_MAX)
        return error_set(err, R_LIMIT, "a join string has %d characters at most", JOIN_TEXT_MAX);
    size_t len;
    char *own = clean(text, &len);
    enum result r = check_prefix(slice_make(own, len), kind, err);
    if (r == OK)
        r = read_content(slice_make(own, len), now, ret, err);
    mem_free_secret(own, text.len);
    if (r != OK)
        join_string_done(ret);
    return r;
}
