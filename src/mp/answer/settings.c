/* SPDX-License-Identifier: Apache-2.0 */
/* Resultant client settings: obeyed, signed for the device, and compared with what it fetched last. */
#include "mp/answer/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mp/content/documents.h"
#include "mp/site.h"
#include "mp/status/went_back.h"
#include "mp/targeting/resultant.h"
#include "store/sequence.h"
#include "store/targeting/client_settings.h"

enum { CONTENT_MAX = 64 * 1024, FETCHED_STEP_S = 60, ETAG_SIZE = 32 };

/* --- obeying --- */

/* false: answered. */
static bool obey(struct mp_request *r, const char *method, const json_t *resultant)
{
    const json_t *values = json_object_get(resultant, "values"), *winners = json_object_get(resultant, "winners");
    struct error why;
    if (r->sender.identity.asserted && !json_opt_bool(values, "allow_cmg", true)) {
        (void)error_set(&why, R_DENIED, "allow_cmg is no by %s", json_opt_str(winners, "allow_cmg", ""));
        mp_refuse_verdict(r, REASON_CMG_DISALLOWED, &why);
        return false;
    }
    if (!json_array_has(json_object_get(values, "allowed_methods"), slice_of(method))) {
        (void)error_set(&why, R_DENIED, "allowed_methods leaves out %s by %s", method,
                        json_opt_str(winners, "allowed_methods", ""));
        mp_refuse_verdict(r, REASON_METHOD_NOT_ALLOWED_HERE, &why);
        return false;
    }
    return true;
}

bool mp_settings_let_through(struct mp_request *r, const struct store_device *d)
{
    json_t *resultant = NULL;
    struct error err;
    if (mp_resultant(r->site, r->arena, d, &resultant, &err) != OK) {
        mp_refuse_fault(r, &err);
        return false;
    }
    /* tokens of the site may stand for Entra: how it registered says which */
    bool good = obey(r, r->sender.identity.auth == MP_PKI ? "pki" : d->method, resultant);
    json_decref(resultant);
    return good;
}

/* --- the document --- */

/* What is to be noted of the device's settings: a new content is a new sequence; that it was fetched is noted about
 * once a minute. *ret_noted: it is noted already. */
static enum result read_note(struct mp_request *r, const char *guid, const char *content,
                             struct store_device_settings *ret, bool *ret_noted, struct error *err)
{
    enum result result = store_device_settings_get(r->site->store, r->arena, guid, ret, err);
    int64_t now = clock_wall_s(), held = mp_request_held(r);
    /* an older copy was put back; or somebody on the way says so again and again: a number that was lifted already is
     * lifted once a minute */
    bool due = ret->sequence <= now || now - ret->fetched >= STORE_LIFT_EVERY_S;
    bool ahead = due && held > ret->sequence && held <= now + MP_WENT_BACK_AHEAD_MAX_S;
    bool same = result == OK && ret->sequence && !ahead && strcmp(ret->content, content) == 0;
    *ret_noted = same && now - ret->fetched < FETCHED_STEP_S;
    if (result == OK && !same) {
        int64_t next = (ahead ? held : ret->sequence) + 1;
        ret->sequence = next > now ? next : now;
    }
    return result;
}

/* Most requests change nothing, and so need no lock of the store. */
static enum result note(struct mp_request *r, const char *guid, const char *content, struct store_device_settings *ret,
                        struct error *err)
{
    bool noted;
    enum result result = read_note(r, guid, content, ret, &noted, err);
    if (result != OK || noted)
        return result;
    result = store_begin(r->site->store, STORE_QUICK, err);
    if (result != OK)
        return result;
    result = read_note(r, guid, content, ret, &noted, err); /* another process may have noted it meanwhile */
    if (result == OK && !noted) {
        ret->content = content;
        ret->fetched = clock_wall_s();
        result = store_device_settings_put(r->site->store, guid, ret, err);
    }
    return store_end(r->site->store, result, err);
}

static enum result find_content(struct mp_request *r, const struct store_device *d, json_t **ret, char **ret_text,
                                struct error *err)
{
    json_t *resultant;
    enum result result = mp_resultant(r->site, r->arena, d, &resultant, err);
    if (result != OK)
        return result;
    *ret = json_pack("{s:O, s:O}", "settings", json_object_get(resultant, "values"), "winners",
                     json_object_get(resultant, "winners"));
    *ret_text = json_dumps(*ret, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(resultant);
    return OK;
}

/* *ret_document NULL: the device holds the one of ret->sequence already. */
static enum result make(struct mp_request *r, const struct mp_device *d, struct store_device_settings *ret,
                        char **ret_document, struct error *err)
{
    json_t *content = NULL;
    char *text = NULL;
    *ret_document = NULL;
    enum result result = find_content(r, &d->record, &content, &text, err);
    if (result == OK)
        result = note(r, d->record.guid, text, ret, err);
    if (result == OK && mp_request_held(r) != ret->sequence)
        result = mp_documents_settings(r->site, &d->record, d->certificate, ret->sequence, content, ret_document, err);
    ret->content = NULL;
    json_decref(content);
    free(text);
    return result;
}

void mp_settings_answer(struct mp_request *r, const struct mp_device *d)
{
    struct store_device_settings held;
    char etag[ETAG_SIZE], *document;
    struct error err;
    if (make(r, d, &held, &document, &err) != OK) {
        mp_refuse_fault(r, &err);
        return;
    }
    (void)snprintf(etag, sizeof etag, "\"%" PRId64 "\"", held.sequence);
    struct http_field field = {SLICE("etag"), slice_of(etag)};
    struct mp_answer a = {.status = document ? 200 : 304, .fields = {field}};
    if (document) {
        a.type = "application/jose";
        a.body = slice_of(document);
    }
    mp_answer(r, &a);
    free(document);
}

/* --- what the device has --- */

static void explain(const json_t *resultant, const json_t *has, const struct store_device_settings *held, char *ret,
                    size_t size)
{
    const json_t *values = json_object_get(resultant, "values"), *had = json_object_get(has, "settings");
    bool may = json_opt_bool(values, "allow_cmg", true), could = json_opt_bool(had, "allow_cmg", true);
    char when[CLOCK_TEXT_SIZE];
    clock_rfc3339(held->fetched, when);
    if (!held->sequence)
        (void)snprintf(
            ret, size,
            "the device has fetched no settings yet: it has what was set on it by hand (cmg-client status)%s",
            may ? "; with DisAllowCMG=1 set there it never asks: cmg-client set DisAllowCMG=0" : "");
    else if (json_equal(values, had))
        (void)snprintf(ret, size, "the device has the resultant settings%s",
                       may ? "; if it does not use the CMG all the same, DisAllowCMG=1 was set on it by hand: "
                             "cmg-client get DisAllowCMG"
                           : "");
    else if (may && !could)
        (void)snprintf(ret, size,
                       "allow_cmg is yes now, but the device still has no (DisAllowCMG stays 1) from the document that "
                       "it fetched at %s, by %s: it takes the new one with its next request, which the CMG lets "
                       "through; on the device: cmg-client policy, or cmg-client set DisAllowCMG=0",
                       when, json_opt_str(json_object_get(has, "winners"), "allow_cmg", ""));
    else
        (void)snprintf(ret, size,
                       "the device has older settings, fetched at %s; it takes the new ones with its next "
                       "request",
                       when);
}

enum result mp_settings_of_device(struct mp_request *r, const struct store_device *d, const json_t *resultant,
                                  json_t **ret, struct error *err)
{
    struct store_device_settings held;
    json_t *has = NULL;
    char text[768];
    enum result result = store_device_settings_get(r->site->store, r->arena, d->guid, &held, err);
    if (result == OK && held.sequence)
        result = json_parse(slice_of(held.content), CONTENT_MAX, &has, err);
    if (result != OK)
        return result;
    explain(resultant, has, &held, text, sizeof text);
    bool same = json_equal(json_object_get(resultant, "values"), json_object_get(has, "settings"));
    *ret = json_pack("{s:I, s:o, s:O?, s:O?, s:s, s:s}", "sequence", (json_int_t)held.sequence, "fetched",
                     held.sequence ? json_integer((json_int_t)held.fetched) : json_null(), "settings",
                     json_object_get(has, "settings"), "winners", json_object_get(has, "winners"), "state",
                     !held.sequence ? "never"
                     : same         ? "current"
                                    : "outdated",
                     "explanation", text);
    json_decref(has);
    return OK;
}
