/* SPDX-License-Identifier: Apache-2.0 */
/* Reads two fields. What is done with the seconds is plan.h's. */
#include "source/freshness.h"

#include "base/ascii.h"
#include "base/attr.h"
#include "source/plan.h"

static struct slice unquoted(struct slice value)
{
    bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
    return quoted ? slice_make(value.ptr + 1, value.len - 2) : value;
}

/* More digits than a number holds mean very long (RFC 9111 1.2.2); what is no number means stale (4.2.1). */
static int64_t seconds(struct slice text)
{
    uint64_t n;
    if (text.len == 0)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.ptr[i]))
            return 0;
    }
    return slice_to_u64(text, &n) && n < FRESHNESS_MAX_S ? (int64_t)n : FRESHNESS_MAX_S;
}

int64_t freshness(struct slice cache_control, struct slice age)
{
    int64_t max_age = FRESHNESS_UNSAID;
    struct slice rest = cache_control;
    while (rest.ptr) {
        struct slice value = slice_trim(slice_cut(&rest, ',')), name = slice_trim(slice_cut(&value, '='));
        if (slice_eq_nocase(name, SLICE("no-store")) || slice_eq_nocase(name, SLICE("no-cache")))
            return 0;
        if (slice_eq_nocase(name, SLICE("max-age")) && max_age == FRESHNESS_UNSAID)
            max_age = value.ptr ? seconds(unquoted(slice_trim(value))) : 0;
    }
    if (max_age == FRESHNESS_UNSAID || !age.ptr)
        return max_age;
    int64_t gone = seconds(slice_trim(age));
    return max_age > gone ? max_age - gone : 0;
}
