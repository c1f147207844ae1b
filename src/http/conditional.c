/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags compared, and Range: bytes=… taken apart. */
#include "http/conditional.h"

bool http_etag_listed(struct slice list, struct slice etag)
{
    if (slice_eq(slice_trim(list), SLICE("*")))
        return true;
    while (list.ptr) {
        struct slice one = slice_trim(slice_cut(&list, ','));
        if (slice_starts(one, SLICE("W/")))
            one = slice_skip(one, 2);
        if (slice_eq(one, etag))
            return true;
    }
    return false;
}

/* 1*DIGIT; one that no number here holds counts as the highest. */
static bool read_position(struct slice digits, uint64_t *ret)
{
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return false;
    }
    if (digits.len && !slice_to_u64(digits, ret))
        *ret = UINT64_MAX;
    return digits.len > 0;
}

/* "first-", "first-last", "-suffix" (14.1.2). */
static enum http_range one_range(struct slice spec, uint64_t size, uint64_t *ret_first, uint64_t *ret_length)
{
    struct slice rest = spec, from = slice_cut(&rest, '-');
    uint64_t first, last = UINT64_MAX;
    if (!rest.ptr || (rest.len && !read_position(rest, &last)) || (from.len && !read_position(from, &first)))
        return HTTP_RANGE_WHOLE;
    if (!from.len) {
        if (!rest.len)
            return HTTP_RANGE_WHOLE;
        first = last < size ? size - last : 0;
        if (!last || !size)
            return HTTP_RANGE_BEYOND;
        last = UINT64_MAX;
    }
    if (last < first)
        return HTTP_RANGE_WHOLE;
    if (first >= size)
        return HTTP_RANGE_BEYOND;
    *ret_first = first;
    *ret_length = (last < size ? last + 1 : size) - first;
    return HTTP_RANGE_PART;
}

enum http_range http_range_wanted(const struct http_fields *fields, struct slice etag, uint64_t size,
                                  uint64_t *ret_first, uint64_t *ret_length)
{
    struct slice range = http_fields_get(fields, SLICE("range")),
                 condition = http_fields_get(fields, SLICE("if-range"));
    *ret_first = 0;
    *ret_length = size;
    if (!range.ptr || http_fields_count(fields, SLICE("range")) > 1 ||
        (condition.ptr && !slice_eq(condition, etag))) /* strongly: a weak one never is (13.1.5) */
        return HTTP_RANGE_WHOLE;
    struct slice set = range, unit = slice_cut(&set, '=');
    if (!set.ptr || !slice_eq_nocase(unit, SLICE("bytes")) || slice_find(set, ',') != SIZE_MAX)
        return HTTP_RANGE_WHOLE;
    return one_range(slice_trim(set), size, ret_first, ret_length);
}
