/* SPDX-License-Identifier: Apache-2.0 */
/* The header lines of a signed request (RFC 9421, docs/protocol/wire.md): digest, nonce, signature. Owns the lines. */
#include "web/signed.h"

#include <stdlib.h>

#include "base/ascii.h"
#include "base/mem.h"
#include "jose/token.h"

#define TYPE_JWT "urn:ietf:params:oauth:token-type:jwt"

void web_lines_add(struct web_lines *l, const char *name, const char *value)
{
    struct buf text;
    if (!value)
        return;
    buf_init(&text, WEB_TOKEN_HEADER_MAX + 64);
    if (l->count == ARRAY_LEN(l->items) || buf_printf(&text, "%s: %s", name, value) != OK)
        fatal("a request has more or longer headers than it was made for");
    l->items[l->count++] = buf_take_str(&text);
    buf_free(&text);
}

void web_lines_free(struct web_lines *l)
{
    for (size_t i = 0; i < l->count; i++)
        mem_free_secret(l->items[i], strlen(l->items[i]));
    l->count = 0;
}

static enum result add_bearer(struct web_lines *l, const char *token, struct error *err)
{
    struct buf value;
    if (!token)
        return OK;
    buf_init(&value, WEB_TOKEN_HEADER_MAX);
    if (buf_printf(&value, "Bearer %s", token) != OK) {
        buf_free(&value);
        return error_set(err, R_LIMIT, "the token is longer than a header may be");
    }
    char *text = buf_take_str(&value);
    web_lines_add(l, "Authorization", text);
    mem_free_secret(text, strlen(text));
    buf_free(&value);
    return OK;
}

static enum result note_nonce(const struct httpsig_fields *f, struct web_lines *ret, struct error *err)
{
    const struct httpsig_received made = {slice_of(f->cmg_target), slice_of(f->content_digest),
                                          slice_of(f->signature_input), slice_of(f->signature)};
    struct httpsig_params params;
    enum result r = httpsig_params(&made, &params, err);
    if (r == OK)
        memcpy(ret->nonce, params.nonce, sizeof ret->nonce);
    return r;
}

enum result web_signed_lines(const struct web_signed_request *r, struct web_lines *ret, struct error *err)
{
    struct httpsig_message m = {slice_of(r->verb), slice_of(r->target), r->body};
    struct httpsig_fields f = {0};
    *ret = (struct web_lines){.count = 0};
    if (httpsig_sign(r->key, &m, r->now, &f, err) != OK)
        return R_INVALID;
    if (note_nonce(&f, ret, err) != OK) {
        httpsig_fields_free(&f);
        return R_INVALID;
    }
    web_lines_add(ret, "CMG-Target", f.cmg_target);
    web_lines_add(ret, "Content-Digest", f.content_digest);
    web_lines_add(ret, "Signature-Input", f.signature_input);
    web_lines_add(ret, "Signature", f.signature);
    httpsig_fields_free(&f);
    web_lines_add(ret, "Content-Type", r->content_type);
    web_lines_add(ret, "If-None-Match", r->if_none_match);
    web_lines_add(ret, "Range", r->range);
    web_lines_add(ret, "If-Range", r->if_range);
    return add_bearer(ret, r->bearer, err);
}

bool web_token_valid(struct slice token)
{
    return token.len > 0 && token.len <= JOSE_TOKEN_MAX && ascii_all_alnum_or(token, "-_.");
}

void web_exchange_form(struct web_form *ret, const char *subject_token, const char *actor_token, const char *wanted)
{
    web_form_init(ret);
    web_form_add(ret, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
    web_form_add(ret, "subject_token", subject_token);
    web_form_add(ret, "subject_token_type", TYPE_JWT);
    web_form_add(ret, "actor_token", actor_token);
    web_form_add(ret, "actor_token_type", actor_token ? TYPE_JWT : NULL);
    web_form_add(ret, "requested_token_type", wanted);
}
