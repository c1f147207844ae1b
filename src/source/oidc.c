/* SPDX-License-Identifier: Apache-2.0 */
/* One or two documents (source/http.h), then keys. In a thread of the pool; keeps nothing. */
#include "source/oidc.h"

#include <stdlib.h>

#include "base/host/file.h"
#include "json/json.h"

/* "https://host:port" of a URL. */
static struct slice server_of(struct slice url)
{
    size_t scheme = slice_find(url, ':');
    if (scheme == SIZE_MAX || url.len < scheme + 3)
        return SLICE_NONE;
    size_t path = slice_find(slice_skip(url, scheme + 3), '/');
    return path == SIZE_MAX ? url : slice_make(url.ptr, scheme + 3 + path);
}

static enum result jwks_uri(const char *discovery, const json_t *document, const char **ret, struct error *err)
{
    enum result r = json_need_str(document, "jwks_uri", ret, err);
    if (r != OK)
        return error_prefix(err, "the discovery document");
    struct slice here = server_of(slice_of(discovery)), there = server_of(slice_of(*ret));
    if (here.ptr && there.ptr && slice_eq_nocase(here, there))
        return OK;
    return error_set(
        err, R_DENIED,
        "the discovery document's jwks_uri is on another server than the document itself; name the key set "
        "itself as a source of kind jwks if that is right");
}

static enum result fetch_json(const struct source_http *what, json_t **ret, struct error *err)
{
    struct buf text;
    buf_init(&text, SOURCE_KEYS_MAX);
    enum result r = source_http(what, &text, err);
    if (r == OK)
        r = json_parse(buf_data(&text), SOURCE_KEYS_MAX, ret, err);
    buf_free(&text);
    return r;
}

enum result source_oidc(const struct source_http *what, struct buf *ret, struct error *err)
{
    json_t *document = NULL;
    struct source_http keys = *what;
    enum result r = fetch_json(what, &document, err);
    if (r == OK)
        r = jwks_uri(what->url, document, &keys.url, err);
    if (r == OK)
        r = source_http(&keys, ret, err);
    json_decref(document);
    return r;
}

static enum result parse(struct slice text, struct jose_keys **ret, struct error *err)
{
    json_t *jwks = NULL;
    enum result r = json_parse(text, SOURCE_KEYS_MAX, &jwks, err);
    if (r == OK)
        r = jose_keys_new_foreign(jwks, ret, err);
    json_decref(jwks);
    return r;
}

enum result source_check_keys(struct source_candidate *c, struct error *err)
{
    struct jose_keys *keys;
    enum result r = parse(c->bytes, &keys, err);
    if (r != OK)
        return r;
    size_t count = jose_keys_count(keys);
    jose_keys_free(keys);
    if (count == 0)
        return error_set(err, R_INVALID, "it holds no key that could sign a token");
    c->unchanged = c->present.ptr && slice_eq(c->bytes, c->present);
    return OK;
}

enum result source_read_keys(const char *folder, const struct bundle_source *s, struct jose_keys **ret,
                             struct error *err)
{
    char *path = source_path(folder, s), *text;
    size_t len;
    enum result r = file_read(path, SOURCE_KEYS_MAX, &text, &len, err);
    free(path);
    if (r != OK)
        return r;
    r = parse(slice_make(text, len), ret, err);
    free(text);
    return r;
}
