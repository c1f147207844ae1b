/* SPDX-License-Identifier: Apache-2.0 */
/* What requests say of gateways and connectors, read and checked; what answers say of them. Writes nothing. */
#include "base/clock.h"
#include "base/text/name.h"
#include "mp/admin/role.h"
#include "mp/put.h"
#include "net/address.h"
#include "pki/cert/cert.h"

enum { PORT_DEFAULT = 443, PORT_MAX = 65535, HOST_MAX = 253 };

/* --- read --- */

enum result mp_role_read_id(const json_t *body, const char **ret, struct error *err)
{
    enum result r = json_need_str(body, "id", ret, err);
    if (r == OK && !name_valid(NAME_MEMBER, slice_of(*ret)))
        r = error_set(err, R_INVALID, "'id' is 1 to 40 of a-z0-9-");
    return r;
}

enum result mp_role_read_wish(const json_t *body, struct mp_role_wish *ret, struct error *err)
{
    ret->renew = json_opt_bool(body, "renew", false);
    ret->withdraw = json_opt_bool(body, "revoke_old", false);
    if (ret->withdraw && !ret->renew)
        return error_set(err, R_INVALID, "'revoke_old' goes with 'renew' alone");
    return OK;
}

enum result mp_role_read_gateway(const json_t *body, const struct store_gateway *old, struct store_gateway *ret,
                                 struct error *err)
{
    enum result r = OK;
    ret->host = old ? json_opt_str(body, "host", old->host) : NULL;
    if (!ret->host)
        r = json_need_str(body, "host", &ret->host, err);
    if (r != OK)
        return r;
    ret->port = json_opt_int(body, "port", old ? old->port : PORT_DEFAULT);
    ret->created = clock_wall_s();
    r = net_host_check(slice_of(ret->host), err);
    if (r == OK && strlen(ret->host) > HOST_MAX)
        r = error_set(err, R_INVALID, "a name has %d characters at most", HOST_MAX);
    if (r != OK)
        return error_prefix(err, "'host', under which clients reach the gateway");
    if (ret->port < 1 || ret->port > PORT_MAX)
        return error_set(err, R_INVALID, "'port' is 1 to %d", PORT_MAX);
    return OK;
}

enum result mp_role_read_certificate(struct mp_request *r, const char *pem, struct store_connector *ret,
                                     struct error *err)
{
    char hex[PKI_HASH_HEX], subject[256];
    X509 *cert;
    enum result result = pki_cert_read(slice_of(pem), &cert, err);
    if (result != OK)
        return error_prefix(err, "certificate_pem");
    pki_cert_sha256_hex(cert, hex);
    pki_cert_subject(cert, subject, sizeof subject);
    ret->pki_sha256 = arena_dup(r->arena, slice_of(hex)).ptr;
    ret->pki_subject = arena_dup(r->arena, slice_of(subject)).ptr;
    ret->pki_not_after = pki_cert_not_after(cert);
    X509_free(cert);
    return ret->pki_not_after > clock_wall_s() ? OK : error_set(err, R_INVALID, "certificate_pem has expired");
}

enum result mp_role_read_connector(struct mp_request *r, const json_t *body, struct store_connector *ret,
                                   struct error *err)
{
    enum result result = mp_role_read_id(body, &ret->id, err);
    if (result != OK)
        return result;
    ret->created = clock_wall_s();
    const char *pem = json_opt_str(body, "certificate_pem", NULL);
    return pem ? mp_role_read_certificate(r, pem, ret, err) : OK;
}

/* --- told --- */

/* What a role that has not joined has none of. */
static json_t *time_or_null(int64_t at)
{
    return at ? json_integer((json_int_t)at) : json_null();
}

json_t *mp_role_gateway_json(const struct store_gateway *g)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:I}", "id", g->id, "host", g->host, "port", (json_int_t)g->port,
                     "created", (json_int_t)g->created, "not_after", time_or_null(g->not_after), "seen",
                     (json_int_t)g->seen);
}

json_t *mp_role_connector_json(const struct store_connector *c)
{
    json_t *o = json_pack("{s:s, s:I, s:o, s:I}", "id", c->id, "created", (json_int_t)c->created, "not_after",
                          time_or_null(c->not_after), "seen", (json_int_t)c->seen);
    mp_put(o, "certificate",
           c->pki_sha256 ? json_pack("{s:s, s:s, s:I}", "sha256", c->pki_sha256, "subject",
                                     c->pki_subject ? c->pki_subject : "", "not_after", (json_int_t)c->pki_not_after)
                         : json_null());
    return o;
}
