/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site's tokens (SPEC 3 and 5, PROTOCOL 4): four kinds, each good for its purpose alone, bound to the device's key
 * by its certificate's thumbprint (RFC 8705 cnf.x5t#S256), but for bulk tokens.
 *
 * Header: {"alg":"ES256","kid":…,"typ":"cmg-<kind>+jwt"}  (explicit typing, RFC 8725 3.11)
 * Claims: iss "urn:opencmg:<site>", aud "urn:opencmg:<site>:service", jti, iat, nbf, exp; device, access, user: sub =
 * the device's GUID and cnf; access, user: certificates = [{"issuer", "key", "serial"}], may be absent; user: act =
 * {"sub": device GUID} and user.
 */
#ifndef JOSE_TOKEN_H
#define JOSE_TOKEN_H

#include "base/text/encode.h"
#include "jose/jws/jws.h"
#include "pki/cert/cert_ref.h"

/* The end of what not_bound says when no certificate came; a client that showed one knows by it that it was lost. */
#define JOSE_TOKEN_NO_CERTIFICATE "none was presented"

enum token_kind { TOKEN_BULK, TOKEN_DEVICE, TOKEN_ACCESS, TOKEN_USER };

/* What an endpoint is for: decides which kinds open it. */
enum token_purpose { PURPOSE_REGISTRATION, PURPOSE_STS, PURPOSE_METADATA, PURPOSE_GENERAL, PURPOSE_USER };
/* "registration", "sts", "metadata", "general", "user" */
MUST_USE bool token_purpose_parse(struct slice name, enum token_purpose *ret);
bool token_kind_opens(enum token_kind kind, enum token_purpose purpose); /* the table */

enum {
    TOKEN_CERTIFICATES = 4,
    TOKEN_LEEWAY_S = 60,
    TOKEN_DEVICE_S = 90 * 86400,
    TOKEN_ACCESS_S = 8 * 3600,
    TOKEN_USER_S = 8 * 3600,
    TOKEN_BULK_S = 3 * 86400,
    TOKEN_BULK_MAX_S = 7 * 86400
};
#define TOKEN_X5T_SIZE BASE64_SIZE(32)

struct token {
    enum token_kind kind;
    char id[64];              /* jti */
    char subject[64];         /* device GUID; "" for bulk */
    char x5t[TOKEN_X5T_SIZE]; /* base64url; "" when unbound */
    char user[256];           /* user tokens */
    /* Of access and user tokens: what else the site knows of the device. When their issuers have taken back all of
     * these, the token is revoked; who looks that up is the caller. */
    struct pki_cert_ref certificates[TOKEN_CERTIFICATES];
    size_t certificate_count;
    int64_t issued, not_before, expires;
    bool in_grace; /* a device token past its end but within the renewal grace */
};

/* Signs t for `site` (all members but in_grace must be set; id "": a new GUID). Text malloc'ed; the caller frees it. */
MUST_USE enum result token_issue(const struct jose_signer *s, const char *site, const struct token *t, char **ret,
                                 struct error *err);

/* What binds a token to this certificate. */
void token_x5t(X509 *cert, char ret[TOKEN_X5T_SIZE]);

struct token_policy {
    const char *site;
    const struct jose_keys *keys; /* the site's token keys: several may be valid at once */
    int64_t renewal_grace_s;      /* 0: none. A device token within it opens PURPOSE_STS alone */
};

/* Judges text for `purpose` at `now`. `presented_x5t` (base64url; SLICE_NONE: no certificate) must match the binding of
 * bound kinds. Revocation and blocks are the caller's. *ret is filled as far as the token could be believed (REASON_OK
 * and the reasons that come after the signature). *detail says what was found and expected. */
MUST_USE enum verdict_reason token_judge(const struct token_policy *p, struct slice text, enum token_purpose purpose,
                                         struct slice presented_x5t, int64_t now, struct token *ret,
                                         struct error *detail);

/* The bulk token's string for people: "cmg1.<root sha256 hex>.<jwt>". */
MUST_USE bool token_bulk_split(struct slice text, struct slice *ret_root_hash, struct slice *ret_jwt);

#endif
