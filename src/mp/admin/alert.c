/* SPDX-License-Identifier: Apache-2.0 */
/* Receivers of alerts. Their secrets come in and never go out; of a webhook's URL, whose path may be a secret too, the
 * server alone is shown. */
#include "base/clock.h"
#include "base/text/name.h"
#include "mp/admin/admin.h"
#include "mp/put.h"
#include "mp/watch/alerts.h"
#include "net/url.h"
#include "pki/cert/cert.h"

enum { CA_CERTIFICATES_MAX = 16, REMIND_S = 86400, REMIND_MIN_S = 60, REMIND_MAX_S = 30 * 86400 };

/* --- showing --- */

static void shown_url(const struct store_receiver *x, char *ret, size_t size)
{
    struct net_url url;
    char host[NET_URL_HOST_SIZE];
    (void)snprintf(ret, size, "%s", x->url);
    if (strcmp(x->kind, "webhook") != 0 || net_url_parse_with_query(slice_of(x->url), &url, NULL) != OK)
        return;
    net_url_host(&url, host);
    (void)snprintf(ret, size, "%s://%s/…", url.scheme, host);
}

static json_t *receiver_json(const struct store_receiver *x)
{
    char url[NOTIFY_URL_MAX + 1];
    shown_url(x, url, sizeof url);
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:I}", "id", x->id, "kind", x->kind, "url", url,
                  "auth", x->auth, "user", x->user, "from", x->from, "to", mp_content_words(x->to), "plain",
                  (int)x->plain, "own_ca", (int)(x->ca_pem[0] != '\0'), "remind_s", (json_int_t)x->remind_s);
    mp_put(o, "added", json_integer((json_int_t)x->added));
    mp_put(o, "sent", x->sent ? json_integer((json_int_t)x->sent) : json_null());
    mp_put(o, "failures", json_integer((json_int_t)x->failures));
    mp_put(o, "next_try", x->failures ? json_integer((json_int_t)x->next_try) : json_null());
    mp_put(o, "fault", *x->fault ? json_string(x->fault) : json_null());
    return o;
}

void mp_admin_alert_list(struct mp_request *r)
{
    struct store_receiver *list;
    size_t count;
    struct error err;
    if (store_receiver_list(r->site->store, r->arena, &list, &count, &err) != OK) {
        mp_admin_fail(r, &err, NULL);
        return;
    }
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        mp_push(array, receiver_json(&list[i]));
    mp_answer_json(r, 200, json_pack("{s:o}", "receivers", array));
}

/* --- adding --- */

static enum result check_ca(const char *pem, struct error *err)
{
    STACK_OF(X509) *list = NULL;
    enum result r = pki_cert_read_all(slice_of(pem), CA_CERTIFICATES_MAX, &list, err);
    sk_X509_pop_free(list, X509_free);
    return r == OK ? OK : error_prefix(err, "ca_pem");
}

/* ["a@b", "c@d"] → "a@b c@d"; a text is taken as it is. */
static const char *read_words(struct mp_request *r, const json_t *list)
{
    const char *text = json_is_string(list) ? json_string_value(list) : "";
    const json_t *one;
    size_t i;
    json_array_foreach(list, i, one) {
        const char *word = json_string_value(one);
        text = arena_printf(r->arena, "%s%s%s", text, i ? " " : "", word ? word : "").ptr;
    }
    return text;
}

static enum result read_body(struct mp_request *r, const json_t *body, struct store_receiver *ret, struct error *err)
{
    enum result result = json_need_str(body, "id", &ret->id, err);
    if (result == OK)
        result = json_need_str(body, "kind", &ret->kind, err);
    if (result == OK)
        result = json_need_str(body, "url", &ret->url, err);
    if (result == OK && !name_valid(NAME_MEMBER, slice_of(ret->id)))
        result = error_set(err, R_INVALID, "'id' is 1 to 40 of a-z0-9-");
    ret->auth = json_opt_str(body, "auth", "none");
    ret->user = json_opt_str(body, "user", "");
    ret->from = json_opt_str(body, "from", "");
    ret->to = read_words(r, json_object_get(body, "to"));
    ret->plain = json_opt_bool(body, "plain", false);
    ret->ca_pem = json_opt_str(body, "ca_pem", "");
    ret->remind_s = json_opt_int(body, "remind_s", REMIND_S);
    ret->added = clock_wall_s();
    if (result == OK && ret->remind_s && (ret->remind_s < REMIND_MIN_S || ret->remind_s > REMIND_MAX_S))
        result =
            error_set(err, R_INVALID, "'remind_s' is %d to %d seconds, or 0 for never", REMIND_MIN_S, REMIND_MAX_S);
    return result == OK && *ret->ca_pem ? check_ca(ret->ca_pem, err) : result;
}

static enum result check(const struct store_receiver *x, const char *secret, struct error *err)
{
    const struct notify_receiver n = {.kind = x->kind,
                                      .url = x->url,
                                      .ca_pem = x->ca_pem,
                                      .auth = x->auth,
                                      .user = x->user,
                                      .secret = secret,
                                      .from = x->from,
                                      .to = x->to,
                                      .plain = x->plain};
    return notify_check(&n, err);
}

static enum result add(struct mp_request *r, const json_t *body, struct store_receiver *x, struct error *err)
{
    char url[NOTIFY_URL_MAX + 1];
    const char *secret = json_opt_str(body, "secret", "");
    enum result result = read_body(r, body, x, err);
    if (result == OK)
        result = check(x, secret, err);
    if (result == OK)
        result = mp_receiver_seal(&r->site->keys, r->arena, x, secret, err);
    if (result == OK)
        result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    shown_url(x, url, sizeof url);
    return mp_admin_commit(r, store_receiver_add(r->site->store, x, err), "alerts.add", x->id, url, err);
}

void mp_admin_alert_add(struct mp_request *r)
{
    struct store_receiver x = {.fault = ""};
    struct error err;
    json_t *body = mp_admin_body(r);
    if (!body)
        return;
    if (add(r, body, &x, &err) == OK) {
        mp_alerts_soon(r->site->alerts);
        mp_answer_json(r, 201, json_pack("{s:o}", "receiver", receiver_json(&x)));
    } else {
        mp_admin_fail(r, &err, err.code == R_CONFLICT ? "take another id, or first: cmg alerts remove ID" : NULL);
    }
    json_decref(body);
}

void mp_admin_alert_remove(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK)
        result = mp_admin_commit(r, store_receiver_remove(r->site->store, r->params[0], &err), "alerts.remove",
                                 r->params[0], "", &err);
    if (result == OK)
        mp_answer(r, &(struct mp_answer){.status = 204});
    else
        mp_admin_fail(r, &err, "list them with: cmg alerts list");
}

/* --- a test --- */

static void on_tested(void *arg, const char *told, const struct error *err)
{
    struct mp_request *r = arg;
    json_t *why = told ? json_null() : json_string(err->text); /* NULL: it quotes what is not UTF-8 */
    r->hooks.on_end = NULL;
    mp_answer_json(r, 200,
                   json_pack("{s:s, s:b, s:s?, s:o}", "receiver", r->params[0], "taken", (int)(told != NULL), "answer",
                             told, "fault", why ? why : json_string("unknown")));
}

static void on_gone(struct mp_request *r)
{
    mp_alerts_forget(r->site->alerts, r);
}

static enum result find_receiver(struct mp_request *r, struct error *err)
{
    struct store_receiver x;
    return store_receiver_get(r->site->store, r->arena, r->params[0], &x, err);
}

void mp_admin_alert_test(struct mp_request *r)
{
    struct error err;
    enum result result = store_begin(r->site->store, STORE_DURABLE, &err);
    if (result == OK) /* whether it is taken is not known yet: it was sent in this one's name */
        result = mp_admin_commit(r, find_receiver(r, &err), "alerts.test", r->params[0], "", &err);
    if (result != OK) {
        mp_admin_fail(r, &err, err.code == R_NOTFOUND ? "list them with: cmg alerts list" : NULL);
        return;
    }
    r->hooks.on_end = on_gone;
    if (mp_alerts_test(r->site->alerts, r->params[0], on_tested, r, &err) == OK)
        return;
    r->hooks.on_end = NULL;
    mp_admin_fail(r, &err, err.code == R_NOTFOUND ? "list them with: cmg alerts list" : NULL);
}
