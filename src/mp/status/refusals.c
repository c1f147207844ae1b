/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway counts from its start; what came since its last report is added to the hour. An hour that begins would look
 * like the end of a rise, so the fuller one of this hour and the last is judged. */
#include "mp/status/refusals.h"

#include "mp/status/problems_part.h"

enum { HOUR_S = 3600, COUNT_MAX = 1000 * 1000 * 1000 };

static int64_t sum(const json_t *counts)
{
    const char *reason;
    const json_t *count;
    int64_t ret = 0;
    json_object_foreach((json_t *)(uintptr_t)counts, reason, count)
        ret += json_integer_value(count);
    return ret;
}

/* --- following --- */

/* How many hours it is since `before` was last added to; the present hour's counts move on by so much. */
static void turn(json_t *refused, int64_t hours)
{
    json_t *list = json_object_get(refused, "hours");
    for (int64_t i = 0; i < hours && i <= MP_REFUSED_HOURS + 1; i++) {
        if (json_is_object(json_object_get(refused, "last")))
            (void)json_array_insert_new(list, 0, json_integer((json_int_t)sum(json_object_get(refused, "last"))));
        if (json_array_size(list) > MP_REFUSED_HOURS)
            (void)json_array_remove(list, MP_REFUSED_HOURS);
        mp_put(refused, "last", json_incref(json_object_get(refused, "now")));
        mp_put(refused, "now", json_object());
    }
}

static json_t *start(const json_t *before, int64_t hour)
{
    json_t *kept = json_object_get(before, "refused");
    if (!json_is_object(kept))
        return json_pack("{s:I, s:{}, s:n, s:[]}", "hour", (json_int_t)hour, "now", "last", "hours");
    json_t *refused = json_deep_copy(kept);
    turn(refused, hour - json_opt_int(refused, "hour", hour));
    mp_put(refused, "hour", json_integer((json_int_t)hour));
    return refused;
}

void mp_refusals_follow(const json_t *before, json_t *clean, int64_t now)
{
    json_t *refused = start(before, now / HOUR_S), *counts = json_object_get(refused, "now");
    int64_t started = json_opt_int(clean, "started", 0);
    bool same_process = before && json_opt_int(before, "started", 0) == started;
    const json_t *total;
    const char *reason;
    json_object_foreach(json_object_get(clean, "refusals"), reason, total) {
        int64_t so_far = same_process ? json_opt_int(json_object_get(before, "refusals"), reason, 0) : 0;
        int64_t more = json_integer_value(total) - so_far, sum_up = json_opt_int(counts, reason, 0);
        bool of_this_hour = before || started > now - HOUR_S; /* else nobody knows when they came */
        if (more > 0 && of_this_hour)
            mp_put(counts, reason, json_integer((json_int_t)(more < COUNT_MAX - sum_up ? sum_up + more : COUNT_MAX)));
    }
    mp_put(clean, "refused", refused);
}

/* --- judging --- */

static int64_t average(const json_t *hours)
{
    const json_t *one;
    size_t i, n = json_array_size(hours);
    int64_t all = 0;
    json_array_foreach(hours, i, one)
        all += json_integer_value(one);
    return n ? all / (int64_t)n : 0;
}

/* "missing 90, expired 12": the most frequent ones; *first is the first. */
static void most_frequent(const json_t *counts, char *ret, size_t size, const char **first)
{
    enum { TOLD = 3 };
    json_t *left = json_copy((json_t *)(uintptr_t)counts);
    size_t used = 0;
    ret[0] = '\0';
    *first = "REASON";
    for (size_t i = 0; i < TOLD && json_object_size(left) && used < size; i++) {
        const char *reason, *most = NULL;
        const json_t *count;
        json_object_foreach(left, reason, count) {
            if (!most || json_integer_value(count) > json_opt_int(left, most, 0))
                most = reason;
        }
        most = json_object_iter_key(json_object_iter_at((json_t *)(uintptr_t)counts, most)); /* outlives `left` */
        used += (size_t)snprintf(ret + used, size - used, "%s%.40s %lld", i ? ", " : "", most,
                                 (long long)json_opt_int(counts, most, 0));
        if (i == 0)
            *first = most;
        (void)json_object_del(left, most);
    }
    json_decref(left);
}

void mp_problems_refusals(json_t *list, const json_t *gateway, const char *kind)
{
    const json_t *refused = json_object_get(gateway, "refused"), *now = json_object_get(refused, "now"),
                 *last = json_object_get(refused, "last");
    const json_t *fuller = sum(now) >= sum(last) ? now : last;
    int64_t many = sum(fuller), usual = average(json_object_get(refused, "hours"));
    const char *id = json_opt_str(gateway, "id", ""), *first;
    char most[200], remedy[300];
    if (many < MP_REFUSED_FEWEST || many <= usual * MP_REFUSED_RISE)
        return;
    most_frequent(fuller, most, sizeof most, &first);
    (void)snprintf(
        remedy, sizeof remedy,
        "cmg explain %.40s says what that means and what helps; the gateway's log names who was refused, and "
        "cmg trace REQUEST-ID tells the way of one request. Told until they are no more than usual for an "
        "hour",
        first);
    struct mp_problem p = {"refusals_rising", remedy};
    mp_problem_add(list, &p, id,
                   "%s %s refused %lld requests within an hour, where %lld an hour were usual; by reason: %s", kind, id,
                   (long long)many, (long long)usual, most);
}
