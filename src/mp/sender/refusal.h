/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the management point refuses: its codes (`MP_…`, docs/protocol/wire.md 6) beside the reasons that it shares with
 * the gateway (verdict/reason.h). A reason's word means the same wherever it is said.
 */
#ifndef MP_SERVER_REFUSAL_H
#define MP_SERVER_REFUSAL_H

#include "verdict/reason.h"

/* X(symbol, status, code, reason, text, remedy) */
#define MP_REFUSALS(X)                                                                                                 \
    X(BAD_REQUEST, 400, "MP_Bad_Request", "bad_request", "the request is malformed", "correct what the detail names")  \
    X(NO_IDENTITY, 401, "MP_Not_Authenticated", "no_identity", "the request proves nobody's identity",                 \
      "come through a gateway, or present a client certificate or token here")                                         \
    X(SIGNATURE_MISSING, 401, "MP_Bad_Signature", "signature_missing", "the request is not signed",                    \
      "sign it with the device's key (RFC 9421)")                                                                      \
    X(SIGNATURE_WRONG, 401, "MP_Bad_Signature", "signature_wrong",                                                     \
      "the request's signature is not one of the device's key over this request", "sign it with the registered key")   \
    X(CLOCK_SKEW, 401, "MP_Bad_Signature", "clock_skew", "the signature was made too long ago or in the future",       \
      "sign again with the time in Date; set the device's clock")                                                      \
    X(NONCE_REUSED, 401, "MP_Bad_Signature", "nonce_reused", "this signature was used before",                         \
      "sign each request anew, with a nonce of its own")                                                               \
    X(NOT_REGISTERED, 403, "MP_Not_Registered", "not_registered", "the site has no record of this device",             \
      "register it: cmg-client register")                                                                              \
    X(APPROVAL_PENDING, 403, "MP_Not_Allowed", "approval_pending", "the device waits for approval at the site",        \
      "see why: cmg device list; then cmg device approve GUID")                                                        \
    X(CLONED, 403, "MP_Not_Allowed", "cloned", "the key of this device is registered with another hardware id",        \
      "register the copy anew with a key of its own: remove its state folder, then cmg-client register; if it is the " \
      "same machine with other hardware: cmg device approve GUID")                                                     \
    X(TOO_MANY_WAIT, 429, "MP_Too_Many_Requests", "too_many_wait", "too many devices wait for approval",               \
      "approve or remove those that wait: cmg device list, cmg device remove --pending --older-than 1h")               \
    X(TOKEN_USED_UP, 403, "MP_Not_Allowed", "token_used_up", "the bulk token was used as often as it may be",          \
      "make another: cmg token new --uses N")                                                                          \
    X(TOKEN_OUT_OF_SCOPE, 403, "MP_Not_Allowed", "token_out_of_scope", "the bulk token is not for this device",        \
      "make one for it: cmg token new --network NETWORK --name PATTERN")                                               \
    X(RENEWAL_LIMIT, 429, "MP_Too_Many_Requests", "renewal_limit", "the device token was renewed too often today",     \
      "wait a day; if it never gets its new token, look at its state folder")                                          \
    X(CERTIFICATE_MISMATCH, 403, "MP_Not_Allowed", "certificate_mismatch",                                             \
      "the certificate to register is not the one presented", "register with the certificate that TLS shows")          \
    X(NOT_A_CONNECTOR, 403, "MP_Not_Allowed", "not_a_connector", "only the site's connectors may ask this",            \
      "use a connector's role certificate: cmg connector add")                                                         \
    X(RENEWAL_REFUSED, 403, "MP_Not_Allowed", "renewal_refused",                                                       \
      "the role certificate is not renewed for whoever asks", "cmg gateway add, or cmg connector add, with --renew")   \
    X(JOIN_REFUSED, 403, "MP_Not_Allowed", "join_refused", "this join string does not count, or does no longer",       \
      "make another: cmg connector add ID --join, or cmg gateway add ID --host NAME --join; the log of cmg-mp says "   \
      "why")                                                                                                           \
    X(UNKNOWN_PATH, 404, "MP_Not_Found", "not_found", "there is nothing at this path",                                 \
      "correct the path; use clients of the version of cmg-mp")                                                        \
    X(NOT_BROUGHT, 404, "MP_Not_Found", "not_found", "no policy of this device brings such a file",                    \
      "have the administrator see which policies reach it: cmg policy resultant DEVICE")                               \
    X(CONTENT_GONE, 404, "MP_Not_Found", "not_found", "the file is not in this management point's library",            \
      "add the content again on this machine: cmg content add")                                                        \
    X(BAD_METHOD, 405, "MP_Method_Not_Allowed", "method", "this method does not work here",                            \
      "use one of those in Allow")                                                                                     \
    X(CONFLICT, 409, "MP_Conflict", "conflict", "this contradicts what is there already",                              \
      "remove or rename what the detail names")                                                                        \
    X(TOO_LARGE, 413, "MP_Too_Large", "too_large", "the request's body is too large",                                  \
      "send less at once: uploads go in chunks of at most 1 MiB")                                                      \
    X(BODIES_OF_ONE, 429, "MP_Too_Many_Requests", "too_many_bodies",                                                   \
      "the sender's requests that are not complete hold too much memory",                                              \
      "send fewer at once, and each one whole; try again in a few seconds")                                            \
    X(BODIES_OF_ALL, 503, "MP_Busy", "no_room_for_bodies", "all requests that are not complete hold too much memory",  \
      "try again in a few seconds")                                                                                    \
    X(ANSWERS_OF_ONE, 429, "MP_Too_Many_Requests", "too_many_answers",                                                 \
      "answers that the sender has not taken hold too much memory",                                                    \
      "take the answers that are under way first; try again in a few seconds")                                         \
    X(ANSWERS_OF_ALL, 503, "MP_Busy", "no_room_for_answers", "all answers that were not taken hold too much memory",   \
      "try again in a few seconds")                                                                                    \
    X(TIME_OF_ONE, 429, "MP_Too_Many_Requests", "too_many_requests",                                                   \
      "the sender's requests take too much of the management point's time",                                            \
      "ask less often; try again in a few seconds")                                                                    \
    X(INTERNAL, 500, "MP_Internal", "internal", "the management point has a fault of its own",                         \
      "see the log of cmg-mp for this request_id")                                                                     \
    X(NOT_SUPPORTED, 501, "MP_Not_Supported", "not_supported", "this version does not do this yet",                    \
      "use what this version has, or update cmg-mp")                                                                   \
    X(BUSY, 503, "MP_Busy", "busy", "the store is busy",                                                               \
      "try again in a few seconds; if it persists, see the log of cmg-mp")

enum mp_refusal {
#define MP_X(symbol, status, code, reason, text, remedy) MP_REFUSAL_##symbol,
    MP_REFUSALS(MP_X)
#undef MP_X
        MP_REFUSAL_COUNT
};

struct mp_refusal_info {
    int status;
    const char *code, *reason, *text, *remedy;
};
const struct mp_refusal_info *mp_refusal_info(enum mp_refusal refusal);

/* The same for a reason shared with the gateway: its word, text and remedy under a code of the management point. */
struct mp_refusal_info mp_refusal_of_verdict(enum verdict_reason reason);

#endif
