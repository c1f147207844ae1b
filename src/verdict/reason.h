/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a request is refused: the one table of reasons and codes (SPEC 3, PROTOCOL 6) that the gateway, the management
 * point, the client, the tools, the metrics and the documentation share. Pure data.
 */
#ifndef VERDICT_REASON_H
#define VERDICT_REASON_H

#include "base/slice.h"

/* X(symbol, name, refusal, text, remedy) */
#define VERDICT_REASONS(X)                                                                                             \
    /* of a client certificate */                                                                                      \
    X(CERT_MISSING, "missing", INVALID_CLIENT_CERTIFICATE, "no client certificate was presented",                      \
      "present a client certificate of the organisation's PKI, or use the token path /CCM_Proxy_ServerAuth/")          \
    X(CERT_EXPIRED, "expired", INVALID_CLIENT_CERTIFICATE, "the client certificate or one of its issuers has expired", \
      "renew the certificate that the detail names")                                                                   \
    X(CERT_NOT_YET_VALID, "not_yet_valid", INVALID_CLIENT_CERTIFICATE, "the client certificate is not valid yet",      \
      "check the clocks of the device, the CA and the gateway")                                                        \
    X(CERT_UNTRUSTED_ROOT, "untrusted_root", INVALID_CLIENT_CERTIFICATE,                                               \
      "the chain ends at a root that is not trusted", "upload the root with: cmg trust add --anchor FILE")             \
    X(CERT_INCOMPLETE_CHAIN, "incomplete_chain", INVALID_CLIENT_CERTIFICATE,                                           \
      "an issuer between leaf and root is missing",                                                                    \
      "let the device send it, or upload it with: cmg trust add --intermediate FILE; a root with --anchor FILE")       \
    X(CERT_BAD_SIGNATURE, "bad_signature", INVALID_CLIENT_CERTIFICATE, "a signature in the chain is wrong",            \
      "the certificate was altered or names an issuer that did not issue it: issue it anew")                           \
    X(CERT_REVOKED, "revoked", INVALID_CLIENT_CERTIFICATE, "the certificate was revoked by its issuer",                \
      "issue the device a new certificate if it may come back")                                                        \
    X(CERT_CRL_UNAVAILABLE, "crl_unavailable", INVALID_CLIENT_CERTIFICATE, "no CRL of the issuer is at hand",          \
      "give the gateway one: cmg trust add --crl FILE, or --crl-source ID --url URL; or let it fetch the one that "    \
      "certificates point to: cmg trust fetch-hosts ANCHOR HOST")                                                      \
    X(CERT_CRL_EXPIRED, "crl_expired", INVALID_CLIENT_CERTIFICATE, "the CRL of the issuer is past its nextUpdate",     \
      "give the CA's newest CRL: cmg trust add --crl FILE; or see why its source gives none: cmg source list, "        \
      "cmg status")                                                                                                    \
    X(CERT_OCSP_UNAVAILABLE, "ocsp_unavailable", INVALID_CLIENT_CERTIFICATE,                                           \
      "the OCSP responder gave no usable answer",                                                                      \
      "check the responder, or give the CA's list as well: cmg trust add --crl FILE")                                  \
    X(CERT_WRONG_USAGE, "wrong_usage", INVALID_CLIENT_CERTIFICATE,                                                     \
      "the certificate may not be used to authenticate a client",                                                      \
      "issue one with the extended key usage clientAuth (1.3.6.1.5.5.7.3.2)")                                          \
    X(CERT_WEAK_KEY, "weak_key", INVALID_CLIENT_CERTIFICATE, "a key or hash in the chain is too weak",                 \
      "issue one with RSA 2048 bits or more, or P-256 or stronger, signed with SHA-256 or stronger")                   \
    X(CERT_NAME_MISSING, "name_missing", INVALID_CLIENT_CERTIFICATE, "the certificate names nobody",                   \
      "issue one with a unique subject or subject alternative name")                                                   \
    X(CERT_CONSTRAINT_VIOLATED, "constraint_violated", INVALID_CLIENT_CERTIFICATE,                                     \
      "the chain breaks a constraint of one of its CAs",                                                               \
      "check basic constraints, path length, name constraints and policies of the CAs that the detail names")          \
    /* of a token */                                                                                                   \
    X(TOKEN_MISSING, "missing", INVALID_TOKEN, "no bearer token was presented",                                        \
      "send Authorization: Bearer, or use the certificate path /CCM_Proxy_MutualAuth/")                                \
    X(TOKEN_MALFORMED, "malformed", INVALID_TOKEN, "the token is not a well-formed JWT", "ask for a new token")        \
    X(TOKEN_BAD_SIGNATURE, "bad_signature", INVALID_TOKEN, "the token's signature is wrong", "ask for a new token")    \
    X(TOKEN_UNKNOWN_KEY, "unknown_key", INVALID_TOKEN, "no known key signed this token",                               \
      "ask for a new token; if all fail, compare the site's keys with: cmg status")                                    \
    X(TOKEN_WRONG_ISSUER, "wrong_issuer", INVALID_TOKEN, "the token is of another issuer",                             \
      "use a token of this site (to register: cmg token new), or add its issuer: cmg tenant add ID --issuer URL "      \
      "--audience TEXT --jwks FILE")                                                                                   \
    X(TOKEN_WRONG_AUDIENCE, "wrong_audience", INVALID_TOKEN, "the token is for another service",                       \
      "ask for a token for this site")                                                                                 \
    X(TOKEN_UNKNOWN_TENANT, "unknown_tenant", INVALID_TOKEN, "the token's tenant was not added here, or is disabled",  \
      "add it: cmg tenant add ID --issuer URL --audience TEXT --jwks FILE; or, if cmg tenant list has it, enable it: " \
      "cmg tenant enable ID")                                                                                          \
    X(TOKEN_EXPIRED, "expired", INVALID_TOKEN, "the token has expired",                                                \
      "cmg-client run on the device renews it, until the setting renewal_grace after its expiry (90 days); later the " \
      "device needs a "                                                                                                \
      "new bulk registration token: cmg token new")                                                                    \
    X(TOKEN_NOT_YET_VALID, "not_yet_valid", INVALID_TOKEN, "the token is not valid yet",                               \
      "check the clocks of device and site")                                                                           \
    X(TOKEN_WRONG_PURPOSE, "wrong_purpose", INVALID_TOKEN, "this kind of token is not good for this endpoint",         \
      "bulk tokens register, device tokens go to CCM_STS, access tokens to everything else")                           \
    X(TOKEN_NOT_BOUND, "not_bound", INVALID_TOKEN, "the token is bound to a key that this connection did not prove",   \
      "present the device's own certificate in the TLS handshake; if it never had this token, the token was stolen: "  \
      "cmg device block NAME")                                                                                         \
    X(TOKEN_REVOKED, "revoked", INVALID_TOKEN, "the token was revoked",                                                \
      "register the device again if it may come back: cmg token new, and on the device cmg-client register "           \
      "--token-file "                                                                                                  \
      "FILE")                                                                                                          \
    /* of either: not allowed although authenticated */                                                                \
    X(BLOCKED, "blocked", NOT_ALLOWED, "the device or token is blocked",                                               \
      "unblock it if it may come back: cmg device unblock NAME, or cmg token unblock ID")                              \
    X(MODE_FORBIDS_PKI, "mode_forbids_pki", NOT_ALLOWED,                                                               \
      "this management point runs in a mode in which pki clients do not work",                                         \
      "use an https management point, or entra or token; see: cmg choices")                                            \
    X(CMG_DISALLOWED, "cmg_disallowed", NOT_ALLOWED, "the device's client settings do not allow the CMG",              \
      "see which setting won: cmg settings resultant DEVICE; allow it there: cmg settings client set NAME "            \
      "allow_cmg=yes; "                                                                                                \
      "or take the device out of that collection: cmg collection remove-device COLLECTION DEVICE")                     \
    X(METHOD_NOT_ALLOWED_HERE, "method_not_allowed_here", NOT_ALLOWED,                                                 \
      "this endpoint does not take this authentication method", "use one of the methods that the detail names")        \
    /* of the request itself */                                                                                        \
    X(BAD_REQUEST, "bad_request", BAD_REQUEST, "the request is malformed", "correct what the detail names")            \
    X(UNKNOWN_ENDPOINT, "unknown_endpoint", UNKNOWN_ENDPOINT, "nothing is published under this name",                  \
      "publish it: cmg endpoint add ID --url URL")                                                                     \
    X(BAD_METHOD, "method", METHOD_NOT_ALLOWED, "the endpoint does not take this HTTP method",                         \
      "use one of those in Allow")                                                                                     \
    X(REQUEST_TIMEOUT, "request_timeout", REQUEST_TIMEOUT, "the request did not arrive in time",                       \
      "send it again; if it persists, check the network between device and gateway")                                   \
    X(TARGET_TOO_LONG, "target", TARGET_TOO_LONG, "the request target is too long", "shorten it to 16 KiB")            \
    X(HEAD_TOO_LONG, "head", HEAD_TOO_LONG, "the request's head is too long", "send fewer or shorter fields")          \
    X(MISDIRECTED, "misdirected", MISDIRECTED, "this host needs another TLS connection",                               \
      "connect with its own name in SNI")                                                                              \
    X(BODY_TOO_LARGE, "body", TOO_LARGE, "the body is larger than the endpoint takes",                                 \
      "send less, or raise the limit: cmg endpoint set ID --max-body SIZE")                                            \
    X(TOO_MANY_REQUESTS, "too_many_requests", TOO_MANY_REQUESTS, "a limit on requests or connections was reached",     \
      "ask again after Retry-After, and less often")                                                                   \
    X(UNSUPPORTED, "unsupported", UNSUPPORTED, "this is not supported here", "correct what the detail names")          \
    X(VERSION, "version", VERSION_NOT_SUPPORTED, "this version of HTTP is not spoken here",                            \
      "send HTTP/1.1, or agree on HTTP/2 by ALPN (h2)")                                                                \
    /* of the way inside */                                                                                            \
    X(NO_CONNECTOR, "no_connection_point", NO_CONNECTION_POINT,                                                        \
      "no connection point that reaches this endpoint is connected",                                                   \
      "check that a cmg-connector runs, can dial this gateway, and has the client certificate that it may need: cmg "  \
      "status")                                                                                                        \
    X(STALE_BUNDLE, "stale_bundle", STALE_BUNDLE, "the site has not been heard of for too long",                       \
      "check connector and management point")                                                                          \
    X(UPSTREAM_TIMEOUT, "timeout", UPSTREAM_TIMEOUT, "the server inside did not answer in time",                       \
      "check the server inside: it is up, but slow or stuck")                                                          \
    X(UPSTREAM_REFUSED, "refused", BAD_GATEWAY, "the server inside does not take connections",                         \
      "check that it runs and that the connector reaches it")                                                          \
    X(UPSTREAM_TLS, "tls", BAD_GATEWAY, "the server inside and the connector did not agree on TLS",                    \
      "check its certificate and its CA in the published endpoint")                                                    \
    X(UPSTREAM_NAME, "name", BAD_GATEWAY, "the server inside has a name that does not resolve",                        \
      "check the name in the published endpoint")                                                                      \
    X(UPSTREAM_TRUNCATED, "truncated", BAD_GATEWAY, "the server inside broke off before its answer",                   \
      "check the log of the server inside")                                                                            \
    X(UPSTREAM_PROTOCOL, "protocol", BAD_GATEWAY, "the server inside did not speak HTTP",                              \
      "check the URL in the published endpoint")                                                                       \
    X(UPSTREAM_CLIENT_CERTIFICATE, "client_certificate_required", CLIENT_CERTIFICATE_REQUIRED,                         \
      "the server inside demands a client certificate of the connector",                                               \
      "give it one and register it: cmg connector certificate ID FILE; cmg status tells what is wrong with it")

/* X(symbol, status, code) */
#define VERDICT_REFUSALS(X)                                                                                            \
    X(INVALID_CLIENT_CERTIFICATE, 401, "CMGService_Invalid_Client_Certificate")                                        \
    X(INVALID_TOKEN, 401, "CMGService_Invalid_Token")                                                                  \
    X(NOT_ALLOWED, 403, "CMGService_Not_Allowed")                                                                      \
    X(BAD_REQUEST, 400, "CMGService_Bad_Request")                                                                      \
    X(UNKNOWN_ENDPOINT, 404, "CMGService_Unknown_Endpoint")                                                            \
    X(METHOD_NOT_ALLOWED, 405, "CMGService_Method_Not_Allowed")                                                        \
    X(REQUEST_TIMEOUT, 408, "CMGService_Request_Timeout")                                                              \
    X(TARGET_TOO_LONG, 414, "CMGService_Too_Long")                                                                     \
    X(HEAD_TOO_LONG, 431, "CMGService_Too_Long")                                                                       \
    X(MISDIRECTED, 421, "CMGService_Misdirected")                                                                      \
    X(TOO_LARGE, 413, "CMGService_Too_Large")                                                                          \
    X(TOO_MANY_REQUESTS, 429, "CMGService_Too_Many_Requests")                                                          \
    X(UNSUPPORTED, 501, "CMGService_Not_Supported")                                                                    \
    X(VERSION_NOT_SUPPORTED, 505, "CMGService_Not_Supported")                                                          \
    X(NO_CONNECTION_POINT, 503, "CMGService_No_Connection_Point")                                                      \
    X(STALE_BUNDLE, 503, "CMGService_Stale_Bundle")                                                                    \
    X(UPSTREAM_TIMEOUT, 504, "CMGConnector_Timeout")                                                                   \
    X(BAD_GATEWAY, 502, "CMGConnector_BadGateway")                                                                     \
    X(CLIENT_CERTIFICATE_REQUIRED, 403, "CMGConnector_Clientcertificaterequired")

enum verdict_refusal {
#define VERDICT_X(symbol, status, code) REFUSAL_##symbol,
    VERDICT_REFUSALS(VERDICT_X)
#undef VERDICT_X
};

enum verdict_reason {
    REASON_OK = 0,
#define VERDICT_X(symbol, name, refusal, text, remedy) REASON_##symbol,
    VERDICT_REASONS(VERDICT_X)
#undef VERDICT_X
        REASON_COUNT
};

struct verdict_reason_info {
    const char *name; /* the word in `reason`; "ok" for REASON_OK */
    enum verdict_refusal refusal;
    const char *text;   /* what it means */
    const char *remedy; /* what an administrator does */
};

struct verdict_refusal_info {
    int status;
    const char *code; /* also the HTTP/1.1 reason phrase and CMG-Status-Text */
};

/* Never NULL for a valid symbol; for REASON_OK .refusal means nothing. */
const struct verdict_reason_info *verdict_reason_info(enum verdict_reason reason);
const struct verdict_refusal_info *verdict_refusal_info(enum verdict_refusal refusal);

/* Does it say nothing against the certificate, but that nobody could tell whether it was revoked? */
bool verdict_reason_lacks_list(enum verdict_reason reason);

/* It may be otherwise a few seconds later: Retry-After goes with it (PROTOCOL 6). */
bool verdict_refusal_passes(enum verdict_refusal refusal);
enum { VERDICT_RETRY_AFTER_S = 5 };

/* By refusal code and name, as a client reads them from a problem document; without a name (the answer was somebody
 * else's, and CMG-Status-Text all that there is) the only reason of this code. REASON_OK when unknown. */
enum verdict_reason verdict_reason_find(struct slice code, struct slice name);

#endif
