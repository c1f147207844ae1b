/* SPDX-License-Identifier: Apache-2.0 */
/* Forms, as the token endpoint takes them. */
#include "mp/server/form.h"

#include "base/text/percent.h"

enum result mp_percent_decode(struct slice text, bool plus, struct arena *a, struct slice *ret, struct error *err)
{
    char *out = arena_alloc(a, text.len + 1);
    size_t n = 0;
    if (!out)
        return error_set(err, R_LIMIT, "the text is too long");
    for (struct slice rest = text; rest.len;) {
        bool escaped = rest.ptr[0] == '%', blank = plus && rest.ptr[0] == '+';
        unsigned char c;
        if (!percent_take(&rest, &c) || (escaped && !c))
            return error_set(err, R_INVALID, "a percent-encoding is malformed");
        out[n++] = blank ? ' ' : (char)c;
    }
    *ret = slice_make(out, n);
    return OK;
}

enum result mp_form_get(struct slice form, const char *name, struct arena *a, struct slice *ret, struct error *err)
{
    struct slice rest = form, value = SLICE_NONE, key;
    while (rest.ptr) {
        struct slice part = slice_cut(&rest, '&'), raw = slice_cut(&part, '=');
        enum result r = mp_percent_decode(raw, true, a, &key, err);
        if (r != OK)
            return r;
        if (!slice_eq(key, slice_of(name)))
            continue;
        if (value.ptr)
            return error_set(err, R_INVALID, "'%s' occurs twice", name);
        value = part.ptr ? part : SLICE("");
    }
    *ret = SLICE_NONE;
    return value.ptr ? mp_percent_decode(value, true, a, ret, err) : OK;
}
