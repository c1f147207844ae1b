/* SPDX-License-Identifier: Apache-2.0 */
/* What the two ways to a role's certificate, bootstrap files (role.c) and join strings (join.c), read and tell. */
#ifndef MP_ADMIN_ROLE_H
#define MP_ADMIN_ROLE_H

#include "mp/server/request.h"
#include "store/site/role.h"

struct mp_role_wish {
    bool renew, withdraw; /* withdraw: the old certificates, at once */
};
#define MP_OLD_WITHDRAWN "the old certificates are withdrawn"

MUST_USE enum result mp_role_read_id(const json_t *body, const char **ret, struct error *err);
MUST_USE enum result mp_role_read_wish(const json_t *body, struct mp_role_wish *ret, struct error *err);
/* `old`: its row, whose name and port it keeps unless others are given; NULL: there must be a name. */
MUST_USE enum result mp_role_read_gateway(const json_t *body, const struct store_gateway *old,
                                          struct store_gateway *ret, struct error *err);
/* With the PKI certificate in the body, if there is one. */
MUST_USE enum result mp_role_read_connector(struct mp_request *r, const json_t *body, struct store_connector *ret,
                                            struct error *err);

/* Its hash, subject and end; R_INVALID, too, when it has expired. */
MUST_USE enum result mp_role_read_certificate(struct mp_request *r, const char *pem, struct store_connector *ret,
                                              struct error *err);

json_t *mp_role_gateway_json(const struct store_gateway *g);
json_t *mp_role_connector_json(const struct store_connector *c);

/* --- join.c: when the body has "join": {"valid_s"} --- */

/* {<kind>: …, "join": the string, "expires"}, and nothing is issued yet. */
MUST_USE enum result mp_role_join_gateway(struct mp_request *r, const json_t *body, json_t **ret, struct error *err);
MUST_USE enum result mp_role_join_connector(struct mp_request *r, const json_t *body, json_t **ret, struct error *err);
/* How long the string of a device is to count, too. */
MUST_USE enum result mp_role_join_valid(const json_t *body, int64_t *ret, struct error *err);

#endif
