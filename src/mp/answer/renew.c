/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New role certificates for those who hold one (docs/protocol/wire.md 4). A connector asks on a connection that shows
 * its role certificate. A gateway's request comes through a connector, whose connection proves nothing about it: it is
 * signed by the gateway's present key, and its path is another, so that a gateway can't get a connector's certificate.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/log.h"
#include "bundle/role/renewal.h"
#include "mp/answer/handlers.h"
#include "mp/site.h"
#include "pki/issue/csr.h"
#include "store/device/nonce.h"
#include "store/site/audit.h"
#include "store/site/role.h"

struct asker {
    const char *kind; /* "gateway", "connector" */
    char id[PKI_ROLE_ID_MAX];
    unsigned char spki[PKI_SHA256]; /* of its present key */
    EVP_PKEY *key;                  /* the new one, public part */
    int64_t withdrawn;              /* its certificates that end then or before; the new one ends later */
};

/* --- who asks --- */

static enum result read_key(struct asker *a, struct slice csr_pem, struct error *err)
{
    unsigned char spki[PKI_SHA256];
    enum result r = pki_csr_read(csr_pem, &a->key, err);
    if (r != OK)
        return r;
    pki_key_spki_sha256(a->key, spki);
    if (memcmp(spki, a->spki, sizeof spki) == 0)
        return error_set(err, R_INVALID, "the request is for the present key; a renewal takes a new one");
    return OK;
}

/* The router let nobody pass without a connector's role certificate whose record is there. */
static enum result of_connector(struct mp_request *r, struct asker *a, struct error *err)
{
    struct store_connector record;
    a->kind = "connector";
    (void)snprintf(a->id, sizeof a->id, "%s", r->sender.identity.connector);
    enum result result = store_connector_get(r->site->store, r->arena, a->id, &record, err);
    if (result != OK)
        return result;
    a->withdrawn = record.withdrawn;
    pki_cert_spki_sha256(r->sender.peer->certificate, a->spki);
    return read_key(a, buf_data(&r->body), err);
}

static enum result check_gateway(struct mp_request *r, const struct renewal *renewal, const char *tunnel,
                                 int64_t *withdrawn, struct error *err)
{
    struct store_gateway record;
    char keyid[PKI_ROLE_ID_MAX + 16];
    if (strcmp(renewal->id, tunnel) != 0)
        return error_set(err, R_DENIED, "gateway %s asks through the tunnel of gateway %s", renewal->id, tunnel);
    enum result result = store_gateway_get(r->site->store, r->arena, renewal->id, &record, err);
    if (result != OK)
        return result == R_NOTFOUND ? error_set(err, R_DENIED, "gateway %s was removed", renewal->id) : result;
    if (renewal->not_after <= record.withdrawn)
        return error_set(err, R_DENIED, "the certificate of gateway %s was withdrawn", renewal->id);
    *withdrawn = record.withdrawn;
    (void)snprintf(keyid, sizeof keyid, "renewal:%s", renewal->id);
    result = store_nonce_use(r->site->store, keyid, renewal->nonce, clock_wall_s(), err);
    return result == R_CONFLICT ? error_set(err, R_DENIED, "this request was sent before") : result;
}

static enum result of_gateway(struct mp_request *r, const char *tunnel, struct asker *a, struct error *err)
{
    struct renewal renewal;
    a->kind = "gateway";
    enum result result =
        renewal_read(buf_data(&r->body), r->site->gateways, r->site->keys.site, clock_wall_s(), &renewal, err);
    if (result != OK)
        return result == R_TIMEOUT ? error_set(err, R_DENIED, "the request is not fresh; compare the clocks") : result;
    result = check_gateway(r, &renewal, tunnel, &a->withdrawn, err);
    if (result == OK) {
        (void)snprintf(a->id, sizeof a->id, "%s", renewal.id);
        memcpy(a->spki, renewal.spki, sizeof a->spki);
        result = read_key(a, slice_of(renewal.csr_pem), err);
    }
    renewal_done(&renewal);
    return result;
}

/* --- what is issued --- */

static enum result record(struct mp_request *r, const struct asker *a, int64_t not_after, struct error *err)
{
    struct store *s = r->site->store;
    char caller[PKI_ROLE_ID_MAX + 16], action[32], ends[CLOCK_TEXT_SIZE];
    (void)snprintf(caller, sizeof caller, "%s:%s", a->kind, a->id);
    (void)snprintf(action, sizeof action, "%s.certificate-renew", a->kind);
    clock_rfc3339(not_after, ends);
    enum result result = store_begin(s, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = strcmp(a->kind, "gateway") == 0 ? store_gateway_renewed(s, a->id, not_after, err)
                                             : store_connector_renewed(s, a->id, not_after, err);
    if (result == OK)
        result = store_audit_add_of_one(
            s, &(struct store_audit){.caller = caller, .action = action, .object = a->id, .detail = ends}, err);
    return store_end(s, result, err);
}

/* Recorded before it is given out: what the store does not know of could not be withdrawn. */
static enum result certify(struct mp_request *r, const struct asker *a, struct mp_role_certificate *ret,
                           struct error *err)
{
    enum result result = mp_role_certify(&r->site->keys, a->kind, a->id, a->key, a->withdrawn, ret, err);
    if (result == OK)
        result = record(r, a, ret->not_after, err);
    return result;
}

static void refuse(struct mp_request *r, enum result result, const struct error *why)
{
    static const struct {
        enum result result;
        enum mp_refusal refusal;
    } map[] = {{R_DENIED, MP_REFUSAL_RENEWAL_REFUSED},
               {R_NOTFOUND, MP_REFUSAL_RENEWAL_REFUSED}, /* removed in this very moment */
               {R_INVALID, MP_REFUSAL_BAD_REQUEST},
               {R_LIMIT, MP_REFUSAL_TOO_LARGE}};
    LOG_EVENT(LOG_WARN, "renew", "a role certificate was not renewed", LOG_T("connector", r->sender.identity.connector),
              LOG_S("path", r->path), LOG_T("reason", why->text));
    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].result == result) {
            mp_refuse(r, map[i].refusal, why->text);
            return;
        }
    }
    mp_refuse_fault(r, why);
}

void mp_handle_site_renew(struct mp_request *r)
{
    char tunnel[PKI_ROLE_ID_MAX];
    struct asker a = {0};
    struct mp_role_certificate issued = {0};
    struct error err;
    if (!mp_site_gateway(r, "/.cmg/renew", tunnel))
        return;
    enum result result = tunnel[0] ? of_gateway(r, tunnel, &a, &err) : of_connector(r, &a, &err);
    if (result == OK)
        result = certify(r, &a, &issued, &err);
    if (result == OK) {
        char until[CLOCK_TEXT_SIZE];
        clock_rfc3339(issued.not_after, until);
        LOG_EVENT(LOG_INFO, "renew", "role certificate renewed", LOG_T("kind", a.kind), LOG_T("id", a.id),
                  LOG_T("not_after", until));
        mp_answer(r, &(struct mp_answer){.status = 200,
                                         .type = "application/pem-certificate-chain",
                                         .body = slice_of(issued.certificate_pem)});
    } else {
        refuse(r, result, &err);
    }
    mp_role_certificate_free(&issued);
    EVP_PKEY_free(a.key);
}
