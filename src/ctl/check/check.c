/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for verdicts: one or many cases, each a JSON object, the command line's own included. */
#include "ctl/check/check.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "ctl/out.h"

/* --- times --- */

static bool check_epoch(const char *text, int64_t *ret)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    *ret = (int64_t)n;
    return *text && !*end && errno == 0 && n > -INT64_C(100000000000) && n < INT64_C(300000000000);
}

/* "Z" or "+hh:mm": seconds east of UTC. */
static bool offset_of(const char *text, int64_t *ret)
{
    uint64_t hours, minutes;
    *ret = 0;
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
        return true;
    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':' ||
        !slice_to_u64(slice_make(text + 1, 2), &hours) || !slice_to_u64(slice_make(text + 4, 2), &minutes) ||
        hours > 23 || minutes > 59)
        return false;
    *ret = (int64_t)(hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return true;
}

bool check_time(struct slice text, int64_t *ret)
{
    char copy[64];
    struct tm tm = {0};
    int64_t offset;
    if (!slice_to_cstr(text, copy, sizeof copy))
        return false;
    const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end)
        return check_epoch(copy, ret);
    if (*end == '.')
        end += 1 + strspn(end + 1, "0123456789");
    if (!offset_of(end, &offset))
        return false;
    *ret = (int64_t)timegm(&tm) - offset;
    return true;
}

enum result check_time_of(const json_t *c, int64_t *ret, struct error *err)
{
    const json_t *at = json_object_get(c, "at");
    double seconds = json_number_value(at);
    bool number = json_is_number(at) && seconds > -1e11 && seconds < 3e11;
    *ret = number ? (int64_t)seconds : clock_wall_s();
    if (!at || json_is_null(at) || number)
        return OK;
    if (json_is_string(at) && check_time(slice_of(json_string_value(at)), ret))
        return OK;
    return error_set(err, R_INVALID, "'at' is neither a time like 2026-11-23T04:05:06Z nor seconds since 1970");
}

/* --- answers --- */

enum result check_switch_of(const json_t *c, const char *name, bool *ret, struct error *err)
{
    const json_t *v = json_object_get(c, name);
    const char *text = json_is_string(v) ? json_string_value(v) : "";
    if (!v || json_is_null(v))
        return OK;
    if (!json_is_boolean(v) && strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
        return error_set(err, R_INVALID, "'%s' must be on or off", name);
    *ret = json_is_true(v) || strcmp(text, "on") == 0;
    return OK;
}

json_t *check_answer(enum verdict_reason reason, const char *detail, const char *identity, const char *remedy)
{
    const struct verdict_reason_info *info = verdict_reason_info(reason);
    remedy = remedy ? remedy : info->remedy;
    json_t *ret = json_pack("{s:b, s:s, s:s, s:s, s:s}", "ok", reason == REASON_OK, "reason", info->name, "detail",
                            detail[0] || reason == REASON_OK ? detail : info->text, "identity", identity, "remedy",
                            reason == REASON_OK ? "" : remedy);
    if (!ret) /* what came from outside was no UTF-8 */
        ret = json_pack("{s:b, s:s, s:s, s:s, s:s}", "ok", reason == REASON_OK, "reason", info->name, "detail",
                        info->text, "identity", "", "remedy", remedy);
    return ret;
}

static void print_text(const json_t *answer)
{
    bool ok = json_is_true(json_object_get(answer, "ok"));
    /* they quote what is judged: a token must not write its own verdict on the terminal */
    char *identity = ctl_cell_text(json_object_get(answer, "identity"), CTL_TEXT, ""),
         *detail = ctl_cell_text(json_object_get(answer, "detail"), CTL_TEXT, "");
    const char *remedy = json_opt_str(answer, "remedy", "");
    (void)printf("%s%s%s", term_on(stdout, ok ? TERM_GREEN : TERM_RED), ok ? "accepted" : "refused", term_off(stdout));
    (void)printf("%s%s%s%s\n", ok ? "" : ": ", ok ? "" : json_opt_str(answer, "reason", ""), identity[0] ? "  " : "",
                 identity);
    if (detail[0])
        (void)printf("  %s\n", detail);
    if (remedy[0])
        (void)printf("  remedy: %s\n", remedy);
    size_t i;
    json_t *warning;
    json_array_foreach(json_object_get(answer, "warnings"), i, warning) {
        char *text = ctl_cell_text(warning, CTL_TEXT, "");
        (void)printf("  warning: %s\n", text);
        free(text);
    }
    free(identity);
    free(detail);
}

int check_one(const struct ctl_common *common, const json_t *c, check_fn *judge, void *arg)
{
    struct error err = {0};
    json_t *answer = judge(arg, c, &err);
    if (!answer)
        return ctl_usage("%s", err.text);
    if (common->json)
        ctl_print_json(stdout, answer, false);
    else
        print_text(answer);
    int code = json_is_true(json_object_get(answer, "ok")) ? CTL_DONE : CTL_FAILED;
    json_decref(answer);
    return code;
}

/* --- batches --- */

static json_t *answer_case(json_t *c, const json_t *defaults, check_fn *judge, void *arg, bool *wrong)
{
    struct error err = {0};
    json_t *answer = NULL;
    if (json_is_object(c) && json_object_update_missing(c, (json_t *)(uintptr_t)defaults) == 0)
        answer = judge(arg, c, &err);
    else
        (void)error_set(&err, R_INVALID, "a case must be an object");
    if (!answer) {
        *wrong = true;
        answer = json_pack("{s:b, s:s, s:s, s:s}", "ok", 0, "reason", "usage", "detail", err.text, "identity", "");
    }
    json_t *id = json_object_get(c, "id");
    if (id && answer)
        (void)json_object_set(answer, "id", id);
    return answer ? answer : json_object();
}

static json_t *read_cases(const char *path, struct error *err)
{
    char *text;
    size_t len;
    json_t *cases = NULL;
    if (file_read(path, CHECK_BATCH_MAX, &text, &len, err) != OK)
        return NULL;
    if (json_parse(slice_make(text, len), CHECK_BATCH_MAX, &cases, err) == OK &&
        (!json_is_array(cases) || json_array_size(cases) > CHECK_CASES_MAX)) {
        (void)error_set(err, R_INVALID, "must be a JSON list of at most %d cases", CHECK_CASES_MAX);
        json_decref(cases);
        cases = NULL;
    }
    free(text);
    return cases;
}

int check_batch(const struct ctl_common *common UNUSED, const char *path, const json_t *defaults, check_fn *judge,
                void *arg)
{
    struct error err = {0};
    bool wrong = false;
    json_t *cases = read_cases(path, &err), *answers = json_array(), *c;
    if (!cases) {
        json_decref(answers);
        return ctl_usage("--batch %s: %s", path, err.text);
    }
    size_t i;
    json_array_foreach(cases, i, c)
        (void)json_array_append_new(answers, answer_case(c, defaults, judge, arg, &wrong));
    ctl_print_json(stdout, answers, false);
    json_decref(answers);
    json_decref(cases);
    return wrong ? CTL_USAGE : CTL_DONE;
}
