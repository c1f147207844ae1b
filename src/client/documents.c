/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps signed documents. */
#include "client/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "web/http.h"
#include "json/json.h"

/* When it was issued, by its own unverified words: an expired document must still verify as of then. */
static int64_t issued(struct slice text)
{
    json_t *header = NULL, *payload = NULL;
    int64_t when = 0;
    if (jose_peek(text, WEB_ANSWER_MAX, &header, &payload, NULL) == OK) {
        when = json_opt_int(payload, "issued", 0);
        json_decref(header);
        json_decref(payload);
    }
    return when;
}

static struct document_expect expect(enum document_type type, const unsigned char pin[PKI_SHA256], const char *audience,
                                     int64_t now)
{
    struct document_expect e = {.type = type, .audience = audience, .now = now};
    memcpy(e.root_sha256, pin, PKI_SHA256);
    return e;
}

enum result client_document_stored(const char *dir, enum document_type type, const unsigned char pin[PKI_SHA256],
                                   const char *audience, struct document *ret, struct error *err)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s.jws", document_type_name(type));
    char *path = file_join(dir, name), *text = NULL;
    size_t len;
    enum result r = file_read(path, WEB_ANSWER_MAX, &text, &len, err);
    if (r == OK) {
        struct slice kept = slice_make(text, len);
        struct document_expect e = expect(type, pin, audience, issued(kept));
        r = document_read(kept, &e, ret, err);
    }
    free(text);
    free(path);
    return r == OK ? OK : R_NOTFOUND; /* one of another site or device does not count */
}

enum result client_document_accept(const char *dir, struct slice text, enum document_type type,
                                   const unsigned char pin[PKI_SHA256], const char *audience, int64_t now,
                                   struct document *ret, struct error *err)
{
    struct document_expect e = expect(type, pin, audience, now);
    struct document kept = {0};
    if (client_document_stored(dir, type, pin, audience, &kept, NULL) == OK) {
        e.min_sequence = kept.sequence;
        document_done(&kept);
    }
    enum result r = document_read(text, &e, ret, err);
    if (r != OK)
        return r;
    r = document_keep(dir, document_type_name(type), text, err);
    if (r == OK)
        return OK;
    document_done(ret);
    err->code = R_IO; /* whatever kept it from being written: the document is good */
    return R_IO;
}

bool client_document_good_at(struct slice text, enum document_type type, const unsigned char pin[PKI_SHA256],
                             const char *audience, int64_t when)
{
    struct document_expect e = expect(type, pin, audience, when);
    struct document d = {0};
    bool good = document_read(text, &e, &d, NULL) == OK;
    if (good)
        document_done(&d);
    return good;
}
