/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to a struct, every member with its maximum. Nothing is fetched; the root in it is believed because the operator
 * brought it. */
#include "bundle/role/bootstrap.h"

#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "json/json.h"

enum { FILE_MAX = 256 * 1024 };

static enum result copy_text(const json_t *o, const char *name, char *ret, size_t size, struct error *err)
{
    const char *text;
    if (json_need_str(o, name, &text, err) != OK)
        return err->code;
    if (!slice_to_cstr(slice_of(text), ret, size))
        return error_set(err, R_LIMIT, "member '%s' is longer than %zu bytes", name, size - 1);
    return OK;
}

static enum result dup_text(const json_t *o, const char *name, char **ret, struct error *err)
{
    const char *text;
    if (json_need_str(o, name, &text, err) != OK)
        return err->code;
    *ret = mem_strdup(text);
    return OK;
}

static enum result read_kind(const json_t *o, const char *kind, struct error *err)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "%s-bootstrap", kind);
    const char *found = json_opt_str(o, "opencmg", "");
    if (strcmp(found, expected) != 0)
        return error_set(err, R_INVALID, "is not a %s (its member 'opencmg' says '%s'); make one with: cmg %s add",
                         expected, found, kind);
    if (json_opt_int(o, "version", 0) != 1)
        return error_set(err, R_INVALID, "is of a version that this program does not know; it knows 1");
    return OK;
}

static enum result read_gateways(const json_t *list, struct bootstrap *b, struct error *err)
{
    if (json_array_size(list) > BOOTSTRAP_LIST_MAX)
        return error_set(err, R_LIMIT, "names more than %d gateways", BOOTSTRAP_LIST_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        struct bootstrap_address *a = &b->gateways[b->gateway_count];
        int64_t port = json_opt_int(o, "port", 443);
        if (copy_text(o, "id", a->id, sizeof a->id, err) != OK ||
            copy_text(o, "host", a->host, sizeof a->host, err) != OK)
            return error_prefix(err, "gateways[%zu]", i);
        if (port < 1 || port > 65535)
            return error_set(err, R_INVALID, "gateways[%zu]: port %lld is not between 1 and 65535", i, (long long)port);
        a->port = (uint16_t)port;
        b->gateway_count++;
    }
    return OK;
}

/* An entry is a URL, or an object of a URL and the anchors of its server's certificate. */
static enum result read_urls(const json_t *list, struct bootstrap *b, struct error *err)
{
    if (json_array_size(list) > BOOTSTRAP_LIST_MAX)
        return error_set(err, R_LIMIT, "names more than %d site_urls", BOOTSTRAP_LIST_MAX);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        const char *url = json_is_string(o) ? json_string_value(o) : json_opt_str(o, "url", NULL);
        const char *anchors = json_opt_str(o, "anchors_pem", NULL);
        if (!url)
            return error_set(err, R_INVALID, "site_urls[%zu]: must be a URL or an object with 'url'", i);
        b->urls[b->url_count++] = (struct bootstrap_url){mem_strdup(url), anchors ? mem_strdup(anchors) : NULL};
    }
    return OK;
}

static enum result pin_root(struct bootstrap *b, struct error *err)
{
    X509 *root;
    if (pki_cert_read(slice_of(b->root_pem), &root, err) != OK)
        return error_prefix(err, "root_pem");
    pki_cert_sha256(root, b->pin);
    X509_free(root);
    return OK;
}

static enum result read_members(const json_t *o, const char *kind, struct bootstrap *b, struct error *err)
{
    enum result r = read_kind(o, kind, err);
    if (r == OK)
        r = copy_text(o, "site", b->site, sizeof b->site, err);
    if (r == OK)
        r = copy_text(o, "id", b->id, sizeof b->id, err);
    if (r == OK)
        r = dup_text(o, "root_pem", &b->root_pem, err);
    if (r == OK)
        r = dup_text(o, "certificate_pem", &b->certificate_pem, err);
    if (r == OK)
        r = dup_text(o, "key_pem", &b->key_pem, err);
    if (r == OK)
        r = read_gateways(json_object_get(o, "gateways"), b, err);
    if (r == OK)
        r = read_urls(json_object_get(o, "site_urls"), b, err);
    return r == OK ? pin_root(b, err) : r;
}

enum result bootstrap_parse(struct slice text, const char *kind, struct bootstrap *ret, struct error *err)
{
    json_t *o;
    memset(ret, 0, sizeof *ret);
    enum result r = json_parse(text, FILE_MAX, &o, err);
    if (r != OK)
        return r;
    r = read_members(o, kind, ret, err);
    json_decref(o);
    return r;
}

enum result bootstrap_read(const char *path, const char *kind, struct bootstrap *ret, struct error *err)
{
    memset(ret, 0, sizeof *ret);
    char *text;
    size_t len;
    enum result r = file_check_private(path, err);
    if (r != OK || (r = file_read(path, FILE_MAX, &text, &len, err)) != OK)
        return r;
    r = bootstrap_parse(slice_make(text, len), kind, ret, err);
    mem_free_secret(text, len);
    return r == OK ? OK : error_prefix(err, "bootstrap file %s", path);
}

void bootstrap_free(struct bootstrap *b)
{
    free(b->root_pem);
    free(b->certificate_pem);
    if (b->key_pem)
        mem_free_secret(b->key_pem, strlen(b->key_pem));
    for (size_t i = 0; i < b->url_count; i++) {
        free(b->urls[i].url);
        free(b->urls[i].anchors_pem);
    }
    memset(b, 0, sizeof *b);
}
