/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: any text, which is never let in; and any header and payload under the site's own signature, where only the
 * right kind for the purpose, at its time and with its key, may pass. */
#include <openssl/ec.h>

#include "fuzz.h"
#include "jose/token.h"
#include "json/json.h"

#define NOW INT64_C(1800000000)
#define X5T "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"

static struct jose_signer *signer;
static struct token_policy policy = {.site = "LAB", .renewal_grace_s = 86400};

static void begin(void)
{
    struct jose_keys *keys;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    MUST(key && jose_signer_new(key, &signer, NULL) == OK);
    json_t *set = json_pack("{s:[o]}", "keys", jose_signer_public_jwk(signer));
    MUST(set && jose_keys_new(set, &keys, NULL) == OK);
    json_decref(set);
    EVP_PKEY_free(key);
    policy.keys = keys;
}

static enum verdict_reason judge(struct slice text, enum token_purpose purpose, struct token *ret)
{
    struct error detail = {0};
    enum verdict_reason r = token_judge(&policy, text, purpose, SLICE(X5T), NOW, ret, &detail);
    MUST(r == REASON_OK || detail.text[0]);
    return r;
}

static void check_let_in(const struct token *t, enum token_purpose purpose)
{
    MUST(token_kind_opens(t->kind, purpose));
    MUST(t->not_before <= NOW + TOKEN_LEEWAY_S && (t->expires >= NOW - TOKEN_LEEWAY_S || t->in_grace));
    MUST(!t->in_grace || (t->kind == TOKEN_DEVICE && purpose == PURPOSE_STS));
    MUST(t->kind == TOKEN_BULK || (slice_eq(slice_of(t->x5t), SLICE(X5T)) && t->subject[0]));
    MUST(t->id[0]);
}

static void try_signed(struct slice in, enum token_purpose purpose)
{
    struct slice payload = in, header_text = slice_cut(&payload, '\n');
    struct token t = {0};
    json_t *header;
    char *text;
    if (!payload.ptr || json_parse(header_text, 1 << 16, &header, NULL) != OK)
        return;
    if (json_is_object(header) && jose_sign(signer, header, payload, &text, NULL) == OK) {
        if (judge(slice_of(text), purpose, &t) == REASON_OK)
            check_let_in(&t, purpose);
        free(text);
    }
    json_decref(header);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = slice_make(bytes, size), hash, jwt;
    uint8_t choice = fuzz_choice(&in);
    enum token_purpose purpose = choice / 2 % 4;
    struct token t = {0};
    if (!signer)
        begin();
    struct slice own = fuzz_own(in);
    if (choice & 1) {
        MUST(judge(own, purpose, &t) != REASON_OK);
        if (token_bulk_split(own, &hash, &jwt))
            MUST(hash.len == 64 && jwt.len < own.len);
    } else {
        try_signed(own, purpose);
    }
    fuzz_own_free(own);
    return 0;
}
