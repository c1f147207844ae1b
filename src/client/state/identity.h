/* SPDX-License-Identifier: Apache-2.0 */
/* Who the device is at the site: STATE/identity.json (0600). A registration for each method, since a device that
 * changes its method has another key and so another GUID there; the one in use stands at the top level. */
#ifndef CLIENT_STATE_IDENTITY_H
#define CLIENT_STATE_IDENTITY_H

#include "base/error.h"
#include "base/text/encode.h"
#include "choices/choices.h"
#include "client/state/fqdns.h"
#include "pki/cert/cert.h"

enum { CLIENT_HARDWARE_SIZE = 129 };

struct client_registration {
    char guid[GUID_SIZE];      /* "": not registered */
    char key_id[PKI_HASH_HEX]; /* hex SHA-256 of the SubjectPublicKeyInfo that was registered */
    bool pending;              /* waits for approval */
    char *device_token;        /* secrets; NULL: none */
    char *access_token;
    int64_t device_expires, device_renew, access_expires; /* wall seconds */
};

struct client_identity {
    bool any;                  /* is `method` meaningful? */
    enum choice_client method; /* in use */
    struct client_registration of[CHOICE_CLIENTS];
    char role[WEB_ROLE_MAX + 1], mode[16];  /* management point in use */
    char hardware_id[CLIENT_HARDWARE_SIZE]; /* of the machine that it was registered on; "": not known, or none */
    char cloned_from[GUID_SIZE];            /* whose state this was, on another machine; "": nobody else's */
    char *bulk_token;                       /* the JWT, kept until it did its work; NULL: none */
};

MUST_USE enum result client_identity_load(const char *state, struct client_identity *ret, struct error *err);
MUST_USE enum result client_identity_save(const char *state, const struct client_identity *id, struct error *err);
void client_identity_free(struct client_identity *id);

/* Replaces a secret by a copy of `value` (NULL: none) and wipes the old one. */
void client_secret_set(char **secret, const char *value);
/* Forgets the site's tokens of it. */
void client_registration_drop_tokens(struct client_registration *r);

#endif
