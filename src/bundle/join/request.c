/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the request: what the joining machine signs, and what the site holds it to. */
#include "bundle/join/request.h"

#include <stdlib.h>

#include "base/text/name.h"
#include "pki/issue/csr.h"

#define HEADER_TYPE "cmg-join+jws"
#define PAYLOAD_TYPE "join"

enum result join_request_sign(const struct join_string *s, EVP_PKEY *key, int64_t now, char **ret, struct error *err)
{
    char *csr = NULL;
    struct jose_signer *signer = NULL;
    *ret = NULL;
    enum result r = pki_csr_new(key, s->id, &csr, err);
    if (r == OK)
        r = jose_signer_new(s->key, &signer, err);
    if (r == OK) {
        json_t *header = json_pack("{s:s}", "typ", HEADER_TYPE);
        json_t *payload = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "type", PAYLOAD_TYPE, "site", s->site, "kind",
                                    join_kind_info(s->kind)->name, "id", s->id, "created", (json_int_t)now, "csr", csr);
        char *text = json_text(payload);
        r = jose_sign(signer, header, slice_of(text), ret, err);
        free(text);
        json_decref(payload);
        json_decref(header);
    }
    jose_signer_free(signer);
    free(csr);
    return r;
}

static enum result copy(const json_t *o, const char *name, char *ret, size_t size, struct error *err)
{
    const char *text;
    if (json_need_str(o, name, &text, err) != OK || !*text || !slice_to_cstr(slice_of(text), ret, size))
        return error_set(err, R_DENIED, "its member '%s' is missing or too long", name);
    return OK;
}

static enum result read_name(const json_t *header, const json_t *payload, struct join_name *ret, struct error *err)
{
    if (strcmp(json_opt_str(header, "typ", ""), HEADER_TYPE) != 0 ||
        strcmp(json_opt_str(payload, "type", ""), PAYLOAD_TYPE) != 0)
        return error_set(err, R_DENIED, "it is no request to join");
    if (copy(payload, "site", ret->site, sizeof ret->site, err) != OK ||
        copy(payload, "kind", ret->kind, sizeof ret->kind, err) != OK ||
        copy(payload, "id", ret->id, sizeof ret->id, err) != OK)
        return R_DENIED;
    if (!name_valid(NAME_MEMBER, slice_of(ret->id)))
        return error_set(err, R_DENIED, "its id is none");
    return OK;
}

enum result join_request_name(struct slice text, struct join_name *ret, struct error *err)
{
    json_t *header, *payload;
    *ret = (struct join_name){.site = ""};
    enum result r = jose_peek(text, JOIN_REQUEST_MAX, &header, &payload, err);
    if (r != OK)
        return r == R_LIMIT ? r : R_DENIED;
    r = read_name(header, payload, ret, err);
    json_decref(header);
    json_decref(payload);
    return r;
}

/* A set of this one key. */
static enum result read_keys(const char *jwk, struct jose_keys **ret, struct error *err)
{
    json_t *key, *set;
    enum result r = json_parse(slice_of(jwk), JOIN_REQUEST_MAX, &key, err);
    if (r != OK)
        return r;
    set = json_pack("{s:[o]}", "keys", key);
    r = jose_keys_new(set, ret, err);
    json_decref(set);
    return r;
}

enum result join_request_read(struct slice text, const char *jwk, EVP_PKEY **ret, struct error *err)
{
    struct jose_keys *keys = NULL;
    json_t *header = NULL, *payload = NULL;
    *ret = NULL;
    enum result r = read_keys(jwk, &keys, err);
    if (r != OK)
        return r;
    if (jose_verify(keys, text, "ES256", &header, &payload, err) != REASON_OK)
        r = R_DENIED;
    else if (pki_csr_read(slice_of(json_opt_str(payload, "csr", "")), ret, err) != OK)
        r = R_DENIED;
    json_decref(header);
    json_decref(payload);
    jose_keys_free(keys);
    return r;
}
