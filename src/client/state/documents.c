/* SPDX-License-Identifier: Apache-2.0 */
/* Believes and keeps signed documents. */
#include "client/state/documents.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/host/file.h"
#include "client/state/floor.h"
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

static struct document_expect expect(const struct client_reader *who, enum document_type type, int64_t now)
{
    struct document_expect e = {.type = type, .audience = who->audience, .key = who->key, .now = now};
    memcpy(e.root_sha256, who->pin, PKI_SHA256);
    return e;
}

enum result client_document_stored(const struct client_reader *who, enum document_type type, struct document *ret,
                                   struct error *err)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s.jws", document_type_name(type));
    char *path = file_join(who->dir, name), *text = NULL;
    size_t len;
    enum result r = file_read(path, WEB_ANSWER_MAX, &text, &len, err);
    if (r == OK) {
        struct slice kept = slice_make(text, len);
        struct document_expect e = expect(who, type, issued(kept));
        r = document_read(kept, &e, ret, err);
    }
    free(text);
    free(path);
    return r == OK ? OK : R_NOTFOUND; /* one of another site or device does not count */
}

bool client_document_ended(const struct document *d, int64_t now)
{
    return now >= d->expires;
}

bool client_document_aged(const struct document *d, int64_t now)
{
    return now >= d->issued + (d->expires - d->issued) / 2;
}

int64_t client_document_below(const struct client_reader *who, enum document_type type)
{
    int64_t floor;
    return client_floor(who, type, &floor, NULL) == OK && floor > 1 ? floor - 1 : 0;
}

/* The floor is raised first: a crash between leaves a document to be fetched again, whose sequence is the floor. */
static enum result keep(const struct client_reader *who, struct slice text, const struct document *d, struct error *err)
{
    enum result r = client_floor_raise(who, d->type, d->sequence, err);
    return r == OK ? document_keep(who->dir, document_type_name(d->type), text, err) : r;
}

enum result client_document_accept(const struct client_reader *who, struct slice text, enum document_type type,
                                   int64_t now, struct document *ret, struct error *err)
{
    struct document_expect e = expect(who, type, now);
    struct document kept = {0};
    if (client_floor(who, type, &e.min_sequence, err) != OK) {
        err->code = R_IO; /* the document may be good */
        return R_IO;
    }
    if (client_document_stored(who, type, &kept, NULL) == OK) {
        e.min_sequence = kept.sequence > e.min_sequence ? kept.sequence : e.min_sequence;
        document_done(&kept);
    }
    enum result r = document_read(text, &e, ret, err);
    if (r != OK)
        return r;
    r = keep(who, text, ret, err);
    if (r == OK)
        return OK;
    document_done(ret);
    err->code = R_IO; /* whatever kept it from being written: the document is good */
    return R_IO;
}

enum result client_document_take(const struct client_reader *who, struct slice text, enum document_type type,
                                 int64_t now, struct document *ret, struct error *err)
{
    struct document_expect e = expect(who, type, now);
    enum result r = client_floor(who, type, &e.min_sequence, err);
    if (r != OK)
        return r;
    e.min_sequence++;
    r = document_read(text, &e, ret, err);
    if (r != OK)
        return r;
    r = client_floor_raise(who, type, ret->sequence, err);
    if (r != OK)
        document_done(ret);
    return r;
}

bool client_document_good_at(const struct client_reader *who, struct slice text, enum document_type type, int64_t when)
{
    struct document_expect e = expect(who, type, when);
    struct document d = {0};
    bool good = document_read(text, &e, &d, NULL) == OK;
    if (good)
        document_done(&d);
    return good;
}

enum result client_document_answer(const struct client_reader *who, struct slice text, const char *nonce,
                                   struct document *ret, struct error *err)
{
    struct document_expect e = expect(who, DOCUMENT_ANSWER, issued(text));
    enum result r = document_read(text, &e, ret, err);
    if (r == OK && strcmp(json_opt_str(ret->content, "nonce", ""), nonce) != 0) {
        document_done(ret);
        r = error_set(err, R_DENIED, "it answers another request");
    }
    return r;
}
