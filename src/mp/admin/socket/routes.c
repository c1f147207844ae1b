/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a request's row in the table of api.h. Nothing that a handler calls belongs here. */
#include "mp/admin/socket/routes.h"

#include "mp/admin/admin.h"
#include "mp/admin/socket/api.h"
#include "mp/server/form.h"

static const struct mp_admin_route routes[] = {
#define ROUTE(method, pattern, role, handler, what, takes, answers) {method, pattern, role, handler, (takes)[0] == '*'},
    MP_ADMIN_ROUTES(ROUTE)
#undef ROUTE
};

/* --- finding the handler --- */

static bool take_param(struct arena *a, struct slice segment, char ret[MP_PARAM_SIZE])
{
    struct slice decoded;
    if (mp_percent_decode(segment, false, a, &decoded, NULL) != OK || !decoded.len)
        return false;
    json_t *text = json_stringn(decoded.ptr, decoded.len); /* NULL when it is not UTF-8 */
    json_decref(text);
    return text && slice_to_cstr(decoded, ret, MP_PARAM_SIZE);
}

static bool matches(struct arena *a, const char *pattern, struct slice path, char params[MP_PARAMS_MAX][MP_PARAM_SIZE])
{
    struct slice want = slice_of(pattern);
    size_t count = 0;
    while (want.ptr && path.ptr) {
        struct slice wanted = slice_cut(&want, '/'), segment = slice_cut(&path, '/');
        if (!slice_eq(wanted, SLICE("*"))) {
            if (!slice_eq(wanted, segment))
                return false;
        } else if (count == MP_PARAMS_MAX || !take_param(a, segment, params[count++])) {
            return false;
        }
    }
    return !want.ptr && !path.ptr;
}

const struct mp_admin_route *mp_admin_route_find(struct arena *a, struct slice method, struct slice path,
                                                 char params[MP_PARAMS_MAX][MP_PARAM_SIZE], const char **ret_allow)
{
    const char *allow = "";
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        if (!matches(a, routes[i].pattern, path, params))
            continue;
        if (slice_eq(method, slice_of(routes[i].method)))
            return &routes[i];
        allow = arena_printf(a, "%s%s%s", allow, *allow ? ", " : "", routes[i].method).ptr;
    }
    *ret_allow = allow;
    return NULL;
}
