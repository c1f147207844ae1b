/* SPDX-License-Identifier: Apache-2.0 */
/* What the steps of `cmg setup` ask of the site that they are making, and how its faults are told. */
#include <stdlib.h>

#include "base/host/file.h"
#include "ctl/api.h"
#include "ctl/secret.h"
#include "ctl/wizard/wizard.h"

enum { PEM_MAX = 1024 * 1024 };

enum result wizard_fail(struct ctl_fault *fault, const struct error *err, const char *where)
{
    fault->what = *err;
    (void)snprintf(fault->where, sizeof fault->where, "%s", where);
    (void)snprintf(fault->remedy, sizeof fault->remedy, "%s", err->remedy ? err->remedy : "");
    return err->code;
}

const char *wizard_given(const struct wizard *w, enum wizard_id id)
{
    return wizard_wants(w, id) && *wizard_text(w, id) ? w->text[id] : NULL;
}

enum result wizard_call(const struct wizard *w, const char *method, const char *path, json_t *body, json_t **ret,
                        struct ctl_fault *fault)
{
    enum result r = api_call(w->socket, method, path, body, ret, fault);
    json_decref(body);
    return r;
}

enum result wizard_set_value(const struct wizard *w, const char *path, const char *value, struct ctl_fault *fault)
{
    return wizard_call(w, "PUT", path, json_pack("{s:s}", "value", value), NULL, fault);
}

enum result wizard_find(const struct wizard *w, const char *path, const char *member, const char *id, json_t **ret,
                        struct ctl_fault *fault)
{
    json_t *answer, *row;
    size_t i;
    *ret = NULL;
    enum result r = wizard_call(w, "GET", path, NULL, &answer, fault);
    if (r != OK)
        return r;
    json_array_foreach(json_object_get(answer, member), i, row) {
        if (strcmp(json_opt_str(row, "id", ""), id) == 0)
            *ret = json_incref(row);
    }
    json_decref(answer);
    return OK;
}

enum result wizard_read_pem(const struct wizard *w, enum wizard_id id, char **ret, struct ctl_fault *fault)
{
    char *data;
    size_t len;
    struct error err;
    enum result r = file_read_text(wizard_text(w, id), PEM_MAX, &data, &len, &err);
    if (r != OK)
        return wizard_fail(fault, &err, wizard_text(w, id));
    r = ctl_certificates_pem(slice_make(data, len), ret, &err);
    free(data);
    return r == OK ? OK : wizard_fail(fault, &err, wizard_text(w, id));
}
