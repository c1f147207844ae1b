/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user who signed in on this device: STATE/user.json (0600). Its Entra tokens, and the site's user token that was
 * got for them, which is bound to this device.
 */
#ifndef CLIENT_CREDENTIAL_USER_H
#define CLIENT_CREDENTIAL_USER_H

#include "client/client.h"

struct client_user {
    char name[256];        /* as the site, else the token, calls the user: for people */
    char *token, *refresh; /* Entra's; token NULL: nobody is signed in; refresh NULL: none was given */
    int64_t expires;       /* of token, wall seconds */
    char *site_token;      /* NULL: none */
    int64_t site_expires;
    char site_device[GUID_SIZE]; /* the device that it is for */
};

MUST_USE enum result client_user_load(const char *dir, struct client_user *ret, struct error *err);
MUST_USE enum result client_user_save(const char *dir, const struct client_user *u, struct error *err);
void client_user_free(struct client_user *u);

/* --- sign_in.c --- */

/* Device-code sign-in (RFC 8628): shows address and code on standard output, waits until the user has signed in, and
 * keeps the tokens; the last line is the report. false: it failed, and the report says why. The state folder is free
 * for others while it waits. */
MUST_USE bool client_sign_in(const char *dir, bool json);
/* Forgets the user, the tokens and the user's policy. *ret_was: somebody was signed in. */
MUST_USE enum result client_sign_out(struct client *c, bool *ret_was, struct error *err);

/* --- user_token.c --- */

/* The site's user token for this device and the signed-in user, exchanged (RFC 8693) when there is none; borrowed from
 * *u. false: s->outcome says why. */
MUST_USE bool client_user_token(struct client_session *s, struct client_user *u, const char **ret);
/* The same, but another one than the kept one. */
MUST_USE bool client_user_token_again(struct client_session *s, struct client_user *u, const char **ret);

#endif
