/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers that the router's table names, a file each. */
#ifndef MP_SERVER_HANDLERS_H
#define MP_SERVER_HANDLERS_H

#include "mp/server/request.h"

void mp_handle_registration(struct mp_request *r);   /* registration.c */
void mp_handle_sts(struct mp_request *r);            /* sts.c */
void mp_handle_location(struct mp_request *r);       /* location.c */
void mp_handle_policy(struct mp_request *r);         /* policy.c */
void mp_handle_user_policy(struct mp_request *r);    /* policy.c */
void mp_handle_notification(struct mp_request *r);   /* mp/notify/request.c */
void mp_handle_content(struct mp_request *r);        /* library/fetch.c */
void mp_handle_site_bundle(struct mp_request *r);    /* service.c */
void mp_handle_site_connector(struct mp_request *r); /* service.c */
void mp_handle_site_report(struct mp_request *r);    /* service.c */
void mp_handle_site_renew(struct mp_request *r);     /* renew.c */
void mp_handle_site_join(struct mp_request *r);      /* join.c */
void mp_handle_site_questions(struct mp_request *r); /* question.c */
void mp_handle_site_answer(struct mp_request *r);    /* question.c */
void mp_handle_not_supported(struct mp_request *r);  /* not_supported.c */
void mp_handle_site_crl(struct mp_request *r);       /* service.c */
void mp_handle_state(struct mp_request *r);          /* mp/intake/state.c */
void mp_handle_inventory(struct mp_request *r);      /* mp/intake/inventory.c */

/* The gateway that the path names behind `route` ("/.cmg/report/gw1"), told by the connector from the tunnel that it
 * came through; "" when the connector speaks for itself. false: answered, it is no id. */
MUST_USE bool mp_site_gateway(struct mp_request *r, const char *route, char ret[PKI_ROLE_ID_MAX]); /* service.c */

#endif
