/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the admin API without its socket (admin_kit.h). */
#include "admin_kit.h"

#include "mp/admin/socket/routes.h"

struct kit_ask ask;

int admin_setup(void **state)
{
    ask = (struct kit_ask){0};
    return kit_open(state);
}

static void next(void)
{
    if (ask.x.ops)
        kit_forget(&ask);
    ask = (struct kit_ask){0};
}

int admin_teardown(void **state)
{
    next();
    return kit_close(state);
}

int admin_as(enum mp_role role, const char *method, const char *target, const char *body)
{
    const char *allow;
    next();
    kit_ask(&ask, method, target, body);
    ask.r->role = role;
    const struct mp_admin_route *route =
        mp_admin_route_find(ask.r->arena, ask.x.request.method, ask.r->path, ask.r->params, &allow);
    if (!route)
        fail_msg("no route for %s %s", method, target);
    else
        kit_handle(&ask, route->handle);
    return ask.status;
}

int admin(const char *method, const char *target, const char *body)
{
    return admin_as(MP_ADMINISTRATOR, method, target, body);
}

void done(int status)
{
    if (ask.status != status)
        fail_msg("%d: %s", ask.status, kit_said(&ask, "detail"));
}

void refused(const char *method, const char *target, const char *action, const struct refusal *cases, size_t n)
{
    size_t before = kit_audited(action);
    for (size_t i = 0; i < n; i++) {
        (void)admin(method, target, cases[i].body);
        if (ask.status != cases[i].status || !strstr(kit_said(&ask, "detail"), cases[i].told))
            fail_msg("%s: %d %s", cases[i].body, ask.status, kit_said(&ask, "detail"));
        assert_true(*kit_said(&ask, "remedy"));
    }
    assert_int_equal(kit_audited(action), before);
}

size_t count(const char *target, const char *member)
{
    (void)admin("GET", target, "");
    done(200);
    return json_array_size(json_object_get(ask.json, member));
}

char *with_pem(const char *template, const char *pem)
{
    json_t *text = json_string(pem);
    char *quoted = json_dumps(text, JSON_ENCODE_ANY);
    struct slice made = arena_printf(rows, template, quoted);
    json_decref(text);
    free(quoted);
    return slice_dup(made);
}
