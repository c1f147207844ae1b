/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUT /CCM_Incoming/inventory/<id>?start=&size=&sha256=: a device's report, in parts. Each answer says how much the
 * site has, so that a device goes on there after whatever happened; a part that is there already counts once. The last
 * one makes the report whole: it is held against its hash, and applied to what the site has of the device.
 */
#include "mp/answer/handlers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "facts/facts.h"
#include "mp/answer/signed.h"
#include "mp/intake/sender.h"
#include "mp/site.h"
#include "mp/targeting/fact.h"
#include "store/device/inventory.h"

enum { CHANGE_MAX = 16 * 1024, TIME_MAX = INT32_MAX };

#define PATH "/CCM_Incoming/inventory/"

/* What the site says of it. */
static const char partial[] = "partial", taken[] = "taken", damaged[] = "damaged", full_wanted[] = "full_wanted";

struct intake {
    struct mp_request *r;
    const char *guid; /* of the device */
    struct store_upload of;
    int64_t start;
    int64_t came; /* what is there, afterwards */
    const char *what;
};

/* --- what is asked --- */

static bool read_number(const struct mp_request *r, struct slice name, int64_t *ret)
{
    uint64_t n;
    if (!slice_to_u64(mp_request_query(r, name), &n) || n > FACTS_REPORT_MAX)
        return false;
    *ret = (int64_t)n;
    return true;
}

/* Parts are kept as texts. */
static bool is_text(struct slice part)
{
    while (part.len) {
        size_t n = utf8_character(part);
        if (!n || !*part.ptr)
            return false;
        part = slice_skip(part, n);
    }
    return true;
}

static enum result read_part(struct intake *in, struct error *err)
{
    struct mp_request *r = in->r;
    struct slice id = slice_skip(r->path, strlen(PATH)), sha256 = mp_request_query(r, SLICE("sha256"));
    int64_t len = (int64_t)buf_len(&r->body);
    if (r->path.len <= strlen(PATH) || !guid_valid(id))
        return error_set(err, R_INVALID, "the path ends with a GUID, the report's id");
    if (!read_number(r, SLICE("start"), &in->start) || !read_number(r, SLICE("size"), &in->of.size) || !in->of.size)
        return error_set(err, R_LIMIT, "'start' and 'size' are bytes; a report has at most %d", FACTS_REPORT_MAX);
    if (sha256.len != DIGEST_HEX - 1 || strspn(sha256.ptr, "0123456789abcdef") < sha256.len)
        return error_set(err, R_INVALID, "'sha256' is the report's hash, in small hexadecimal letters");
    if (len > in->of.size - in->start)
        return error_set(err, R_INVALID, "the part reaches beyond the report's end");
    if (!is_text(buf_data(&r->body)))
        return error_set(err, R_INVALID, "a part is text: UTF-8, without NUL, cut between characters");
    in->of.id = arena_dup(r->arena, id).ptr;
    in->of.sha256 = arena_dup(r->arena, sha256).ptr;
    in->of.began = clock_wall_s();
    return OK;
}

/* --- a whole report --- */

struct report {
    const char *base, *fingerprint;
    json_t *change;
    int64_t taken;
};

static enum result read_report(const json_t *root, struct report *ret, struct error *err)
{
    enum result r = json_need_str(root, "base", &ret->base, err);
    if (r == OK)
        r = json_need_str(root, "fingerprint", &ret->fingerprint, err);
    if (r == OK)
        r = json_need_object(root, "change", &ret->change, err);
    if (r == OK)
        r = json_need_int(root, "taken", &ret->taken, err);
    if (r == OK && (ret->taken < 0 || ret->taken > TIME_MAX))
        return error_set(err, R_INVALID, "'taken' are seconds since 1970");
    return r;
}

/* For the history: what changed, or, where that is long, of which sections; malloc'ed. "": nothing, or all is new. */
static char *change_text(const json_t *before, const json_t *facts)
{
    json_t *change = before ? facts_change(before, facts) : json_object(), *section;
    char *text = facts_text(change);
    const char *name;
    if (strlen(text) > CHANGE_MAX) {
        json_t *names = json_object();
        json_object_foreach(change, name, section)
            (void)json_object_set_new(names, name, json_string("changed"));
        free(text);
        text = facts_text(names);
        json_decref(names);
    }
    if (!json_object_size(change))
        *text = '\0';
    json_decref(change);
    return text;
}

/* `text` is that of the facts. */
static enum result put_facts(struct intake *in, const struct report *report, const json_t *before, const json_t *facts,
                             const char *text, struct error *err)
{
    char *change = change_text(before, facts), *lines = mp_fact_lines(facts);
    const struct store_inventory i = {.facts = text,
                                      .fingerprint = report->fingerprint,
                                      .report = in->of.id,
                                      .taken = report->taken,
                                      .received = clock_wall_s()};
    enum result r = store_inventory_put(in->r->site->store, in->guid, &i, change, lines, err);
    free(lines);
    free(change);
    in->what = taken;
    return r;
}

/* *ret NULL: the site has none. */
static enum result load_facts(struct intake *in, struct store_inventory *i, json_t **ret, struct error *err)
{
    *ret = NULL;
    *i = (struct store_inventory){.facts = "", .fingerprint = "", .report = ""};
    enum result r = store_inventory_get(in->r->site->store, in->r->arena, in->guid, i, err);
    if (r == R_NOTFOUND)
        return OK;
    return r == OK ? json_parse(slice_of(i->facts), FACTS_MAX, ret, err) : r;
}

/* A change of what the site does not have is of no use to it: the whole is wanted. */
static enum result apply(struct intake *in, const struct report *report, struct error *err)
{
    struct store_inventory i;
    json_t *before, *facts;
    char fingerprint[DIGEST_HEX], *text = NULL;
    enum result r = load_facts(in, &i, &before, err);
    if (r != OK)
        return r;
    if (*report->base && strcmp(report->base, i.fingerprint) != 0) {
        json_decref(before);
        in->what = full_wanted;
        return OK;
    }
    facts = facts_apply(*report->base ? before : NULL, report->change);
    r = facts_check(facts, &text, err);
    if (r == OK) {
        facts_fingerprint(text, fingerprint);
        if (strcmp(fingerprint, report->fingerprint) != 0)
            r = error_set(err, R_INVALID, "'fingerprint' is not that of the facts which the change leads to");
    }
    if (r == OK)
        r = put_facts(in, report, before, facts, text, err);
    free(text);
    json_decref(facts);
    json_decref(before);
    return r;
}

static enum result take_report(struct intake *in, struct slice text, struct error *err)
{
    struct report report;
    json_t *root;
    enum result r = json_parse(text, FACTS_REPORT_MAX, &root, err);
    if (r != OK)
        return r;
    r = read_report(root, &report, err);
    if (r == OK)
        r = apply(in, &report, err);
    json_decref(root);
    return r;
}

/* --- parts --- */

/* Another report takes the place of one that was never whole. */
static enum result find_upload(struct intake *in, struct error *err)
{
    struct store *s = in->r->site->store;
    struct store_upload there;
    enum result r = store_upload_get(s, in->r->arena, in->guid, &there, err);
    bool same = r == OK && strcmp(there.id, in->of.id) == 0 && strcmp(there.sha256, in->of.sha256) == 0 &&
                there.size == in->of.size;
    in->came = same ? there.came : 0;
    if (same || (r != OK && r != R_NOTFOUND))
        return r;
    return in->start == 0 ? store_upload_begin(s, in->guid, &in->of, err) : OK;
}

static enum result add_part(struct intake *in, struct error *err)
{
    struct slice part = buf_data(&in->r->body);
    if (in->start != in->came || !part.len)
        return OK;
    in->came += (int64_t)part.len;
    return store_upload_add(in->r->site->store, in->guid, in->start, part, err);
}

/* *ret_refused: it is none, for *err; which ends it, too. */
static enum result finish(struct intake *in, bool *ret_refused, struct error *err)
{
    struct store *s = in->r->site->store;
    struct slice text;
    char sha256[DIGEST_HEX];
    struct error ended;
    enum result r = store_upload_read(s, in->r->arena, in->guid, in->of.size, &text, err);
    if (r != OK)
        return r;
    digest_hex_of(text, sha256);
    in->what = damaged;
    if (strcmp(sha256, in->of.sha256) == 0)
        r = take_report(in, text, err);
    *ret_refused = r == R_INVALID || r == R_LIMIT;
    if (r != OK && !*ret_refused)
        return r;
    r = store_upload_end(s, in->guid, &ended);
    if (r != OK)
        *err = ended;
    return r;
}

/* Is it the report that was taken last? Then the answer was lost on its way. */
static enum result find_taken(struct intake *in, struct error *err)
{
    const char *last;
    enum result r = store_inventory_report(in->r->site->store, in->r->arena, in->guid, &last, err);
    if (r == OK && strcmp(last, in->of.id) == 0) {
        in->came = in->of.size;
        in->what = taken;
    }
    return r;
}

static enum result take_part(struct intake *in, bool *ret_refused, struct error *err)
{
    in->what = partial;
    enum result r = find_taken(in, err);
    if (r != OK || in->what == taken)
        return r;
    r = find_upload(in, err);
    if (r == OK)
        r = add_part(in, err);
    return r == OK && in->came == in->of.size ? finish(in, ret_refused, err) : r;
}

static enum result take(struct intake *in, bool *ret_refused, struct error *err)
{
    struct error why = {0};
    *ret_refused = false;
    enum result r = store_begin(in->r->site->store, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = take_part(in, ret_refused, &why);
    if (r != OK)
        *err = why;
    r = store_end(in->r->site->store, r, err);
    if (r == OK && *ret_refused)
        *err = why;
    return r;
}

void mp_handle_inventory(struct mp_request *r)
{
    struct mp_device device;
    struct error err;
    bool refused;
    if (!mp_intake_sender(r, &device))
        return;
    struct intake in = {.r = r, .guid = device.record.guid};
    enum result result = read_part(&in, &err);
    if (result != OK)
        mp_refuse(r, result == R_LIMIT ? MP_REFUSAL_TOO_LARGE : MP_REFUSAL_BAD_REQUEST, err.text);
    else if (take(&in, &refused, &err) != OK)
        mp_refuse_fault(r, &err);
    else if (refused)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else
        mp_answer_signed(r, 200, device.record.guid, device.certificate,
                         json_pack("{s:I, s:s}", "came", (json_int_t)in.came, "result", in.what));
    mp_device_done(&device);
}
