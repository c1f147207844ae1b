/* SPDX-License-Identifier: Apache-2.0 */
/* Identity: asserted by a connector, or shown directly. */
#include "mp/sender/identity.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "jose/entra.h"
#include "mp/sender/judging.h"
#include "mp/sender/sender.h"
#include "mp/sender/trust.h"
#include "store/site/role.h"

enum { CERTIFICATE_DER_MAX = 36 * 1024 /* more than a gateway passes on */ };

static const struct {
    const char *name;
    int client; /* enum choice_client; -1: none */
} methods[] = {[MP_NOBODY] = {"none", -1},
               [MP_PKI] = {"pki", CHOICE_PKI},
               [MP_ENTRA] = {"entra", CHOICE_ENTRA},
               [MP_TOKEN] = {"token", CHOICE_TOKEN}};

const char *mp_auth_name(enum mp_auth auth)
{
    return methods[auth].name;
}

void mp_identity_done(struct mp_identity *i)
{
    X509_free(i->certificate);
    i->certificate = NULL;
}

struct slice mp_bearer(struct slice authorization)
{
    struct slice scheme = SLICE("bearer ");
    if (!slice_starts_nocase(authorization, scheme))
        return SLICE_NONE;
    struct slice token = slice_trim(slice_skip(authorization, scheme.len));
    return token.len ? token : SLICE_NONE;
}

/* --- asserted --- */

static enum result one_field(const struct http_fields *f, const char *name, struct slice *ret, struct error *err)
{
    if (http_fields_count(f, slice_of(name)) > 1)
        return error_set(err, R_INVALID, "the field %s occurs twice", name);
    *ret = http_fields_get(f, slice_of(name));
    return OK;
}

static enum result read_method(struct slice name, enum mp_auth *ret, struct error *err)
{
    for (size_t i = MP_PKI; i < ARRAY_LEN(methods); i++) {
        if (slice_eq(name, slice_of(methods[i].name))) {
            *ret = (enum mp_auth)i;
            return OK;
        }
    }
    return error_set(err, R_INVALID, "CMG-Auth-Method is none of pki, entra, token");
}

/* RFC 9440 2.2: a byte sequence of a structured field, the DER in base64 between colons. */
static enum result read_client_cert(struct slice value, X509 **ret, struct error *err)
{
    unsigned char der[CERTIFICATE_DER_MAX];
    size_t len;
    if (value.len < 2 || value.ptr[0] != ':' || value.ptr[value.len - 1] != ':' ||
        !decode_base64(slice_make(value.ptr + 1, value.len - 2), der, sizeof der, &len))
        return error_set(err, R_INVALID, "Client-Cert is not a certificate as RFC 9440 writes it");
    return pki_cert_read(slice_make(der, len), ret, err);
}

static bool is_fingerprint(struct slice id, X509 *cert)
{
    char hex[PKI_HASH_HEX];
    pki_cert_sha256_hex(cert, hex);
    return slice_eq(id, slice_of(hex));
}

static enum result check_asserted(const struct mp_asserted *a, struct error *err)
{
    if (a->auth == MP_PKI && !a->certificate)
        return error_set(err, R_INVALID, "CMG-Auth-Method is pki, but there is no Client-Cert");
    if (a->auth == MP_PKI && !is_fingerprint(a->client_id, a->certificate))
        return error_set(err, R_INVALID, "CMG-Client-Id is not the fingerprint of Client-Cert");
    if (a->auth != MP_PKI && a->certificate)
        return error_set(err, R_INVALID, "Client-Cert belongs to the method pki alone");
    if (a->auth != MP_NOBODY && a->auth != MP_PKI && !a->bearer.ptr)
        return error_set(err, R_INVALID, "CMG-Auth-Method names a token, but there is no Authorization: Bearer");
    return OK;
}

enum result mp_asserted_read(const struct http_fields *f, struct mp_asserted *ret, struct error *err)
{
    struct slice method, cert, authorization;
    *ret = (struct mp_asserted){.auth = MP_NOBODY};
    enum result r = one_field(f, "cmg-auth-method", &method, err);
    if (r == OK)
        r = one_field(f, "cmg-client-id", &ret->client_id, err);
    if (r == OK)
        r = one_field(f, "client-cert", &cert, err);
    if (r == OK)
        r = one_field(f, "authorization", &authorization, err);
    if (r == OK && method.ptr)
        r = read_method(method, &ret->auth, err);
    if (r == OK && cert.ptr)
        r = read_client_cert(cert, &ret->certificate, err);
    if (r == OK) {
        ret->bearer = mp_bearer(authorization);
        r = check_asserted(ret, err);
    }
    if (r != OK) {
        X509_free(ret->certificate);
        ret->certificate = NULL;
    }
    return r;
}

/* --- the peer --- */

/* A connector names the device in each request that it carries for one, and its path is a gateway's word: it is not to
 * count as asked by the connector. */
static bool is_for_a_device(const struct mp_sender *from)
{
    return http_fields_count(&from->request->fields, SLICE("cmg-auth-method")) > 0;
}

/* The role certificate's id must still be the site's, and the certificate must not have ended meanwhile. */
static enum result by_role(struct mp_sender *from, struct mp_identity *i, struct error *err)
{
    const struct mp_peer *c = from->peer;
    struct store_connector record;
    if (!c->connector[0] || pki_cert_not_after(c->certificate) < clock_wall_s())
        return OK;
    enum result result = store_connector_get(from->site->store, from->arena, c->connector, &record, err);
    if (result != OK)
        return result == R_NOTFOUND ? OK : result;
    if (pki_cert_not_after(c->certificate) <= record.withdrawn)
        return OK;
    (void)snprintf(i->connector, sizeof i->connector, "%s", record.id);
    i->role_certificate = !is_for_a_device(from);
    return OK;
}

static enum result by_registered(struct mp_sender *from, struct mp_identity *i, struct error *err)
{
    X509 *cert = from->peer->certificate;
    char hex[PKI_HASH_HEX];
    struct store_connector record;
    int64_t now = clock_wall_s();
    if (!cert || i->connector[0] || pki_cert_not_after(cert) < now || pki_cert_not_before(cert) > now)
        return OK;
    pki_cert_sha256_hex(cert, hex);
    enum result result = store_connector_by_pki(from->site->store, from->arena, hex, &record, err);
    if (result != OK)
        return result == R_NOTFOUND ? OK : result;
    (void)snprintf(i->connector, sizeof i->connector, "%s", record.id);
    return OK;
}

static enum result believe(struct mp_sender *from, struct mp_identity *i, struct error *err)
{
    struct mp_asserted a;
    enum result result = mp_asserted_read(&from->request->fields, &a, err);
    if (result != OK)
        return result;
    i->asserted = true;
    i->auth = a.auth;
    i->bearer = a.bearer;
    i->certificate = a.certificate;
    return OK;
}

/* --- direct --- */

static enum result judge_certificate(struct mp_sender *from, struct mp_identity *i, struct error *err)
{
    struct pki_trust *trust;
    enum result result = mp_site_trust(from->site, &trust, err);
    if (result != OK)
        return result;
    const struct pki_verdict *verdict = mp_judging_verdict(from->peer, trust, clock_wall_s());
    if (verdict->reason == REASON_OK) {
        i->auth = MP_PKI;
        return OK;
    }
    i->refused = verdict->reason;
    pki_verdict_tell(verdict, &i->why);
    return OK;
}

/* Who names a device in the words of connectors and shows a certificate that is no connector's: nobody, and most often
 * a connector whose certificate ended, or was never registered. The device is not to blame. */
static bool is_unknown_connector(struct mp_sender *from, struct mp_identity *i)
{
    char subject[128];
    if (!is_for_a_device(from))
        return false;
    pki_cert_subject(from->peer->certificate, subject, sizeof subject);
    i->refused = REASON_UPSTREAM_CLIENT_CERTIFICATE;
    (void)error_set(&i->why, R_DENIED,
                    "the client certificate '%s' is not registered for a connector, or out of its time: cmg status",
                    subject);
    return true;
}

static enum result look(struct mp_sender *from, struct mp_identity *i, struct error *err)
{
    const struct mp_peer *c = from->peer;
    struct slice authorization;
    enum result result = one_field(&from->request->fields, "authorization", &authorization, err);
    if (result != OK)
        return result;
    i->bearer = mp_bearer(authorization);
    if (c->certificate && X509_up_ref(c->certificate) == 1)
        i->certificate = c->certificate;
    if (i->bearer.ptr)
        i->auth = entra_is_foreign(i->bearer) ? MP_ENTRA : MP_TOKEN;
    else if (i->certificate && choices_mode_allows(c->point->choice, CHOICE_PKI))
        return is_unknown_connector(from, i) ? OK : judge_certificate(from, i, err);
    return OK;
}

/* What the tenant's devices are given for everything else is a token of the site's: whose it is shows at its record
 * (device.c, registration.c). */
static bool takes(const struct mp_config_point *p, enum mp_auth auth)
{
    unsigned clients = CHOICE_BIT(methods[auth].client);
    return (p->clients & (auth == MP_TOKEN ? clients | CHOICE_BIT(CHOICE_ENTRA) : clients)) != 0;
}

/* The matrix of the choices again, whatever the gateway found. */
static void apply_choices(const struct mp_config_point *p, struct mp_identity *i)
{
    if (i->auth == MP_NOBODY)
        return;
    enum choice_client client = (enum choice_client)methods[i->auth].client;
    if (!choices_mode_allows(p->choice, client))
        i->refused = REASON_MODE_FORBIDS_PKI;
    else if (!takes(p, i->auth))
        i->refused = REASON_METHOD_NOT_ALLOWED_HERE;
    else
        return;
    i->auth = MP_NOBODY;
}

enum result mp_identify(struct mp_sender *from, struct error *err)
{
    struct mp_identity *i = &from->identity;
    enum result result = by_role(from, i, err);
    if (result == OK)
        result = by_registered(from, i, err);
    if (result == OK)
        result = i->connector[0] ? believe(from, i, err) : look(from, i, err);
    if (result == OK)
        apply_choices(from->peer->point, i);
    return result;
}

enum result mp_identity_holds(struct mp_sender *from, struct error *err)
{
    struct mp_identity now = {.auth = MP_NOBODY};
    if (!from->identity.connector[0])
        return OK;
    enum result result = by_role(from, &now, err);
    if (result == OK)
        result = by_registered(from, &now, err);
    if (result != OK || strcmp(now.connector, from->identity.connector) == 0)
        return result;
    return error_set(err, R_DENIED, "this connector was removed, or its certificate withdrawn");
}
