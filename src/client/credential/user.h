/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user who signed in on this device: STATE/user.json (0600). Its Entra tokens, and the site's user token that was
 * got for them, which is bound to this device.
 */
#ifndef CLIENT_CREDENTIAL_USER_H
#define CLIENT_CREDENTIAL_USER_H

#include "base/error.h"
#include "base/text/encode.h"

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

#endif
