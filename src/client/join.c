/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side of joining (docs/protocol/wire.md 11): what `enroll`, `register` and `policy` do, by one string. */
#include "client/join.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/owner.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/operation.h"
#include "client/report.h"
#include "join/service.h"
#include "join/text.h"

#define UNIT "cmg-client.service"

/* --- what the string says --- */

/* The enrolment file that it stands for (wire.md 3). */
static char *enrolment_of(const struct join_string *s)
{
    json_t *o = json_deep_copy(s->content);
    (void)json_object_del(o, "token");
    (void)json_object_set_new(o, "opencmg", json_string("enrollment"));
    (void)json_object_set_new(o, "version", json_integer(1));
    (void)json_object_set(o, "site_key", json_object_get(s->content, "pin"));
    char *text = json_text(o);
    json_decref(o);
    return text;
}

static enum result take_token(struct client *c, const struct join_string *s, struct error *err)
{
    char *text = mem_zalloc(JOIN_TEXT_MAX);
    (void)snprintf(text, JOIN_TEXT_MAX, "cmg1.%s.%s", json_opt_str(s->content, "pin", ""),
                   json_opt_str(s->content, "token", ""));
    enum result r = client_bulk_take(c, slice_of(text), err);
    mem_free_secret(text, JOIN_TEXT_MAX);
    return r;
}

static enum result check_new(const struct client *c, struct error *err)
{
    const struct client_identity *id = &c->identity;
    if (!id->any)
        return OK;
    const char *site = client_setting(&c->settings, SETTING_SITE_CODE);
    (void)error_set(err, R_CONFLICT, "this device has joined already: it is GUID:%s of the site %s",
                    id->of[id->method].guid, site ? site : "?");
    error_remedy(err,
                 "nothing, if it is to stay that one (cmg-client status); to make it another device, move its state "
                 "folder away first");
    return R_CONFLICT;
}

static enum result enrol(struct client *c, const struct join_string *s, struct error *err)
{
    enum result r = check_new(c, err);
    if (r != OK)
        return r;
    char *text = enrolment_of(s);
    r = client_settings_enroll(c->dir, &c->settings, slice_of(text), err);
    free(text);
    if (r == OK)
        r = client_settings_save(c->dir, &c->settings, err);
    if (r == OK)
        r = take_token(c, s, err);
    return r;
}

/* --- */

static enum result begin(struct join_report *report, const struct client_joining *how, struct client *c,
                         struct join_string *s, struct join_starter **starter, struct error *err)
{
    enum result r = join_text_read(report, how->argument, how->file, JOIN_DEVICE, clock_wall_s(), s, err);
    if (r != OK)
        return r;
    *starter = how->start ? join_starter_new(UNIT) : NULL; /* root starts it, and is root no longer from here on */
    r = owner_become(how->dir, err);
    if (r == OK)
        r = client_open(how->dir, c, err);
    if (r != OK) {
        error_remedy(err, "run it as root; or name a state folder of your own with --dir");
        return r;
    }
    r = enrol(c, s, err);
    if (r == OK)
        join_did(report, "Enrolled for site %s (%s)", s->site, how->dir);
    return r;
}

static void finish(struct join_report *report, const struct client_joining *how, struct join_starter *starter)
{
    char by_hand[512];
    bool usual = how->start;
    (void)snprintf(by_hand, sizeof by_hand, "cmg-client run%s%.400s", usual ? "" : " --dir ", usual ? "" : how->dir);
    if (starter)
        (void)join_starter_start(starter, report, by_hand);
    else
        join_todo(report, "let it run: %s", by_hand);
}

/* It is known to the site, and an administrator has to say yes. */
static bool waits(const json_t *result)
{
    return strcmp(json_opt_str(result, "reason", ""), "approval_pending") == 0;
}

/* The operation's own report tells what was refused, and what to do. */
static int operate(struct join_report *report, const struct client_joining *how, struct client *c,
                   const struct join_string *s, struct join_starter *starter)
{
    json_t *result;
    bool ok = client_operate(c, CLIENT_RUN, &result);
    client_close(c);
    if (!report->json)
        client_report_text(result, stdout);
    if (ok || waits(result)) {
        join_did(report, ok ? "Registered at the site, and its policy is here" : "Registered at the site");
        if (!ok)
            join_todo(report, "wait until an administrator approves it: cmg device list, cmg device approve GUID");
        finish(report, how, starter);
        return join_ended(report, json_pack("{s:s, s:o}", "site", s->site, "result", result));
    }
    if (report->json) {
        (void)json_object_set(result, "done", report->done);
        client_report_json(result, stdout);
    } else {
        (void)printf("The device is enrolled: after that is mended, cmg-client run --once goes on\n");
    }
    json_decref(result);
    json_decref(report->done);
    json_decref(report->todo);
    return JOIN_EXIT_FAILED;
}

int client_join(const struct client_joining *how)
{
    struct join_report report;
    struct join_string s = {.kind = JOIN_DEVICE};
    struct client c = {.lock = -1};
    struct error err;
    join_report_start(&report, "cmg-client", how->json);
    struct join_starter *starter = NULL;
    enum result r = begin(&report, how, &c, &s, &starter, &err);
    int code = r == OK ? operate(&report, how, &c, &s, starter) : join_failed(&report, &err, NULL);
    join_starter_free(starter);
    client_close(&c);
    join_string_done(&s);
    return code;
}
