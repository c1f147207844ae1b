/* SPDX-License-Identifier: Apache-2.0 */
/* What to do about single causes, where the remedy of the reason (verdict/reason.h) would lead astray. A verdict
 * carries the text of one, or NULL for its reason's. */
#ifndef VERDICT_REMEDY_H
#define VERDICT_REMEDY_H

#include "verdict/reason.h"

/* X(symbol, reason, when, remedy) */
#define VERDICT_REMEDIES(X)                                                                                            \
    /* of a client certificate */                                                                                      \
    X(CERTIFICATES_ALONE, CERT_MISSING, "the endpoint takes certificates alone",                                       \
      "present a client certificate of the organisation's PKI")                                                        \
    X(EITHER_BY_HOST, CERT_MISSING, "it is published by host",                                                         \
      "present a client certificate of the organisation's PKI, or send a token in CMG-Authorization: Bearer")          \
    X(ENDPOINT_ANCHORS, CERT_UNTRUSTED_ROOT, "the endpoint's own list leaves its root out",                            \
      "add its root to the endpoint's list: cmg endpoint set ID --client-anchors LIST, all of them as cmg trust list " \
      "names them; or present a certificate below one of those")                                                       \
    X(KEY_USAGE, CERT_WRONG_USAGE, "its key is for encryption alone",                                                  \
      "issue one whose key usage has digitalSignature (or keyAgreement): a key for encryption alone proves "           \
      "nothing in TLS")                                                                                                \
    X(ISSUER_USAGE, CERT_WRONG_USAGE, "an issuer's usages leave clientAuth out",                                       \
      "let devices be issued by a CA whose own extended key usage holds clientAuth, or that has none")                 \
    X(CRITICAL_EXTENSION, CERT_CONSTRAINT_VIOLATED, "a critical extension is not known",                               \
      "issue the certificate that the detail names without this extension, or with it not critical")                   \
    X(FORM, CERT_CONSTRAINT_VIOLATED, "its form is wrong",                                                             \
      "issue the certificate that the detail names anew, in the form that the clause there asks for")                  \
    X(NO_SIGNER, CERT_CONSTRAINT_VIOLATED, "a device's certificate may sign others",                                   \
      "issue the device one without keyCertSign in its key usage: it is no CA")                                        \
    X(REGISTRATION_CERTIFICATE, CERT_INCOMPLETE_CHAIN, "it is of MS-Organization-Access",                              \
      "this is the certificate of the registration with Microsoft Entra, which is not for gateways: let the"           \
      " device choose the organisation's own: cmg-client set CertIssuers=NAME, the common name of its CA")             \
    X(LIST_SCOPE, CERT_CRL_UNAVAILABLE, "the list is of another scope",                                                \
      "give the CA's complete list, or the one of the scope that the detail names: cmg trust add --crl FILE")          \
    X(LIST_REASONS, CERT_CRL_UNAVAILABLE, "the lists leave reasons out",                                               \
      "give the CA's lists of the other reasons, too: cmg trust add --crl FILE")                                       \
    X(LIST_KEY, CERT_CRL_UNAVAILABLE, "the list is signed by another key",                                             \
      "give the list that the issuer's key signed: cmg trust add --crl FILE; or a good certificate of the "            \
      "key that signed it: cmg trust add --intermediate FILE")                                                         \
    X(LIST_BEGINS, CERT_CRL_UNAVAILABLE, "the list has not begun", "check the clocks of the CA and the gateway")       \
    X(LIST_UNUSABLE, CERT_CRL_UNAVAILABLE, "the list can't be used",                                                   \
      "let the CA mend in its list what the detail names (a weak key or hash, a form), and give the new "              \
      "one: cmg trust add --crl FILE")                                                                                 \
    /* of a token */                                                                                                   \
    X(TOKENS_ALONE, TOKEN_MISSING, "the endpoint takes tokens alone", "send Authorization: Bearer")                    \
    X(TOKEN_BY_HOST, TOKEN_MISSING, "it is published by host", "send a token in CMG-Authorization: Bearer")            \
    X(TWO_FIELDS, TOKEN_MISSING, "the field came twice", "send the field that the detail names once, with one token")  \
    X(ALGORITHM, TOKEN_MALFORMED, "the signature's algorithm is not taken",                                            \
      "let the issuer sign by one that is taken, or take this one for the tenant: cmg tenant add ID "                  \
      "--algorithms LIST, with its other options as cmg tenant list shows them")                                       \
    X(NO_ISSUER, TOKEN_MALFORMED, "it names no issuer",                                                                \
      "ask for a token that names its issuer (claim 'iss'): by it the keys are found")                                 \
    X(KEY_DROPPED, TOKEN_UNKNOWN_KEY, "its key is in the set, and is of no use",                                       \
      "let the issuer publish a key without what the detail names, and sign with that one")                            \
    X(AUDIENCE, TOKEN_WRONG_AUDIENCE, "it is for another audience",                                                    \
      "ask for a token for the audience that the detail expects, or take this one for the tenant: cmg "                \
      "tenant add ID --audience TEXT, with its other options as cmg tenant list shows them")                           \
    X(NO_DEVICE, TOKEN_WRONG_PURPOSE, "a tenant's token names nobody",                                                 \
      "register the device with the provider, so that its tokens name it; or say which claim does: cmg "               \
      "tenant add ID --device-claim NAME, with its other options as cmg tenant list shows them")                       \
    X(TENANT_TOKEN, TOKEN_WRONG_PURPOSE, "a tenant's token is used for more than registering",                         \
      "use it to register and at CCM_STS, and what these give for the rest")                                           \
    X(FOREIGN_ENDPOINT, TOKEN_WRONG_PURPOSE, "a foreign site's token opens other endpoints",                           \
      "ask for one of the endpoints that the detail names, or let these tokens open more: cmg trust add-"              \
      "foreign --help")

enum verdict_remedy {
#define VERDICT_X(symbol, reason, when, remedy) REMEDY_##symbol,
    VERDICT_REMEDIES(VERDICT_X)
#undef VERDICT_X
        REMEDY_COUNT
};

struct verdict_remedy_info {
    enum verdict_reason reason;
    const char *when, *text; /* constants */
};

const struct verdict_remedy_info *verdict_remedy_info(enum verdict_remedy remedy);
const char *verdict_remedy(enum verdict_remedy remedy); /* its text */
/* Is this text what one is to do about a cause of this reason? */
bool verdict_remedy_known(enum verdict_reason reason, const char *text);

#endif
