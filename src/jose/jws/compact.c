/* SPDX-License-Identifier: Apache-2.0 */
/* Strict splitting and decoding: one text has one reading, so that a token can't be spelt in a second way. */
#include "jose/jws/compact.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "base/text/encode.h"
#include "json/json.h"

enum { SIGNATURE_MAX = 1024 };

static bool base64url_text(struct slice s)
{
    return s.len > 0 && s.len % 4 != 1 && ascii_all_alnum_or(s, "-_");
}

enum result compact_split(struct slice text, size_t max, struct compact *ret, struct error *err)
{
    *ret = (struct compact){SLICE_NONE, SLICE_NONE, SLICE_NONE};
    if (text.len > max)
        return error_set(err, R_LIMIT, "%zu bytes, at most %zu are taken", text.len, max);
    struct slice rest = text;
    ret->header = slice_cut(&rest, '.');
    ret->payload = slice_cut(&rest, '.');
    ret->signature = slice_cut(&rest, '.');
    if (rest.ptr)
        return error_set(err, R_INVALID, "has more than three parts (expected: header.payload.signature)");
    if (!base64url_text(ret->header))
        return error_set(err, R_INVALID, "the header is not base64url");
    if (!base64url_text(ret->payload))
        return error_set(err, R_INVALID, "the payload is not base64url, or missing");
    if (!base64url_text(ret->signature))
        return error_set(err, R_INVALID, "the signature is not base64url, or missing");
    return OK;
}

enum result compact_object(struct slice part, const char *what, json_t **ret, struct error *err)
{
    *ret = NULL;
    size_t size = part.len / 4 * 3 + 3, len = 0;
    char *bytes = mem_zalloc(size);
    enum result r;
    if (!decode_base64url(part, bytes, size, &len))
        r = error_set(err, R_INVALID, "is not base64url without left-over bits");
    else
        r = json_parse(slice_make(bytes, len), size, ret, err);
    free(bytes);
    if (r == OK && !json_is_object(*ret)) {
        json_decref(*ret);
        *ret = NULL;
        r = error_set(err, R_INVALID, "is not a JSON object");
    }
    if (r != OK)
        (void)error_prefix(err, "%s", what);
    return r;
}

size_t compact_signature_len(const struct compact *c)
{
    unsigned char bytes[SIGNATURE_MAX];
    size_t len;
    return decode_base64url(c->signature, bytes, sizeof bytes, &len) ? len : 0;
}
