/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways, connectors and management points: their records, and the bootstrap files that make them. */
#include <stdio.h>
#include <stdlib.h>

#include "mp/admin/admin.h"
#include "mp/admin/role.h"
#include "mp/content/bootstrap.h"
#include "mp/content/content.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "mp/sender/device.h"
#include "mp/watch/status.h"

/* Who is known already is not to be removed for what was wanted: `remedy` says how, %s being the id. */
static void fail_known(struct mp_request *r, const struct error *err, const char *id, bool known, const char *remedy)
{
    char text[256];
    (void)snprintf(text, sizeof text, remedy, id);
    mp_admin_fail(r, err, err->code == R_CONFLICT && known ? text : NULL);
}

/* `array` is taken over. */
static void answer_list(struct mp_request *r, const char *kind, const char *member, json_t *array)
{
    struct error err;
    if (mp_status_put_joining(r->site, r->arena, kind, array, &err) == OK) {
        mp_answer_json(r, 200, json_pack("{s:o}", member, array));
        return;
    }
    json_decref(array);
    mp_admin_fail(r, &err, NULL);
}

/* --- gateways --- */

/* Inside the transaction that makes it known: the new certificate ends after all that there are. */
static enum result put_gateway(struct mp_request *r, const json_t *body, const struct mp_role_wish *wish,
                               struct store_gateway *g, struct mp_role_certificate *c, struct error *err)
{
    struct store_gateway old = {0};
    enum result result = wish->renew ? store_gateway_get(r->site->store, r->arena, g->id, &old, err) : OK;
    if (result == OK)
        result = mp_role_read_gateway(body, wish->renew ? &old : NULL, g, err);
    if (result == OK)
        result = mp_role_outlives(&r->site->keys, "gateway", g->id, old.withdrawn, err);
    if (result == OK)
        result = mp_role_issue(&r->site->keys, "gateway", g->id, NULL, old.not_after, c, err);
    if (result != OK)
        return result;
    g->not_after = c->not_after;
    result = wish->renew ? store_gateway_renew(r->site->store, g, wish->withdraw, err)
                         : store_gateway_add(r->site->store, g, err);
    return result == OK ? mp_documents_check(r->site, err) : result;
}

static enum result add_gateway(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_gateway g = {0};
    struct mp_role_certificate c = {0};
    struct mp_role_wish wish = {0};
    json_t *file;
    enum result result = mp_role_read_id(body, &g.id, err);
    if (result == OK)
        result = mp_role_read_wish(body, &wish, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = put_gateway(r, body, &wish, &g, &c, err);
    result = mp_admin_commit(r, result, wish.renew ? "gateway.renew" : "gateway.add", g.id,
                             wish.withdraw ? MP_OLD_WITHDRAWN : g.host, err);
    if (result == OK)
        result = mp_content_bootstrap(r->site, r->arena, "gateway", g.id, &c, &file, err);
    if (result == OK)
        *ret = json_pack("{s:o, s:o}", "gateway", mp_role_gateway_json(&g), "bootstrap", file);
    mp_role_certificate_free(&c);
    return result;
}

static void fail_gateway(struct mp_request *r, const struct error *err, const json_t *body)
{
    struct store_gateway g;
    const char *id = json_opt_str(body, "id", "");
    bool renews = json_opt_bool(body, "renew", false);
    fail_known(r, err, id, !renews && store_gateway_get(r->site->store, r->arena, id, &g, NULL) == OK,
               "cmg gateway add %.40s --renew --out FILE writes a known gateway another bootstrap file, --host NAME "
               "beside it gives it another name; all that there are: cmg gateway list");
}

void mp_admin_gateway_add(struct mp_request *r)
{
    struct error err;
    json_t *answer = NULL, *body = mp_admin_body(r);
    if (!body)
        return;
    bool joins = json_object_get(body, "join") != NULL;
    if ((joins ? mp_role_join_gateway : add_gateway)(r, body, &answer, &err) == OK)
        mp_answer_json(r, 201, answer);
    else if (joins)
        mp_admin_fail(r, &err, NULL);
    else
        fail_gateway(r, &err, body);
    json_decref(body);
}

void mp_admin_gateway_list(struct mp_request *r)
{
    struct store_gateway *list;
    size_t count;
    struct error err;
    if (store_gateway_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, mp_role_gateway_json(&list[i]));
    answer_list(r, "gateway", "gateways", array);
}

/* --- connectors --- */

static enum result connector_answer(struct mp_request *r, const struct store_connector *c,
                                    const struct mp_role_certificate *certificate, json_t **ret, struct error *err)
{
    json_t *file;
    enum result result = mp_content_bootstrap(r->site, r->arena, "connector", c->id, certificate, &file, err);
    if (result == OK)
        *ret = json_pack("{s:o, s:o}", "connector", mp_role_connector_json(c), "bootstrap", file);
    return result;
}

/* As put_gateway(). */
static enum result put_connector(struct mp_request *r, const struct mp_role_wish *wish, struct store_connector *c,
                                 struct mp_role_certificate *issued, struct error *err)
{
    struct store_connector old = {0};
    enum result result = wish->renew ? store_connector_get(r->site->store, r->arena, c->id, &old, err) : OK;
    if (result == OK)
        result = mp_role_outlives(&r->site->keys, "connector", c->id, old.withdrawn, err);
    if (result == OK)
        result = mp_role_issue(&r->site->keys, "connector", c->id, NULL, old.not_after, issued, err);
    if (result != OK)
        return result;
    c->not_after = issued->not_after;
    return wish->renew ? store_connector_renew(r->site->store, c, wish->withdraw, err)
                       : store_connector_add(r->site->store, c, err);
}

static enum result add_connector(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_connector c = {0};
    struct mp_role_certificate issued = {0};
    struct mp_role_wish wish = {0};
    enum result result = mp_role_read_connector(r, body, &c, err);
    if (result == OK)
        result = mp_role_read_wish(body, &wish, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = put_connector(r, &wish, &c, &issued, err);
    result = mp_admin_commit(r, result, wish.renew ? "connector.renew" : "connector.add", c.id,
                             wish.withdraw   ? MP_OLD_WITHDRAWN
                             : c.pki_subject ? c.pki_subject
                                             : "",
                             err);
    if (result == OK)
        result = connector_answer(r, &c, &issued, ret, err);
    mp_role_certificate_free(&issued);
    return result;
}

static void fail_connector(struct mp_request *r, const struct error *err, const json_t *body)
{
    struct store_connector c;
    const char *id = json_opt_str(body, "id", "");
    bool renews = json_opt_bool(body, "renew", false);
    fail_known(r, err, id, !renews && store_connector_get(r->site->store, r->arena, id, &c, NULL) == OK,
               json_object_get(body, "certificate_pem")
                   ? "cmg connector certificate %.40s FILE registers the certificate of a known connector"
                   : "cmg connector add %.40s --renew --out FILE writes a known connector another bootstrap file; all "
                     "that there are: cmg connector list");
}

void mp_admin_connector_add(struct mp_request *r)
{
    struct error err;
    json_t *answer = NULL, *body = mp_admin_body(r);
    if (!body)
        return;
    bool joins = json_object_get(body, "join") != NULL;
    if ((joins ? mp_role_join_connector : add_connector)(r, body, &answer, &err) == OK)
        mp_answer_json(r, 201, answer);
    else if (joins)
        mp_admin_fail(r, &err, NULL);
    else
        fail_connector(r, &err, body);
    json_decref(body);
}

static enum result register_certificate(struct mp_request *r, const json_t *body, json_t **ret, struct error *err)
{
    struct store_connector c = {.id = r->params[0]};
    const char *pem;
    enum result result = json_need_str(body, "certificate_pem", &pem, err);
    if (result == OK)
        result = mp_role_read_certificate(r, pem, &c, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = store_connector_certificate(r->site->store, &c, err);
    if (result == OK)
        result = store_connector_get(r->site->store, r->arena, c.id, &c, err);
    result = mp_admin_commit(r, result, "connector.certificate", r->params[0], c.pki_subject, err);
    if (result == OK)
        *ret = json_pack("{s:o}", "connector", mp_role_connector_json(&c));
    return result;
}

void mp_admin_connector_certificate(struct mp_request *r)
{
    struct error err;
    json_t *answer = NULL, *body = mp_admin_body(r);
    if (!body)
        return;
    if (register_certificate(r, body, &answer, &err) == OK)
        mp_answer_json(r, 200, answer);
    else
        mp_admin_fail(r, &err, NULL);
    json_decref(body);
}

void mp_admin_connector_list(struct mp_request *r)
{
    struct store_connector *list;
    size_t count;
    struct error err;
    if (store_connector_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, mp_role_connector_json(&list[i]));
    answer_list(r, "connector", "connectors", array);
}

/* --- management points --- */

void mp_admin_mp_list(struct mp_request *r)
{
    struct store_mp *list;
    size_t count;
    struct error err;
    if (store_mp_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, json_pack("{s:s, s:s, s:s, s:o}", "id", list[i].id, "mode", list[i].mode, "url", list[i].url,
                                 "clients", mp_content_words(list[i].clients)));
    mp_answer_json(r, 200, json_pack("{s:o}", "management_points", array));
}

/* --- removing --- */

static void remove_role(struct mp_request *r, const char *action,
                        enum result (*remove)(struct store *s, const char *id, struct error *err))
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, remove(r->site->store, r->params[0], &err), action, r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, NULL);
}

void mp_admin_gateway_remove(struct mp_request *r)
{
    remove_role(r, "gateway.remove", store_gateway_remove);
}

void mp_admin_connector_remove(struct mp_request *r)
{
    remove_role(r, "connector.remove", store_connector_remove);
}

void mp_admin_mp_remove(struct mp_request *r)
{
    for (size_t i = 0; i < r->site->config->points.count; i++) {
        if (strcmp(mp_config_points(r->site->config)[i].id, r->params[0]) == 0) {
            mp_refuse(r, MP_REFUSAL_CONFLICT, "this process serves it: take it out of mp.yaml first");
            return;
        }
    }
    remove_role(r, "management-point.remove", store_mp_remove);
}
