/* SPDX-License-Identifier: Apache-2.0 */
/* POST /CCM_System/state: a device tells what became of what it was given. A message counts once, however often it is
 * sent: by its id. The site's word that it has them is signed, so that nobody on the way can make a device forget what
 * the site never heard. */
#include "base/clock.h"
#include "base/text/encode.h"
#include "base/utf8.h"
#include "mp/answer/handlers.h"
#include "mp/answer/signed.h"
#include "mp/intake/sender.h"
#include "mp/site.h"
#include "store/device/message.h"

enum { AT_ONCE = 64, SUBJECT_MAX = 128, DETAIL_MAX = 4096, TIME_MAX = INT32_MAX };

/* What there are; docs/protocol/wire.md says what each means. */
static const char *const kinds[] = {"policy", "user_policy", "deployment", "inventory", "wake"};
static const char *const states[] = {"started", "applied", "failed"};

static enum result read_word(const json_t *o, const char *name, const char *const *words, size_t count,
                             const char **ret, struct error *err)
{
    size_t which;
    enum result r = json_need_str(o, name, ret, err);
    if (r == OK && !slice_word(slice_of(*ret), words, count, &which))
        return error_set(err, R_INVALID, "'%s' can't be '%.32s'", name, *ret);
    return r;
}

static enum result read_one(const json_t *o, int64_t now, struct store_message *ret, struct error *err)
{
    *ret = (struct store_message){.received = now, .detail = json_opt_str(o, "detail", "")};
    enum result r = json_need_str(o, "id", &ret->id, err);
    if (r == OK)
        r = read_word(o, "kind", kinds, ARRAY_LEN(kinds), &ret->kind, err);
    if (r == OK)
        r = read_word(o, "state", states, ARRAY_LEN(states), &ret->state, err);
    if (r == OK)
        r = json_need_str(o, "subject", &ret->subject, err);
    if (r == OK)
        r = json_need_int(o, "at", &ret->at, err);
    if (r != OK)
        return r;
    ret->version = json_opt_int(o, "version", 0);
    struct slice subject = slice_of(ret->subject);
    if (!guid_valid(slice_of(ret->id)))
        return error_set(err, R_INVALID, "'id' is a GUID");
    if (!subject.len || subject.len > SUBJECT_MAX || !utf8_all_shown(subject))
        return error_set(err, R_INVALID, "'subject' is 1 to %d bytes without controls", SUBJECT_MAX);
    if (strlen(ret->detail) > DETAIL_MAX)
        return error_set(err, R_INVALID, "'detail' is at most %d bytes", DETAIL_MAX);
    if (ret->at < 0 || ret->at > TIME_MAX || ret->version < 0)
        return error_set(err, R_INVALID, "'at' are seconds since 1970, 'version' is no less than 0");
    return OK;
}

static enum result read_all(const json_t *root, int64_t now, struct store_message ret[AT_ONCE], size_t *ret_count,
                            struct error *err)
{
    json_t *list, *item;
    size_t i;
    enum result r = json_need_array(root, "messages", &list, err);
    *ret_count = json_array_size(list);
    if (r == OK && (!*ret_count || *ret_count > AT_ONCE))
        return error_set(err, R_INVALID, "a request has 1 to %d messages", AT_ONCE);
    json_array_foreach(list, i, item) {
        if (r == OK)
            r = read_one(item, now, &ret[i], err);
    }
    return r;
}

static enum result keep_all(struct mp_request *r, const char *guid, const struct store_message *list, size_t count,
                            size_t *ret_new, struct error *err)
{
    struct store *s = r->site->store;
    bool is_new;
    *ret_new = 0;
    enum result result = store_begin(s, STORE_DURABLE, err);
    if (result != OK)
        return result;
    for (size_t i = 0; i < count && result == OK; i++) {
        result = store_message_add(s, guid, &list[i], &is_new, err);
        *ret_new += result == OK && is_new;
    }
    if (result == OK)
        result = store_message_trim(s, guid, err);
    return store_end(s, result, err);
}

static void take(struct mp_request *r, const struct mp_device *d, const json_t *root)
{
    struct store_message list[AT_ONCE];
    size_t count = 0, fresh;
    struct error err;
    if (read_all(root, clock_wall_s(), list, &count, &err) != OK)
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    else if (keep_all(r, d->record.guid, list, count, &fresh, &err) != OK)
        mp_refuse_fault(r, &err);
    else
        mp_answer_signed(r, 200, d->record.guid, d->certificate,
                         json_pack("{s:I, s:I}", "taken", (json_int_t)count, "new", (json_int_t)fresh));
}

void mp_handle_state(struct mp_request *r)
{
    struct mp_device device;
    struct error err;
    json_t *root;
    if (!mp_intake_sender(r, &device))
        return;
    if (json_parse(buf_data(&r->body), r->body.max, &root, &err) != OK) {
        mp_refuse(r, MP_REFUSAL_BAD_REQUEST, err.text);
    } else {
        take(r, &device, root);
        json_decref(root);
    }
    mp_device_done(&device);
}
