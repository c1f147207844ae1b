/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict/problem.h"

#include "base/error.h"
#include "json/json.h"

char *verdict_problem(enum verdict_reason reason, const char *detail, const char *remedy, const char *request_id)
{
    const struct verdict_reason_info *why = verdict_reason_info(reason);
    const struct verdict_refusal_info *what = verdict_refusal_info(why->refusal);
    json_t *said = detail && detail[0] ? json_string(detail) : NULL; /* NULL too when it is not UTF-8 */
    if (!said)
        said = json_string(why->text);
    json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:s, s:s}", "type", "about:blank", "title", why->text,
                          "status", what->status, "code", what->code, "reason", why->name, "detail", said, "remedy",
                          remedy && remedy[0] ? remedy : why->remedy, "request_id", request_id);
    char *text = json_text(o);
    json_decref(o);
    return text;
}
