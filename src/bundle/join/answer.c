/* SPDX-License-Identifier: Apache-2.0 */
/* From the site's answer to a bootstrap file that the program takes at its next start. */
#include "bundle/join/answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bundle/document.h"
#include "bundle/role/role_identity.h"

_Static_assert(DOCUMENT_AUDIENCE_SIZE == 64, "join_answer_audience() writes so many");

void join_answer_audience(const char *kind, const char *id, char ret[64])
{
    (void)snprintf(ret, DOCUMENT_AUDIENCE_SIZE, "%s.%s", kind, id);
}

static enum result read_document(struct slice text, const struct join_string *s, EVP_PKEY *key, int64_t now,
                                 struct document *ret, struct error *err)
{
    char audience[DOCUMENT_AUDIENCE_SIZE], hex[PKI_HASH_HEX];
    unsigned char spki[PKI_SHA256];
    join_answer_audience(join_kind_info(s->kind)->name, s->id, audience);
    pki_key_spki_sha256(key, spki);
    (void)encode_hex(slice_make(spki, sizeof spki), hex);
    struct document_expect expect = {
        .site = s->site, .type = DOCUMENT_JOIN, .audience = audience, .key = hex, .now = now};
    memcpy(expect.root_sha256, s->pin, sizeof expect.root_sha256);
    return document_read(text, &expect, ret, err);
}

/* What the program itself asks of the file when it starts. */
static enum result check_bootstrap(struct slice file, const struct join_string *s, int64_t now, struct error *err)
{
    struct bootstrap b;
    const char *kind = join_kind_info(s->kind)->name;
    enum result r = bootstrap_parse(file, kind, &b, err);
    if (r == OK && (memcmp(b.pin, s->pin, sizeof b.pin) != 0 || strcmp(b.id, s->id) != 0))
        r = error_set(err, R_DENIED, "the bootstrap file in it is of another site or id");
    struct role_identity identity = {.certificate_pem = b.certificate_pem, .key_pem = b.key_pem};
    if (r == OK)
        r = role_identity_check(&identity, kind, &b, now, err);
    bootstrap_free(&b);
    return r;
}

enum result join_answer_read(struct slice text, const struct join_string *s, EVP_PKEY *key, int64_t now, char **ret,
                             struct error *err)
{
    struct document d;
    json_t *bootstrap;
    *ret = NULL;
    enum result r = read_document(text, s, key, now, &d, err);
    if (r != OK)
        return error_prefix(err, "the site's answer");
    r = json_need_object(d.content, "bootstrap", &bootstrap, err);
    if (r == OK) {
        char *pem = pki_key_pem(key);
        (void)json_object_set_new(bootstrap, "key_pem", json_string(pem));
        mem_free_secret(pem, strlen(pem));
        *ret = json_text(bootstrap);
        r = check_bootstrap(slice_of(*ret), s, now, err);
    }
    document_done(&d);
    if (r != OK && *ret) {
        mem_free_secret(*ret, strlen(*ret));
        *ret = NULL;
    }
    return r == OK ? OK : error_prefix(err, "the site's answer");
}
