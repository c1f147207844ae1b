/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who joins (docs/protocol/wire.md 11). The one endpoint of the site service that strangers reach: a connector comes to
 * it by itself, a gateway's request is brought by a connector. Whoever brings it, the signature by the string's key
 * decides. A stranger is told one refusal for all that may be wrong; the cause goes to the log.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "bundle/join/answer.h"
#include "bundle/join/request.h"
#include "mp/answer/handlers.h"
#include "mp/content/bootstrap.h"
#include "mp/content/documents.h"
#include "mp/put.h"
#include "mp/site.h"
#include "store/site/audit.h"
#include "store/site/join.h"
#include "store/site/role.h"

struct joiner {
    struct join_name name;
    enum store_role role; /* the name's kind */
    struct store_join row;
    EVP_PKEY *key;           /* the machine's own, public part */
    char spki[PKI_HASH_HEX]; /* of it */
};

/* --- who asks --- */

/* Nothing is verified before there is a string of this id that counts. */
static enum result find_row(struct mp_request *r, const char *tunnel, struct joiner *j, struct error *err)
{
    enum result result = join_request_name(buf_data(&r->body), &j->name, err);
    if (result != OK)
        return R_DENIED;
    if (strcmp(j->name.site, r->site->keys.site) != 0)
        return error_set(err, R_DENIED, "the request is for the site %s", j->name.site);
    if (!store_role_find(j->name.kind, &j->role))
        return error_set(err, R_DENIED, "the request is for no gateway and no connector");
    if (tunnel[0] && (j->role != STORE_GATEWAY || strcmp(tunnel, j->name.id) != 0))
        return error_set(err, R_DENIED, "at the address of gateway %s asks the %s %s", tunnel, j->name.kind,
                         j->name.id);
    result = store_join_get(r->site->store, r->arena, j->name.kind, j->name.id, clock_wall_s(), &j->row, err);
    return result == R_NOTFOUND ? error_set(err, R_DENIED, "there is no join string of this id, or it has expired")
                                : result;
}

static enum result judge(struct mp_request *r, const char *tunnel, struct joiner *j, struct error *err)
{
    unsigned char spki[PKI_SHA256];
    enum result result = find_row(r, tunnel, j, err);
    if (result == OK)
        result = join_request_read(buf_data(&r->body), j->row.jwk, &j->key, err);
    if (result != OK)
        return result;
    pki_key_spki_sha256(j->key, spki);
    (void)encode_hex(slice_make(spki, sizeof spki), j->spki);
    if (j->row.used && strcmp(j->row.spki, j->spki) != 0)
        return error_set(err, R_DENIED, "the join string was used by another machine, or by an earlier try");
    return OK;
}

/* --- what is issued --- */

static enum result latest_end(struct mp_request *r, const struct joiner *j, int64_t *ret, struct error *err)
{
    struct store_role_ends ends;
    enum result result = store_role_ends(r->site->store, r->arena, j->role, j->name.id, &ends, err);
    if (result == R_NOTFOUND)
        return error_set(err, R_DENIED, "the %s %s was removed", j->name.kind, j->name.id);
    if (result != OK)
        return result;
    *ret = ends.not_after;
    result = mp_role_outlives(&r->site->keys, j->name.kind, j->name.id, ends.withdrawn, err);
    return result == OK ? OK : R_DENIED;
}

static enum result make_answer(struct mp_request *r, const struct joiner *j, const struct mp_role_certificate *c,
                               char **ret, struct error *err)
{
    char audience[DOCUMENT_AUDIENCE_SIZE];
    struct mp_audience whose = {.audience = audience};
    json_t *bootstrap;
    join_answer_audience(j->name.kind, j->name.id, audience);
    memcpy(whose.key, j->spki, sizeof whose.key);
    enum result result = mp_content_bootstrap(r->site, r->arena, j->name.kind, j->name.id, c, &bootstrap, err);
    if (result != OK)
        return result;
    json_t *content = json_object();
    mp_put(content, "bootstrap", bootstrap);
    result = mp_documents_join(r->site, &whose, content, ret, err);
    json_decref(content);
    return result;
}

static enum result record(struct mp_request *r, const struct joiner *j, int64_t not_after, const char *text,
                          struct error *err)
{
    struct store *s = r->site->store;
    const char *id = j->name.id;
    char action[32], caller[32 + PKI_HASH_HEX];
    (void)snprintf(action, sizeof action, "%s.joined", j->name.kind);
    (void)snprintf(caller, sizeof caller, "key:%s", j->spki);
    enum result result = store_role_renewed(s, j->role, id, not_after, err);
    if (result == OK)
        result = store_join_use(s,
                                &(struct store_join){.kind = j->name.kind,
                                                     .id = id,
                                                     .jwk = j->row.jwk,
                                                     .used = clock_wall_s(),
                                                     .spki = j->spki,
                                                     .answer = text},
                                err);
    if (result != OK)
        return result;
    return store_audit_add(
        s, &(struct store_audit){.caller = caller, .action = action, .object = id, .detail = r->sender.peer->group},
        err);
}

/* In one transaction with what it rests on. Recorded before it is given out. */
static enum result issue(struct mp_request *r, const struct joiner *j, char **ret, struct error *err)
{
    struct mp_role_certificate issued = {0};
    int64_t old = 0;
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = latest_end(r, j, &old, err);
    if (result == OK)
        result = mp_role_certify(&r->site->keys, j->name.kind, j->name.id, j->key, old, &issued, err);
    if (result == OK)
        result = make_answer(r, j, &issued, ret, err);
    if (result == OK)
        result = record(r, j, issued.not_after, *ret, err);
    mp_role_certificate_free(&issued);
    return store_end(r->site->store, result, err);
}

/* The machine that joined and heard no answer asks again, and gets the same one. */
static enum result admit(struct mp_request *r, const struct joiner *j, char **ret, struct error *err)
{
    if (!j->row.used)
        return issue(r, j, ret, err);
    *ret = mem_strdup(j->row.answer);
    return OK;
}

/* --- */

/* Whoever merely guesses ids is none of it. */
static void note_refused(struct mp_request *r, const struct joiner *j, const struct error *why)
{
    struct mp_site *site = r->site;
    if (!j->row.id)
        return;
    site->join_refused.at = clock_wall_s();
    (void)snprintf(site->join_refused.of, sizeof site->join_refused.of, "%s", j->name.id);
    (void)snprintf(site->join_refused.text, sizeof site->join_refused.text, "the %s %s, from %s: %.300s", j->name.kind,
                   j->name.id, r->sender.peer->address, why->text);
}

static void refuse(struct mp_request *r, const struct joiner *j, enum result result, const struct error *why)
{
    if (result != R_DENIED && result != R_NOTFOUND) {
        mp_refuse_fault(r, why);
        return;
    }
    note_refused(r, j, why);
    LOG_GATHERED(LOG_WARN, "join", r->sender.peer->group, why->text, "a machine may not join",
                 LOG_T("from", r->sender.peer->address), LOG_T("kind", j->name.kind), LOG_T("id", j->name.id),
                 LOG_T("reason", why->text));
    mp_refuse(r, MP_REFUSAL_JOIN_REFUSED, NULL);
}

void mp_handle_site_join(struct mp_request *r)
{
    char tunnel[PKI_ROLE_ID_MAX], *text = NULL;
    struct joiner j = {.key = NULL};
    struct error err;
    if (r->sender.identity.asserted && !r->sender.identity.role_certificate) {
        mp_refuse(r, MP_REFUSAL_NOT_A_CONNECTOR, "what comes through a gateway can't join");
        return;
    }
    if (!mp_site_gateway(r, "/.cmg/join", tunnel))
        return;
    enum result result = judge(r, tunnel, &j, &err);
    if (result == OK)
        result = admit(r, &j, &text, &err);
    EVP_PKEY_free(j.key);
    if (result == OK) {
        LOG_GATHERED(LOG_INFO, "join", r->sender.peer->group, j.name.id, j.row.used ? "answer repeated" : "joined",
                     LOG_T("kind", j.name.kind), LOG_T("id", j.name.id), LOG_T("from", r->sender.peer->address));
        mp_answer(r, &(struct mp_answer){.status = 200, .type = "application/jose", .body = slice_of(text)});
    } else {
        refuse(r, &j, result, &err);
    }
    free(text);
}
