/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of tables gateway, connector, management_point and revoked_role. */
#include "store/site/role.h"

#include <stdio.h>

#include "base/clock.h"
#include "store/row.h"
#include "store/sequence.h"
#include "store/site/join.h"

enum { ALL = STORE_BUNDLE | STORE_CONNECTORS | STORE_LOCATION };

#define WITHDRAWN(kind)                                                                                                \
    "COALESCE((SELECT v.not_after FROM revoked_role v WHERE v.kind = '" kind "' AND v.id = " kind ".id), 0) "
#define GATEWAY "SELECT id, host, port, created, not_after, seen, report, " WITHDRAWN("gateway") "FROM gateway "
#define CONNECTOR                                                                                                      \
    "SELECT id, created, not_after, pki_sha256, pki_subject, pki_not_after, seen, report, " WITHDRAWN(                 \
        "connector") "FROM connector "

static void read_gateway(struct store_reader *r, void *ret)
{
    struct store_gateway *g = ret;
    g->id = store_read_text(r, 0);
    g->host = store_read_text(r, 1);
    g->port = store_read_int(r, 2);
    g->created = store_read_int(r, 3);
    g->not_after = store_read_int(r, 4);
    g->seen = store_read_int(r, 5);
    g->report = store_read_text_opt(r, 6);
    g->withdrawn = store_read_int(r, 7);
}

static void read_connector(struct store_reader *r, void *ret)
{
    struct store_connector *c = ret;
    c->id = store_read_text(r, 0);
    c->created = store_read_int(r, 1);
    c->not_after = store_read_int(r, 2);
    c->pki_sha256 = store_read_text_opt(r, 3);
    c->pki_subject = store_read_text_opt(r, 4);
    c->pki_not_after = store_read_int(r, 5);
    c->seen = store_read_int(r, 6);
    c->report = store_read_text_opt(r, 7);
    c->withdrawn = store_read_int(r, 8);
}

/* --- what gateways and connectors have in common --- */

/* Those before it work on beside a new one that ends earlier, and are to be refused as long if the role is removed. */
#define LATER(than) "CASE WHEN not_after < " than " THEN " than " ELSE not_after END"
#define OF_ID " WHERE id = $1"
#define ROLE(word)                                                                                                     \
    {                                                                                                                  \
        .name = word, .one = word " of this id", .not_after = "SELECT not_after FROM " word OF_ID,                     \
        .ends = "SELECT not_after, " WITHDRAWN(word) "FROM " word OF_ID,                                               \
        .renewed = "UPDATE " word " SET not_after = " LATER("$2") OF_ID, .remove = "DELETE FROM " word OF_ID           \
    }

static const struct role {
    const char *name, *one;                          /* "gateway", "gateway of this id" */
    const char *not_after, *ends, *renewed, *remove; /* statements */
} roles[] = {[STORE_CONNECTOR] = ROLE("connector"), [STORE_GATEWAY] = ROLE("gateway")};

const char *store_role_name(enum store_role role)
{
    return roles[role].name;
}

bool store_role_find(const char *name, enum store_role *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        if (strcmp(roles[i].name, name) != 0)
            continue;
        *ret = (enum store_role)i;
        return true;
    }
    return false;
}

/* --- adding and removing --- */

/* An id whose old certificate still lives stays revoked; one whose certificates have all ended is free again. */
static enum result check_id(struct store *s, const char *kind, const char *id, struct error *err)
{
    int64_t revoked;
    enum result r = store_exec(s, "DELETE FROM revoked_role WHERE not_after < $1",
                               STORE_PARAMS(STORE_N(clock_wall_s())), NULL, err);
    if (r == OK)
        r = store_query_int(s, "SELECT COUNT(*) FROM revoked_role WHERE kind = $1 AND id = $2",
                            STORE_PARAMS(STORE_T(kind), STORE_T(id)), &revoked, err);
    if (r == OK && revoked)
        return error_set(err, R_CONFLICT,
                         "a %s '%s' was removed and its certificate has not expired yet: take another id", kind, id);
    return r;
}

/* Says it in words instead of the database's. */
static enum result taken(enum result r, const char *kind, const char *id, struct error *err)
{
    if (r != R_CONFLICT)
        return r;
    (void)error_set(err, r, "a %s '%s', or one with the same certificate, exists already", kind, id);
    error_remedy(err, strcmp(kind, "connector") == 0
                          ? "give the one that is known another PKI certificate: cmg connector certificate ID FILE; or "
                            "another bootstrap file: cmg connector add ID --renew --out FILE"
                          : "give the one that is known another bootstrap file: cmg gateway add ID --host NAME --renew "
                            "--out FILE");
    return r;
}

static enum result add_gateway(struct store *s, const struct store_gateway *g, struct error *err)
{
    enum result r = check_id(s, "gateway", g->id, err);
    if (r != OK)
        return r;
    r = store_exec(
        s,
        "INSERT INTO gateway (id, host, port, created, not_after, seen, report) "
        "VALUES ($1, $2, $3, $4, $5, 0, NULL)",
        STORE_PARAMS(STORE_T(g->id), STORE_T(g->host), STORE_N(g->port), STORE_N(g->created), STORE_N(g->not_after)),
        NULL, err);
    return r == OK ? store_bump(s, ALL, err) : taken(r, "gateway", g->id, err);
}

enum result store_gateway_add(struct store *s, const struct store_gateway *g, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, add_gateway(s, g, err), err) : r;
}

#define REVOKE                                                                                                         \
    "INSERT INTO revoked_role (kind, id, revoked, not_after) VALUES ($1, $2, $3, $4) "                                 \
    "ON CONFLICT (kind, id) DO UPDATE SET revoked = $3, not_after = $4"

static enum result withdraw_until(struct store *s, const char *kind, const char *id, int64_t not_after,
                                  struct error *err)
{
    return store_exec(s, REVOKE, STORE_PARAMS(STORE_T(kind), STORE_T(id), STORE_N(clock_wall_s()), STORE_N(not_after)),
                      NULL, err);
}

/* All certificates of the id that were made before the one that ends at `fresh`, those too that the role, or a thief,
 * renewed meanwhile. They are told apart by when they end. */
static enum result revoke_old(struct store *s, const struct role *role, const char *id, int64_t fresh,
                              struct error *err)
{
    int64_t old;
    enum result r = store_query_int(s, role->not_after, STORE_PARAMS(STORE_T(id)), &old, NULL);
    if (r != OK)
        return error_set(err, r, "there is no %s", role->one);
    if (fresh <= old)
        return error_set(err, R_CONFLICT,
                         "the old certificate of %s '%s' expires no earlier than a new one would: try again; "
                         "if that does not help, the role CA expires soon: remove it and add it under another id",
                         role->name, id);
    return withdraw_until(s, role->name, id, old, err);
}

enum result store_gateway_renew(struct store *s, const struct store_gateway *g, bool withdraw, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    if (withdraw)
        r = revoke_old(s, &roles[STORE_GATEWAY], g->id, g->not_after, err);
    if (r == OK)
        r = store_change(s, "UPDATE gateway SET host = $2, port = $3, not_after = " LATER("$4") " WHERE id = $1",
                         STORE_PARAMS(STORE_T(g->id), STORE_T(g->host), STORE_N(g->port), STORE_N(g->not_after)),
                         "gateway of this id", err);
    if (r == OK)
        r = store_join_remove(s, "gateway", g->id, err);
    if (r == OK)
        r = store_bump(s, ALL, err);
    return store_end(s, r, err);
}

static enum result add_connector(struct store *s, const struct store_connector *c, struct error *err)
{
    char name[sizeof STORE_SEQUENCE_CONNECTOR + 64];
    enum result r = check_id(s, "connector", c->id, err);
    if (r != OK)
        return r;
    r = store_exec(
        s,
        "INSERT INTO connector (id, created, not_after, pki_sha256, pki_subject, pki_not_after, seen, report) "
        "VALUES ($1, $2, $3, $4, $5, $6, 0, NULL)",
        STORE_PARAMS(STORE_T(c->id), STORE_N(c->created), STORE_N(c->not_after), STORE_T(c->pki_sha256),
                     STORE_T(c->pki_subject), STORE_N(c->pki_not_after)),
        NULL, err);
    if (r != OK)
        return taken(r, "connector", c->id, err);
    (void)snprintf(name, sizeof name, STORE_SEQUENCE_CONNECTOR "%s", c->id);
    r = store_sequence_bump(s, name, err);
    return r == OK ? store_bump(s, STORE_BUNDLE, err) : r;
}

enum result store_connector_add(struct store *s, const struct store_connector *c, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, add_connector(s, c, err), err) : r;
}

static enum result set_pki(struct store *s, const struct store_connector *c, struct error *err)
{
    return store_change(
        s, "UPDATE connector SET pki_sha256 = $2, pki_subject = $3, pki_not_after = $4 WHERE id = $1",
        STORE_PARAMS(STORE_T(c->id), STORE_T(c->pki_sha256), STORE_T(c->pki_subject), STORE_N(c->pki_not_after)),
        "connector of this id", err);
}

/* The gateways and connectors are told nothing: who comes is looked up by the certificate. */
enum result store_connector_certificate(struct store *s, const struct store_connector *c, struct error *err)
{
    enum result r = set_pki(s, c, err);
    return r == OK ? r : taken(r, "connector", c->id, err);
}

static enum result renew_connector(struct store *s, const struct store_connector *c, bool withdraw, struct error *err)
{
    enum result r = withdraw ? revoke_old(s, &roles[STORE_CONNECTOR], c->id, c->not_after, err) : OK;
    if (r != OK)
        return r;
    r = store_change(s, "UPDATE connector SET not_after = " LATER("$2") " WHERE id = $1",
                     STORE_PARAMS(STORE_T(c->id), STORE_N(c->not_after)), "connector of this id", err);
    if (r == OK && c->pki_sha256)
        r = set_pki(s, c, err);
    if (r == OK)
        r = store_join_remove(s, "connector", c->id, err);
    return r == OK ? store_bump(s, STORE_BUNDLE, err) : taken(r, "connector", c->id, err);
}

enum result store_connector_renew(struct store *s, const struct store_connector *c, bool withdraw, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, renew_connector(s, c, withdraw, err), err) : r;
}

/* --- before a new one is there --- */

/* With `withdraw` all that there is of the id, while nothing takes its place yet. R_NOTFOUND. */
static enum result revoke_all(struct store *s, const struct role *role, const char *id, bool withdraw,
                              struct error *err)
{
    int64_t old;
    enum result r = store_query_int(s, role->not_after, STORE_PARAMS(STORE_T(id)), &old, NULL);
    if (r != OK)
        return error_set(err, r, "there is no %s", role->one);
    return withdraw && old ? withdraw_until(s, role->name, id, old, err) : OK;
}

enum result store_gateway_await(struct store *s, const struct store_gateway *g, bool withdraw, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = revoke_all(s, &roles[STORE_GATEWAY], g->id, withdraw, err);
    if (r == OK)
        r = store_change(s, "UPDATE gateway SET host = $2, port = $3 WHERE id = $1",
                         STORE_PARAMS(STORE_T(g->id), STORE_T(g->host), STORE_N(g->port)), "gateway of this id", err);
    if (r == OK)
        r = store_bump(s, ALL, err);
    return store_end(s, r, err);
}

enum result store_connector_await(struct store *s, const struct store_connector *c, bool withdraw, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = revoke_all(s, &roles[STORE_CONNECTOR], c->id, withdraw, err);
    if (r == OK && c->pki_sha256)
        r = store_connector_certificate(s, c, err);
    if (r == OK)
        r = store_bump(s, STORE_BUNDLE, err);
    return store_end(s, r, err);
}

/* No document names a role certificate, so nothing is bumped. */
enum result store_role_renewed(struct store *s, enum store_role role, const char *id, int64_t not_after,
                               struct error *err)
{
    return store_change(s, roles[role].renewed, STORE_PARAMS(STORE_T(id), STORE_N(not_after)), roles[role].one, err);
}

static enum result remove_role(struct store *s, const struct role *role, const char *id, struct error *err)
{
    int64_t not_after;
    enum result r = store_query_int(s, role->not_after, STORE_PARAMS(STORE_T(id)), &not_after, NULL);
    if (r != OK)
        return error_set(err, r, "there is no %s", role->one);
    r = store_exec(s, role->remove, STORE_PARAMS(STORE_T(id)), NULL, err);
    if (r == OK)
        r = withdraw_until(s, role->name, id, not_after, err);
    if (r == OK)
        r = store_join_remove(s, role->name, id, err);
    return r == OK ? store_bump(s, ALL, err) : r;
}

enum result store_gateway_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, remove_role(s, &roles[STORE_GATEWAY], id, err), err) : r;
}

enum result store_connector_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, remove_role(s, &roles[STORE_CONNECTOR], id, err), err) : r;
}

/* --- reading --- */

static void read_ends(struct store_reader *r, void *ret)
{
    struct store_role_ends *ends = ret;
    ends->not_after = store_read_int(r, 0);
    ends->withdrawn = store_read_int(r, 1);
}

enum result store_role_ends(struct store *s, struct arena *a, enum store_role role, const char *id,
                            struct store_role_ends *ret, struct error *err)
{
    const struct store_select select = {roles[role].ends, sizeof *ret, read_ends};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(id)), a, ret, roles[role].one, err);
}

enum result store_gateway_get(struct store *s, struct arena *a, const char *id, struct store_gateway *ret,
                              struct error *err)
{
    static const struct store_select select = {GATEWAY "WHERE id = $1", sizeof *ret, read_gateway};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(id)), a, ret, "gateway of this id", err);
}

enum result store_gateway_list(struct store *s, struct arena *a, struct store_gateway **ret, size_t *ret_count,
                               struct error *err)
{
    static const struct store_select select = {GATEWAY "ORDER BY id", sizeof **ret, read_gateway};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

enum result store_connector_get(struct store *s, struct arena *a, const char *id, struct store_connector *ret,
                                struct error *err)
{
    static const struct store_select select = {CONNECTOR "WHERE id = $1", sizeof *ret, read_connector};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(id)), a, ret, "connector of this id", err);
}

enum result store_connector_by_pki(struct store *s, struct arena *a, const char *sha256, struct store_connector *ret,
                                   struct error *err)
{
    static const struct store_select select = {CONNECTOR "WHERE pki_sha256 = $1", sizeof *ret, read_connector};
    return store_select_one(s, &select, STORE_PARAMS(STORE_T(sha256)), a, ret, "connector with this certificate", err);
}

enum result store_connector_list(struct store *s, struct arena *a, struct store_connector **ret, size_t *ret_count,
                                 struct error *err)
{
    static const struct store_select select = {CONNECTOR "ORDER BY id", sizeof **ret, read_connector};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

static void read_revoked(struct store_reader *r, void *ret)
{
    struct store_revoked *v = ret;
    v->kind = store_read_text(r, 0);
    v->id = store_read_text(r, 1);
    v->until = store_read_int(r, 2);
}

enum result store_revoked_list(struct store *s, struct arena *a, int64_t now, struct store_revoked **ret,
                               size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT v.kind, v.id, "
        "CASE WHEN EXISTS (SELECT 1 FROM connector WHERE v.kind = 'connector' AND id = v.id) "
        "OR EXISTS (SELECT 1 FROM gateway WHERE v.kind = 'gateway' AND id = v.id) THEN v.not_after ELSE 0 END "
        "FROM revoked_role v WHERE v.not_after >= $1 ORDER BY v.kind, v.id",
        sizeof **ret, read_revoked};
    return store_select_all(s, &select, STORE_PARAMS(STORE_N(now)), a, ret, ret_count, err);
}

/* --- reports --- */

enum result store_gateway_seen(struct store *s, const char *id, int64_t now, const char *report, struct error *err)
{
    return store_exec(s, "UPDATE gateway SET seen = $2, report = COALESCE($3, report) WHERE id = $1",
                      STORE_PARAMS(STORE_T(id), STORE_N(now), STORE_T(report)), NULL, err);
}

enum result store_connector_seen(struct store *s, const char *id, int64_t now, const char *report, struct error *err)
{
    return store_exec(s, "UPDATE connector SET seen = $2, report = COALESCE($3, report) WHERE id = $1",
                      STORE_PARAMS(STORE_T(id), STORE_N(now), STORE_T(report)), NULL, err);
}

/* --- management points --- */

static void read_mp(struct store_reader *r, void *ret)
{
    struct store_mp *m = ret;
    m->id = store_read_text(r, 0);
    m->mode = store_read_text(r, 1);
    m->url = store_read_text(r, 2);
    m->clients = store_read_text(r, 3);
    m->anchors_pem = store_read_text_opt(r, 4);
}

static enum result put_mp(struct store *s, const struct store_mp *m, struct error *err)
{
    int64_t changed;
    enum result r = store_exec(
        s,
        "INSERT INTO management_point (id, mode, url, clients, anchors_pem) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (id) DO UPDATE SET mode = $2, url = $3, clients = $4, anchors_pem = $5 "
        "WHERE management_point.mode <> $2 OR management_point.url <> $3 OR management_point.clients <> $4 "
        "OR COALESCE(management_point.anchors_pem, '') <> COALESCE($5, '')",
        STORE_PARAMS(STORE_T(m->id), STORE_T(m->mode), STORE_T(m->url), STORE_T(m->clients), STORE_T(m->anchors_pem)),
        &changed, err);
    return r == OK && changed ? store_bump(s, ALL, err) : r;
}

enum result store_mp_put(struct store *s, const struct store_mp *m, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    return r == OK ? store_end(s, put_mp(s, m, err), err) : r;
}

enum result store_mp_list(struct store *s, struct arena *a, struct store_mp **ret, size_t *ret_count, struct error *err)
{
    static const struct store_select select = {
        "SELECT id, mode, url, clients, anchors_pem FROM management_point ORDER BY id", sizeof **ret, read_mp};
    return store_select_all(s, &select, STORE_NO_PARAMS, a, ret, ret_count, err);
}

enum result store_mp_remove(struct store *s, const char *id, struct error *err)
{
    enum result r = store_begin(s, STORE_DURABLE, err);
    if (r != OK)
        return r;
    r = store_change(s, "DELETE FROM management_point WHERE id = $1", STORE_PARAMS(STORE_T(id)),
                     "management point of this id", err);
    if (r == OK)
        r = store_exec(s, "DELETE FROM endpoint WHERE role = $1 AND management_point = 1", STORE_PARAMS(STORE_T(id)),
                       NULL, err);
    if (r == OK)
        r = store_bump(s, ALL, err);
    return store_end(s, r, err);
}
