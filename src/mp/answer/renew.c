/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New role certificates for those who hold one (docs/protocol/wire.md 4). A connector asks on a connection that shows
 * its role certificate. A gateway's request comes through a connector, whose connection proves nothing about it: it is
 * signed by the gateway's present key, and its path is another, so that a gateway can't get a connector's certificate.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/host/gather.h"
#include "base/host/log.h"
#include "bundle/role/renewal.h"
#include "mp/answer/handlers.h"
#include "mp/site.h"
#include "pki/issue/csr.h"
#include "store/device/nonce.h"
#include "store/site/audit.h"
#include "store/site/role.h"

struct asker {
    enum store_role role;
    char id[PKI_ROLE_ID_MAX];
    char nonce[RENEWAL_NONCE_MAX + 1]; /* of a gateway's request; "": of a connector's, which needs none */
    unsigned char spki[PKI_SHA256];    /* of its present key */
    int64_t ends;                      /* its present certificate */
    EVP_PKEY *key;                     /* the new one, public part */
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
    a->role = STORE_CONNECTOR;
    (void)snprintf(a->id, sizeof a->id, "%s", r->sender.identity.connector);
    a->ends = pki_cert_not_after(r->sender.peer->certificate);
    pki_cert_spki_sha256(r->sender.peer->certificate, a->spki);
    return read_key(a, buf_data(&r->body), err);
}

static enum result of_gateway(struct mp_request *r, const char *tunnel, struct asker *a, struct error *err)
{
    struct renewal renewal;
    a->role = STORE_GATEWAY;
    enum result result =
        renewal_read(buf_data(&r->body), r->site->gateways, r->site->keys.site, clock_wall_s(), &renewal, err);
    if (result != OK)
        return result == R_TIMEOUT ? error_set(err, R_DENIED, "the request is not fresh; compare the clocks") : result;
    (void)snprintf(a->id, sizeof a->id, "%s", renewal.id);
    (void)snprintf(a->nonce, sizeof a->nonce, "%s", renewal.nonce);
    a->ends = renewal.not_after;
    memcpy(a->spki, renewal.spki, sizeof a->spki);
    if (strcmp(renewal.id, tunnel) != 0)
        result = error_set(err, R_DENIED, "gateway %s asks through the tunnel of gateway %s", renewal.id, tunnel);
    else
        result = read_key(a, slice_of(renewal.csr_pem), err);
    renewal_done(&renewal);
    return result;
}

/* --- what is issued, in one transaction with what it rests on --- */

static enum result find_withdrawn(struct mp_request *r, const struct asker *a, int64_t *ret, struct error *err)
{
    struct store_role_ends ends;
    enum result result = store_role_ends(r->site->store, r->arena, a->role, a->id, &ends, err);
    if (result == OK)
        *ret = ends.withdrawn;
    return result == R_NOTFOUND ? error_set(err, R_DENIED, "%s %s was removed", store_role_name(a->role), a->id)
                                : result;
}

/* Asked again even of a connector: its body comes as slowly as it likes, and another process may withdraw as well. */
static enum result check_counts(struct mp_request *r, const struct asker *a, int64_t *withdrawn, struct error *err)
{
    char keyid[PKI_ROLE_ID_MAX + 16];
    enum result result = find_withdrawn(r, a, withdrawn, err);
    if (result == OK && a->ends <= *withdrawn)
        result = error_set(err, R_DENIED, "the certificate of %s %s was withdrawn", store_role_name(a->role), a->id);
    if (result != OK || !a->nonce[0])
        return result;
    (void)snprintf(keyid, sizeof keyid, "renewal:%s", a->id);
    result = store_nonce_use(r->site->store, keyid, a->nonce, clock_wall_s(), err);
    return result == R_CONFLICT ? error_set(err, R_DENIED, "this request was sent before") : result;
}

static enum result record(struct store *s, const struct asker *a, int64_t not_after, struct error *err)
{
    char caller[PKI_ROLE_ID_MAX + 16], action[32], ends[CLOCK_TEXT_SIZE];
    (void)snprintf(caller, sizeof caller, "%s:%s", store_role_name(a->role), a->id);
    (void)snprintf(action, sizeof action, "%s.certificate-renew", store_role_name(a->role));
    clock_rfc3339(not_after, ends);
    enum result result = store_role_renewed(s, a->role, a->id, not_after, err);
    if (result != OK)
        return result;
    return store_audit_add_of_one(
        s, &(struct store_audit){.caller = caller, .action = action, .object = a->id, .detail = ends}, err);
}

/* Recorded before it is given out: what the store does not know of could not be withdrawn. */
static enum result certify(struct mp_request *r, const struct asker *a, struct mp_role_certificate *ret,
                           struct error *err)
{
    int64_t withdrawn = 0; /* certificates that end then or before; the new one ends later */
    enum result result = store_begin(r->site->store, STORE_DURABLE, err);
    if (result != OK)
        return result;
    result = check_counts(r, a, &withdrawn, err);
    if (result == OK)
        result = mp_role_certify(&r->site->keys, store_role_name(a->role), a->id, a->key, withdrawn, ret, err);
    if (result == OK)
        result = record(r->site->store, a, ret->not_after, err);
    return store_end(r->site->store, result, err);
}

static void refuse(struct mp_request *r, enum result result, const struct error *why)
{
    static const struct {
        enum result result;
        enum mp_refusal refusal;
    } map[] = {
        {R_DENIED, MP_REFUSAL_RENEWAL_REFUSED}, {R_INVALID, MP_REFUSAL_BAD_REQUEST}, {R_LIMIT, MP_REFUSAL_TOO_LARGE}};
    const char *connector = r->sender.identity.connector; /* any gateway behind it asks as often as it likes */
    LOG_GATHERED(LOG_WARN, "renew", connector, why->text, "a role certificate was not renewed",
                 LOG_T("connector", connector), LOG_S("path", r->path), LOG_T("reason", why->text));
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
        LOG_EVENT(LOG_INFO, "renew", "role certificate renewed", LOG_T("kind", store_role_name(a.role)),
                  LOG_T("id", a.id), LOG_T("not_after", until));
        mp_answer(r, &(struct mp_answer){.status = 200,
                                         .type = "application/pem-certificate-chain",
                                         .body = slice_of(issued.certificate_pem)});
    } else {
        refuse(r, result, &err);
    }
    mp_role_certificate_free(&issued);
    EVP_PKEY_free(a.key);
}
