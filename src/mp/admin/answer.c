/* SPDX-License-Identifier: Apache-2.0 */
/* What handlers share: bodies, failures with their remedies, and the end of a change. */
#include <stdio.h>

#include "base/host/log.h"
#include "base/utf8.h"
#include "mp/admin/admin.h"
#include "store/site/audit.h"

json_t *mp_admin_body(struct mp_request *r)
{
    json_t *body = NULL;
    struct error err;
    enum result result = json_parse(buf_data(&r->body), MP_ADMIN_BODY_MAX, &body, &err);
    if (result == OK && !json_is_object(body))
        result = error_set(&err, R_INVALID, "the body must be a JSON object");
    if (result == OK)
        return body;
    json_decref(body);
    mp_admin_fail(r, &err, NULL);
    return NULL;
}

/* Where it is seen what there is, by the first part of the path. */
static const struct {
    const char *things, *command;
} lists[] = {
    {"gateways", "cmg gateway list"},
    {"connectors", "cmg connector list"},
    {"endpoints", "cmg endpoint list"},
    {"devices", "cmg device list"},
    {"collections", "cmg collection list, cmg device list"},
    {"client-settings", "cmg settings client list, cmg collection list"},
    {"policies", "cmg policy list"},
    {"content", "cmg content list"},
    {"content-files", "cmg content list"},
    {"tokens", "cmg token list"},
    {"tenants", "cmg tenant list, cmg source list"},
    {"sources", "cmg source list"},
    {"trust", "cmg trust list"},
    {"foreign-sites", "cmg trust list-foreign"},
    {"settings", "cmg settings get"},
};

static const char *list_of(struct slice path)
{
    struct slice rest = slice_starts(path, SLICE("/v1/")) ? slice_skip(path, 4) : path;
    struct slice things = slice_cut(&rest, '/');
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        if (slice_eq(things, slice_of(lists[i].things)))
            return lists[i].command;
    }
    return "cmg status";
}

/* For handlers that have no better words. */
static void usual_remedy(const struct mp_request *r, enum result code, char *ret, size_t size)
{
    const char *list = list_of(r->path);
    if (code == R_NOTFOUND)
        (void)snprintf(ret, size, "list them with: %s", list);
    else if (code == R_CONFLICT)
        (void)snprintf(ret, size, "use another name, or remove what is there first; see: %s", list);
    else
        (void)snprintf(ret, size, "%s; see the command's --help, and what there is: %s", result_remedy(code), list);
}

void mp_admin_fail(struct mp_request *r, const struct error *err, const char *remedy)
{
    static const struct {
        enum result code;
        int status;
        const char *word, *title;
    } map[] = {
        {R_INVALID, 400, "MP_Bad_Request", "the request is malformed"},
        {R_DENIED, 403, "MP_Not_Allowed", "this is not allowed"},
        {R_NOTFOUND, 404, "MP_Not_Found", "there is no such thing"},
        {R_CONFLICT, 409, "MP_Conflict", "this contradicts what is there already"},
        {R_LIMIT, 413, "MP_Too_Large", "a maximum was reached"},
        {R_AGAIN, 503, "MP_Busy", "the store can't be had now"},
    };
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].code != err->code)
            continue;
        char usual[256];
        usual_remedy(r, err->code, usual, sizeof usual);
        json_t *said = json_string(err->text); /* NULL when it quotes what is not UTF-8 */
        json_t *o = json_pack("{s:s, s:s, s:i, s:s, s:s, s:o, s:s, s:s}", "type", "about:blank", "title", map[i].title,
                              "status", map[i].status, "code", map[i].word, "reason", result_name(err->code), "detail",
                              said ? said : json_string(map[i].title), "remedy",
                              remedy        ? remedy
                              : err->remedy ? err->remedy
                                            : usual,
                              "request_id", r->id);
        mp_answer_problem(r, map[i].status, o);
        return;
    }
    mp_refuse_fault_told(r, err);
}

enum result mp_admin_commit(struct mp_request *r, enum result so_far, const char *action, const char *object,
                            const char *detail, struct error *err)
{
    if (so_far == OK)
        so_far = store_audit_add(
            r->site->store,
            &(struct store_audit){.caller = r->caller, .action = action, .object = object, .detail = detail}, err);
    so_far = store_end(r->site->store, so_far, err);
    if (so_far == OK)
        LOG_EVENT(LOG_INFO, "admin", action, LOG_T("caller", r->caller), LOG_T("object", object));
    return so_far;
}

bool mp_admin_name_good(const char *name, size_t max)
{
    for (const char *c = name; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '/')
            return false;
    }
    return *name && strlen(name) <= max &&
           utf8_all_shown(slice_of(name)); /* what steers a terminal is more than that */
}
