/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents that the site signs (PROTOCOL 3): bundle, connector document, policy, location. JWS ES256 whose header
 * carries the signing certificate and the site root in x5c; the receiver believes it only if x5c's last is the root
 * that it pins.
 *
 * Payload: {"type","site","audience","key","sequence","issued","expires","content":{…}}; "key" in documents of one
 * device alone.
 */
#ifndef BUNDLE_DOCUMENT_H
#define BUNDLE_DOCUMENT_H

#include "jose/jws/jws.h"
#include "pki/cert/cert.h"

enum document_type {
    DOCUMENT_BUNDLE,
    DOCUMENT_CONNECTOR,
    DOCUMENT_POLICY,
    DOCUMENT_LOCATION,
    DOCUMENT_USER_POLICY,
    DOCUMENT_SETTINGS,
    DOCUMENT_ANSWER,
    DOCUMENT_JOIN,
    DOCUMENT_NOTIFICATION
};
/* "bundle", "connector", "policy", "location", "user-policy", "settings", "answer", "join", "notification": also the
 * signing use in urn:opencmg:<site>:signing:<use>, where connector, location and join documents are signed by the key
 * for "bundle" and user policies, settings, answers and notifications by that for "policy". An answer is what the site
 * says to one request of one device; its content holds the nonce of that request's signature, so it is as fresh as the
 * request. */
const char *document_type_name(enum document_type type);
const char *document_signing_use(enum document_type type);

#define DOCUMENT_AUDIENCE_SIZE 64

/* Of a user policy: the device's GUID, a dot, and 96 bits of the SHA-256 of the user's name in lower case (ASCII). */
void document_user_audience(const char *guid, const char *user, char ret[DOCUMENT_AUDIENCE_SIZE]);

struct document {
    enum document_type type;
    char site[16];
    char audience[DOCUMENT_AUDIENCE_SIZE]; /* "gateway", a connector's id, a device's GUID, or "all" */
    char key[PKI_HASH_HEX];                /* hex SHA-256 of the device's public key (SPKI); "": for no key */
    int64_t sequence, issued, expires;     /* sequence from 1 on; wall seconds */
    json_t *content;                       /* owned by the document once read; borrowed when signing */
};
void document_done(struct document *d); /* drops content */

struct document_signer; /* key, its certificate, the root */
MUST_USE enum result document_signer_new(struct slice key_pem, struct slice certificate_pem, struct slice root_pem,
                                         struct document_signer **ret, struct error *err);
void document_signer_free(struct document_signer *s);
/* R_INVALID: members that no receiver would take, or the signer's certificate is for another site or use. */
MUST_USE enum result document_sign(const struct document_signer *s, const struct document *d, char **ret,
                                   struct error *err);

struct document_expect {
    const char *site;                      /* NULL: any */
    unsigned char root_sha256[PKI_SHA256]; /* of the root's DER: the pin */
    enum document_type type;
    const char *audience; /* ours; a document for "all" passes too; NULL with a key: the key decides alone */
    const char *key;      /* the document must be for this key; NULL: whatever it is for */
    int64_t min_sequence; /* a lower one is refused (R_CONFLICT); 0 at first */
    int64_t now;
};
/* Chain to the pin, URN, signature, type, site, audience, sequence, time. R_DENIED (also when it is malformed),
 * R_CONFLICT, R_TIMEOUT (expired). On OK the caller document_done()s; otherwise *ret holds nothing. */
MUST_USE enum result document_read(struct slice text, const struct document_expect *e, struct document *ret,
                                   struct error *err);

/* The highest sequence accepted, kept across crashes in a file: "<dir>/<name>.jws" is the last good text itself. */
MUST_USE enum result document_keep(const char *dir, const char *name, struct slice text, struct error *err);

#endif
