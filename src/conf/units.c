/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers with their unit behind them; overflow is refused, fractions are not taken. */
#include "conf/units.h"

struct unit {
    const char *suffix;
    uint64_t factor;
};

static const struct unit sizes[] = {
    {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}, {"B", 1}, {"", 1}};
static const struct unit durations[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"", 1}};

static bool parse(struct slice text, const struct unit *units, size_t count, uint64_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        struct slice suffix = slice_of(units[i].suffix);
        uint64_t number;
        if (!slice_ends(text, suffix))
            continue;
        if (!slice_to_u64(slice_trim(slice_make(text.ptr, text.len - suffix.len)), &number))
            continue;
        if (number > UINT64_MAX / units[i].factor)
            return false;
        *ret = number * units[i].factor;
        return true;
    }
    return false;
}

bool conf_parse_size(struct slice text, uint64_t *ret)
{
    return parse(text, sizes, ARRAY_LEN(sizes), ret);
}

bool conf_parse_duration(struct slice text, uint64_t *ret)
{
    return parse(text, durations, ARRAY_LEN(durations), ret);
}

bool conf_parse_bool(struct slice text, bool *ret)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_eq_nocase(text, slice_of(words[i]))) {
            *ret = i % 2 == 1;
            return true;
        }
    }
    return false;
}
