/* SPDX-License-Identifier: Apache-2.0 */
/* The device's side of joining (docs/protocol/wire.md 11): what `enroll`, `register` and `policy` do, by one string. */
#include "client/join.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "client/client.h"
#include "client/operation.h"
#include "client/report.h"
#include "join/place.h"
#include "join/service.h"
#include "join/text.h"

#define USER "opencmg-client"
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
                         struct join_string *s, struct error *err)
{
    enum result r = join_text_read(report, how->argument, how->file, JOIN_DEVICE, clock_wall_s(), s, err);
    if (r != OK)
        return r;
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

static void finish(struct join_report *report, const struct client_joining *how)
{
    struct error err;
    char by_hand[512];
    (void)snprintf(by_hand, sizeof by_hand, "cmg-client run%s%.400s", how->start ? "" : " --dir ",
                   how->start ? "" : how->dir);
    if (!how->start)
        join_todo(report, "let it run: %s", by_hand);
    else if (join_give_folder(how->dir, USER, &err) != OK)
        join_todo(report, "%s", err.text);
    else
        (void)join_service_start(report, UNIT, by_hand);
}

/* The operation's own report tells what was refused, and what to do. */
static int operate(struct join_report *report, const struct client_joining *how, struct client *c,
                   const struct join_string *s)
{
    json_t *result;
    bool ok = client_operate(c, CLIENT_RUN, &result);
    client_close(c);
    if (!report->json)
        client_report_text(result, stdout);
    if (ok) {
        join_did(report, "Registered at the site, and its policy is here");
        finish(report, how);
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
    int code =
        begin(&report, how, &c, &s, &err) == OK ? operate(&report, how, &c, &s) : join_failed(&report, &err, NULL);
    client_close(&c);
    join_string_done(&s);
    return code;
}
