/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the two dictionaries. Text of a parameter is printable without quote and backslash, so that writing it
 * again gives what was read. */
#include "jose/httpsig/sigparse.h"

#include "base/ascii.h"
#include "base/text/encode.h"

static const char *const components[] = {
    [SIG_METHOD] = "@method",
    [SIG_TARGET] = "cmg-target",
    [SIG_DIGEST] = "content-digest",
};

static const struct {
    const char *name;
    size_t max;
} params[] = {
    [SIG_CREATED] = {"created", 15}, /* RFC 8941 3.3.1: at most 15 digits */
    [SIG_NONCE] = {"nonce", 64},     [SIG_KEYID] = {"keyid", 64}, [SIG_ALG] = {"alg", 32}, [SIG_TAG] = {"tag", 16},
};

const char *sigparse_component_name(enum sigparse_component c)
{
    return components[c];
}

const char *sigparse_param_name(enum sigparse_param p)
{
    return params[p].name;
}

static bool take(struct slice *at, const char *text)
{
    struct slice wanted = slice_of(text);
    if (!slice_starts(*at, wanted))
        return false;
    *at = slice_skip(*at, wanted.len);
    return true;
}

static void skip_spaces(struct slice *at)
{
    while (at->len && at->ptr[0] == ' ')
        *at = slice_skip(*at, 1);
}

/* RFC 8941 4.2.5, without escapes. */
static bool take_string(struct slice *at, size_t max, struct slice *ret)
{
    if (!take(at, "\""))
        return false;
    size_t len = 0;
    while (len < at->len && at->ptr[len] != '"') {
        char c = at->ptr[len];
        if (c < 0x20 || c > 0x7e || c == '\\')
            return false;
        len++;
    }
    *ret = slice_make(at->ptr, len);
    *at = slice_skip(*at, len);
    return len > 0 && len <= max && take(at, "\"");
}

static bool take_integer(struct slice *at, size_t max, int64_t *ret)
{
    size_t len = 0;
    while (len < at->len && ascii_is_digit(at->ptr[len]))
        len++;
    uint64_t value;
    bool canonical = len == 1 || (len > 1 && at->ptr[0] != '0');
    if (!canonical || len > max || !slice_to_u64(slice_make(at->ptr, len), &value))
        return false;
    *ret = (int64_t)value;
    *at = slice_skip(*at, len);
    return true;
}

static bool is_key_char(char c, bool first)
{
    return ascii_is_small(c) || (c && strchr("-_.*", c)) || (!first && ascii_is_digit(c));
}

/* RFC 8941 4.2.3.3. */
static struct slice take_key(struct slice *at)
{
    size_t len = 0;
    while (len < at->len && is_key_char(at->ptr[len], len == 0))
        len++;
    struct slice key = slice_make(at->ptr, len);
    *at = slice_skip(*at, len);
    return key;
}

static enum result parse_components(struct slice *at, struct sigparse_input *ret, struct error *err)
{
    unsigned seen = 0;
    for (size_t n = 0; n < SIGPARSE_COMPONENTS; n++) {
        struct slice name;
        size_t before = at->len, i = 0;
        skip_spaces(at);
        if ((n > 0 && at->len == before) || !take_string(at, 64, &name))
            return error_set(err, R_INVALID, "Signature-Input: expected are the components %s, %s and %s",
                             components[0], components[1], components[2]);
        while (i < ARRAY_LEN(components) && !slice_eq(name, slice_of(components[i])))
            i++;
        if (i == ARRAY_LEN(components) || (seen & (1u << i)))
            return error_set(err, R_INVALID, "Signature-Input: a component is unknown, has parameters or stands twice");
        seen |= 1u << i;
        ret->components[n] = (enum sigparse_component)i;
    }
    skip_spaces(at);
    if (!take(at, ")"))
        return error_set(err, R_INVALID, "Signature-Input: there are other components than the three expected");
    return OK;
}

static enum result parse_param(struct slice *at, unsigned *seen, size_t n, struct sigparse_input *ret,
                               struct error *err)
{
    struct slice name = take_key(at);
    size_t i = 0;
    while (i < ARRAY_LEN(params) && !slice_eq(name, slice_of(params[i].name)))
        i++;
    if (i == ARRAY_LEN(params) || (*seen & (1u << i)))
        return error_set(err, R_INVALID, "Signature-Input: a parameter is unknown or stands twice");
    bool ok = take(at, "=") && (i == SIG_CREATED ? take_integer(at, params[i].max, &ret->created)
                                                 : take_string(at, params[i].max, &ret->text[i]));
    if (!ok)
        return error_set(err, R_INVALID, "Signature-Input: parameter '%s' is malformed or over %zu characters",
                         params[i].name, params[i].max);
    *seen |= 1u << i;
    ret->params[n] = (enum sigparse_param)i;
    return OK;
}

enum result sigparse_input(struct slice field, struct sigparse_input *ret, struct error *err)
{
    memset(ret, 0, sizeof *ret);
    if (field.len > SIGPARSE_FIELD_MAX)
        return error_set(err, R_INVALID, "Signature-Input is over %d bytes", SIGPARSE_FIELD_MAX);
    struct slice at = slice_trim(field);
    if (!take(&at, "cmg=("))
        return error_set(err, R_INVALID, "Signature-Input: expected is one member: cmg=(…)");
    enum result r = parse_components(&at, ret, err);
    unsigned seen = 0;
    for (size_t n = 0; n < SIGPARSE_PARAMS && r == OK; n++) {
        if (!take(&at, ";"))
            return error_set(err, R_INVALID, "Signature-Input: one of created, nonce, keyid, alg and tag is missing");
        skip_spaces(&at);
        r = parse_param(&at, &seen, n, ret, err);
    }
    if (r == OK && at.len)
        r = error_set(err, R_INVALID, "Signature-Input: something stands behind the parameters");
    return r;
}

enum result sigparse_bytes(struct slice field, const char *name, void *ret, size_t size, size_t *ret_len,
                           struct error *err)
{
    struct slice at = slice_trim(field);
    if (field.len > SIGPARSE_FIELD_MAX || !take(&at, name) || !take(&at, "=:") || at.len == 0 ||
        at.ptr[at.len - 1] != ':')
        return error_set(err, R_INVALID, "expected is one member: %s=:base64:", name);
    at.len--;
    if (!decode_base64(at, ret, size, ret_len))
        return error_set(err, R_INVALID, "what stands between the colons of %s is not base64, or too long", name);
    return OK;
}
