/* SPDX-License-Identifier: Apache-2.0 */
/* Devices that wait, removed together: what somebody without a voucher may bring in numbers goes in one command. */
#include "mp/admin/admin.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "mp/targeting/rule.h"
#include "store/device/waiting.h"

enum { PATTERN_MAX = 128, AGE_MAX_S = 10 * 366 * 86400 };

struct sweep {
    int64_t older_than; /* seconds since they registered */
    struct slice name;  /* a pattern; ptr NULL: all */
    bool dry;           /* they are counted alone */
    int64_t count, left;
};

static enum result read_sweep(const json_t *body, struct sweep *ret, struct error *err)
{
    const char *name = json_opt_str(body, "name", NULL);
    *ret = (struct sweep){.older_than = json_opt_int(body, "older_than", 0),
                          .name = name ? slice_of(name) : SLICE_NONE,
                          .dry = json_opt_bool(body, "dry_run", false)};
    if (ret->older_than < 0 || ret->older_than > AGE_MAX_S)
        return error_set(err, R_INVALID, "'older_than' is a number of seconds, up to ten years");
    if (name && (!*name || ret->name.len > PATTERN_MAX))
        return error_set(err, R_INVALID, "'name' is a pattern of 1 to %d bytes, as LAB-*", PATTERN_MAX);
    return OK;
}

static enum result sweep_all(struct mp_request *r, struct sweep *s, struct error *err)
{
    struct store_waiting *list;
    struct store_device_counts counts;
    size_t count;
    /* of no age: those of this second, too */
    int64_t before = s->older_than ? clock_wall_s() - s->older_than : INT64_MAX;
    enum result result = store_waiting_list(r->site->store, r->arena, before, &list, &count, err);
    for (size_t i = 0; result == OK && i < count; i++) {
        if (s->name.ptr && !mp_rule_glob(s->name, slice_of(list[i].name)))
            continue;
        s->count++;
        if (!s->dry)
            result = store_waiting_remove(r->site->store, &list[i], err);
    }
    if (result == OK)
        result = store_device_count(r->site->store, &counts, err);
    if (result == OK)
        s->left = counts.pending - (s->dry ? s->count : 0);
    return result;
}

/* One row, however many they were. */
static enum result commit(struct mp_request *r, enum result so_far, const struct sweep *s, struct error *err)
{
    char detail[PATTERN_MAX + 128];
    if (s->dry || (so_far == OK && !s->count))
        return store_end(r->site->store, so_far, err);
    (void)snprintf(detail, sizeof detail, "%" PRId64 " that waited, for %" PRId64 " s at least%s%.*s", s->count,
                   s->older_than, s->name.ptr ? ", called " : "", SLICE_ARG(s->name));
    return mp_admin_commit(r, so_far, "device.remove-waiting", "", detail, err);
}

void mp_admin_device_remove_waiting(struct mp_request *r)
{
    struct sweep s;
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    enum result result = read_sweep(body, &s, &err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = commit(r, sweep_all(r, &s, &err), &s, &err);
    json_decref(body);
    if (result == OK)
        mp_answer_json(r, 200,
                       json_pack("{s:I, s:I, s:b}", "removed", (json_int_t)s.count, "still_waiting", (json_int_t)s.left,
                                 "dry_run", s.dry));
    else
        mp_admin_fail(r, &err, "name them by --older-than and --name, or see: cmg device list");
}
