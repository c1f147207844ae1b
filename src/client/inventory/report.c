/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two files: inventory.json is what the site took last, upload.json the report that is under way, kept whole until the
 * site signed that it has it. So a report is made once, however often its way is broken off.
 */
#include "client/inventory/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "client/apart.h"
#include "client/session/refused.h"
#include "client/site/token.h"
#include "client/state/kept.h"
#include "client/state/state.h"
#include "facts/facts.h"

enum { PART_MAX = 128 * 1024, FILE_MAX_BYTES = 2 * FACTS_REPORT_MAX, UPLOAD_KEEP_S = 12 * 3600, STEPS_SPARE = 8 };

#define LAST "inventory.json"
#define UPLOAD "upload.json"
#define TARGET_SIZE 256

/* --- the two files --- */

static json_t *load(const char *dir, const char *name)
{
    return client_kept_load(dir, name, FILE_MAX_BYTES, JSON_OBJECT);
}

static void forget(const char *dir, const char *name)
{
    char *path = file_join(dir, name);
    (void)unlink(path);
    free(path);
}

json_t *client_report_last(const char *dir)
{
    return load(dir, LAST);
}

/* One that is under way: {"id", "report": its text, "guid": whose}. */
static json_t *load_upload(struct client_session *s)
{
    json_t *u = load(s->c->dir, UPLOAD);
    int64_t age = clock_wall_s() - json_opt_int(u, "made", 0);
    bool good = u && *json_opt_str(u, "id", "") && *json_opt_str(u, "report", "") && age >= 0 && age < UPLOAD_KEEP_S &&
                strcmp(json_opt_str(u, "guid", ""), client_session_registration(s)->guid) == 0;
    if (good)
        return u;
    json_decref(u);
    return NULL;
}

bool client_report_is_due(const struct client *c, int64_t now)
{
    uint64_t interval = 0;
    json_t *last = load(c->dir, LAST), *under_way = load(c->dir, UPLOAD);
    int64_t taken = json_opt_int(last, "taken", 0);
    bool on = slice_to_u64(slice_of(client_setting(&c->settings, SETTING_INVENTORY_INTERVAL)), &interval) && interval;
    bool due = !last || under_way || now < taken || now - taken >= (int64_t)interval;
    json_decref(last);
    json_decref(under_way);
    return (on && due) || client_state_report_wanted(c->dir);
}

/* --- making one --- */

static json_t *new_upload(const char *guid, const json_t *report)
{
    char id[GUID_SIZE], *text = json_dumps(report, JSON_COMPACT | JSON_ENSURE_ASCII);
    guid_new(id);
    json_t *u =
        json_pack("{s:s, s:s, s:s, s:I}", "id", id, "guid", guid, "report", text, "made", (json_int_t)clock_wall_s());
    free(text);
    if (!u)
        fatal("a report can't be made");
    return u;
}

static json_t *make_report(const json_t *base, const json_t *facts)
{
    char fingerprint[DIGEST_HEX], *text = facts_text(facts);
    facts_fingerprint(text, fingerprint);
    free(text);
    json_t *report = json_pack("{s:s, s:o, s:s, s:I}", "base", json_opt_str(base, "fingerprint", ""), "change",
                               facts_change(json_object_get(base, "facts"), facts), "fingerprint", fingerprint, "taken",
                               (json_int_t)clock_wall_s());
    if (!report)
        fatal("a report can't be made");
    return report;
}

/* Of what another registration told, the site has nothing of this one. */
static json_t *find_base(const struct client_session *s, const char *guid, bool whole)
{
    json_t *last = whole ? NULL : load(s->c->dir, LAST);
    if (strcmp(json_opt_str(last, "guid", ""), guid) == 0)
        return last;
    json_decref(last);
    return NULL;
}

static bool make_upload(struct client_session *s, bool whole, json_t **ret)
{
    const char *guid = client_session_registration(s)->guid;
    struct error err;
    char *text;
    json_t *facts = NULL, *base, *report;
    *ret = NULL;
    enum result r = client_apart_facts(s->c->dir, &s->c->settings, &text, &err);
    if (r == OK)
        r = json_parse(slice_of(text), FACTS_MAX, &facts, &err);
    free(text);
    if (r != OK)
        return client_session_fail(s, "inventory", &err,
                                   "see what this machine's facts are: cmg-client inventory --show");
    base = find_base(s, guid, whole);
    report = make_report(base, facts);
    *ret = new_upload(guid, report);
    json_decref(report);
    json_decref(base);
    json_decref(facts);
    r = client_kept_save(s->c->dir, UPLOAD, *ret, &err);
    return r == OK || client_session_fail_state(s, &err);
}

/* --- sending --- */

struct sending {
    struct client_session *s;
    const char *id;
    struct slice report;
    char sha256[DIGEST_HEX];
    bool asks;       /* first of all how much the site has, by an empty part */
    size_t came;     /* bytes that the site has */
    char result[32]; /* its word */
};

static bool send_part(struct sending *up)
{
    char target[TARGET_SIZE];
    struct client_session *s = up->s;
    struct slice part = slice_skip(up->report, up->came);
    struct web_answer answer;
    json_t *said = NULL;
    if (part.len > PART_MAX)
        part.len = PART_MAX;
    if (up->asks)
        part.len = 0;
    up->asks = false;
    (void)snprintf(target, sizeof target, "/CCM_Incoming/inventory/%s?start=%zu&size=%zu&sha256=%s", up->id, up->came,
                   up->report.len, up->sha256);
    struct client_call call = {.method = s->choice.method,
                               .role = s->choice.role.id,
                               .verb = "PUT",
                               .target = target,
                               .content_type = "application/octet-stream",
                               .body = part};
    bool ok = client_token_send(s, &call, &answer) &&
              client_session_signed_answer(s, &answer, client_session_registration(s)->guid, &said);
    int64_t came = json_opt_int(said, "came", 0);
    up->came = came >= 0 && (uint64_t)came <= up->report.len ? (size_t)came : 0;
    (void)snprintf(up->result, sizeof up->result, "%s", json_opt_str(said, "result", ""));
    json_decref(said);
    web_answer_free(&answer);
    return ok;
}

/* A site that sends it back and forth is not followed for ever. */
static bool send_all(struct sending *up)
{
    size_t steps = 2 * (up->report.len / PART_MAX + 1) + STEPS_SPARE;
    bool ok = true;
    do
        ok = send_part(up);
    while (ok && strcmp(up->result, "partial") == 0 && --steps);
    return ok;
}

/* What the report led to is what the next one is a change of. */
static bool remember(struct client_session *s, const json_t *report)
{
    struct error err;
    const char *guid = client_session_registration(s)->guid;
    json_t *base = find_base(s, guid, !*json_opt_str(report, "base", ""));
    json_t *last =
        json_pack("{s:s, s:o, s:O, s:O}", "guid", guid, "facts",
                  facts_apply(json_object_get(base, "facts"), json_object_get(report, "change")), "fingerprint",
                  json_object_get(report, "fingerprint"), "taken", json_object_get(report, "taken"));
    json_decref(base);
    if (!last)
        fatal("a report can't be kept");
    enum result r = client_kept_save(s->c->dir, LAST, last, &err);
    json_decref(last);
    if (r == OK)
        r = client_state_want_report(s->c->dir, false, &err);
    return r == OK || client_session_fail_state(s, &err);
}

/* A site that takes it for none will do so the next time. */
static bool is_refused(const struct client_session *s)
{
    return s->outcome.ending == WEB_REFUSED && strncmp(s->outcome.code, "MP_", 3) == 0 &&
           (s->outcome.status == 400 || s->outcome.status == 413);
}

/* *ret_again: what changed is of no use to the site, it wants the whole. */
static bool deliver(struct client_session *s, const json_t *upload, bool resumed, struct client_reported *ret,
                    bool *ret_again)
{
    struct sending up = {.s = s, .id = json_opt_str(upload, "id", ""), .asks = resumed};
    json_t *report;
    struct error err;
    up.report = slice_of(json_opt_str(upload, "report", ""));
    digest_hex_of(up.report, up.sha256);
    if (json_parse(up.report, FACTS_REPORT_MAX, &report, &err) != OK) {
        forget(s->c->dir, UPLOAD);
        return client_session_fail(s, "inventory", &err, "the next run makes another");
    }
    *ret = (struct client_reported){.sent = true,
                                    .whole = !*json_opt_str(report, "base", ""),
                                    .size = (int64_t)up.report.len,
                                    .taken = json_opt_int(report, "taken", 0)};
    bool ok = send_all(&up), taken = ok && strcmp(up.result, "taken") == 0;
    *ret_again = ok && strcmp(up.result, "full_wanted") == 0 && !ret->whole;
    if (taken)
        ok = remember(s, report);
    else if (ok && !*ret_again) {
        (void)error_set(&err, R_IO, "the site did not take the report: %.31s", *up.result ? up.result : "no word");
        ok = client_session_fail(s, "inventory", &err, "the next run sends it again");
    }
    if ((*up.result && strcmp(up.result, "partial") != 0) || is_refused(s))
        forget(s->c->dir, UPLOAD);
    json_decref(report);
    return ok;
}

bool client_report_send(struct client_session *s, bool whole, struct client_reported *ret)
{
    json_t *upload = whole ? NULL : load_upload(s);
    bool again = false, resumed = upload != NULL;
    *ret = (struct client_reported){.sent = false};
    bool ok = (upload || make_upload(s, whole, &upload)) && deliver(s, upload, resumed, ret, &again);
    json_decref(upload);
    if (!ok || !again)
        return ok;
    upload = NULL;
    ok = make_upload(s, true, &upload) && deliver(s, upload, false, ret, &again);
    json_decref(upload);
    return ok;
}
