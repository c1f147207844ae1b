/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS server in a thread for the client's tests: one request a connection, answered by a function. */
#ifndef TESTS_WEB_TLS_SERVER_H
#define TESTS_WEB_TLS_SERVER_H

#include <openssl/ssl.h>

#include "base/buf.h"

/* A request as it came; all borrowed for the time of the call. */
struct tls_server_request {
    struct slice verb, target, head, body; /* head: the field lines, each with its CRLF */
    X509 *peer;                            /* the client's certificate or NULL */
};

/* The value of a field, or .ptr NULL. */
struct slice tls_server_field(const struct tls_server_request *r, const char *name);

struct tls_server;
/* Listens on 127.0.0.1; `answer` appends a whole HTTP answer to *ret and runs in the server's thread. */
struct tls_server *tls_server_start(X509 *cert, EVP_PKEY *key,
                                    void (*answer)(void *arg, const struct tls_server_request *r, struct buf *ret),
                                    void *arg);
/* The same with a certificate made for 127.0.0.1, and good for an hour; *ret_pem is it, malloc'ed, to judge it by. */
struct tls_server *tls_server_start_self_signed(void (*answer)(void *arg, const struct tls_server_request *r,
                                                               struct buf *ret),
                                                void *arg, char **ret_pem);
/* From the next connection on it shows one more certificate, whose key is on a curve of its own (der/key.h). */
void tls_server_show_slow(struct tls_server *s);
unsigned tls_server_port(const struct tls_server *s);
void tls_server_end(struct tls_server *s); /* joins the thread */

#endif
