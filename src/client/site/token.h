/* SPDX-License-Identifier: Apache-2.0 */
/* The device's tokens of the site. */
#ifndef CLIENT_SITE_TOKEN_H
#define CLIENT_SITE_TOKEN_H

#include "client/session/send.h"
#include "web/form.h"

/* *ret is a valid access token (borrowed from the identity), or NULL with pki, which needs none. */
MUST_USE bool client_access_token(struct client_session *s, const char **ret);
void client_access_token_drop(struct client_session *s);
/* Sends `call` with it, and once more with another one where it is not taken (keys rolled, clock set). As
 * client_session_send(). */
MUST_USE bool client_token_send(struct client_session *s, struct client_call *call, struct web_answer *ret);
/* Asks CCM_STS (RFC 8693); *ret is its answer, which holds a token in "access_token" (json_decref in every case).
 * `what` is for the log. */
MUST_USE bool client_token_service(struct client_session *s, const struct web_form *form, const char *bearer,
                                   const char *what, json_t **ret);
/* *ret is what the device shows at CCM_STS: its device token, renewed when that is due, or its Entra token; NULL with
 * pki. */
MUST_USE bool client_subject_token(struct client_session *s, const char **ret);
/* Takes over a device token that the site gave; its lifetime is read from it. */
void client_device_token_take(struct client_registration *r, const char *token, int64_t now);

#endif
