/* SPDX-License-Identifier: Apache-2.0 */
/* What a failed verification was about, in words: whose certificate it was and who issued it. Who opens TLS on the way
 * is found by that issuer. */
#ifndef DER_JUDGED_H
#define DER_JUDGED_H

#include <openssl/ssl.h>

enum { DER_NAME_SIZE = 160, DER_JUDGED_SIZE = 480 };

/* By RFC 4514, cut; what could steer a terminal is escaped. */
void der_name_text(const X509_NAME *name, char ret[DER_NAME_SIZE]);

struct der_judged {
    char fault[DER_JUDGED_SIZE]; /* "… (certificate of '…', issued by '…')"; "": none */
    char issuer[DER_NAME_SIZE];  /* of the server's certificate, where the chain was good */
};

/* For a context of somebody else's making, such as libcurl's, which goes on to decide. Takes the context's app data;
 * *ret lives as long. */
void der_judged_note(SSL_CTX *context, struct der_judged *ret);

/* `what` went wrong with the peer's certificate by its user's words; *ret is made of both. */
void der_judged_text(const struct der_judged *j, const char *what, char ret[DER_JUDGED_SIZE]);

#endif
