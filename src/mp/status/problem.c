/* SPDX-License-Identifier: Apache-2.0 */
/* What all finders of problems say alike: a problem's words, and who is silent. Pure. */
#include <stdarg.h>

#include "base/utf8.h"
#include "mp/status/problems_part.h"

void mp_problem_add(json_t *list, const struct mp_problem *p, const char *of, const char *fmt, ...)
{
    char found[700], shown[sizeof found];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(found, sizeof found, fmt, args);
    va_end(args);
    utf8_escape(slice_of(found), shown, sizeof shown); /* a text of others may be cut within a letter */
    mp_push(list, json_pack("{s:s, s:s, s:s, s:s}", "cause", p->cause, "of", of, "found", shown, "remedy", p->remedy));
}

bool mp_role_silent(const json_t *role, int64_t now)
{
    return now - json_opt_int(role, "seen", 0) > MP_SILENT_S;
}
