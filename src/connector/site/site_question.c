/* SPDX-License-Identifier: Apache-2.0 */
/* The table of what gateways may ask. Whatever is not in it is refused: the connector's certificate would speak for
 * it at the site. */
#include "connector/site/site_question.h"

#include "base/ascii.h"
#include "base/attr.h"

enum { LIST_DIGITS = 64 };

static const struct site_question questions[] = {
    {{"GET", 3}, {"/bundle", 7}, NULL, false},          {{"GET", 3}, {"/questions", 10}, "/questions/%s", false},
    {{"POST", 4}, {"/answer", 7}, "/answer/%s", false}, {{"GET", 3}, {"/crl/", 5}, NULL, true},
    {{"POST", 4}, {"/report", 7}, "/report/%s", false}, {{"POST", 4}, {"/renew", 6}, "/renew/%s", false}};

static bool names_list(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!ascii_is_digit(s.ptr[i]) && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
            return false;
    }
    return s.len == LIST_DIGITS;
}

const struct site_question *site_question_find(struct slice method, struct slice target)
{
    struct slice rest = target, path = slice_cut(&rest, '?');
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        const struct site_question *q = &questions[i];
        bool fits = q->of_list ? slice_starts(target, q->path) && names_list(slice_skip(target, q->path.len))
                               : slice_eq(path, q->path);
        if (fits && slice_eq(method, q->method))
            return q;
    }
    return NULL;
}
