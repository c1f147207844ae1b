/* SPDX-License-Identifier: Apache-2.0 */
/* The structured fields (RFC 8941) of a message signature, as far as ours need them: of this folder only. */
#ifndef JOSE_HTTPSIG_SIGPARSE_H
#define JOSE_HTTPSIG_SIGPARSE_H

#include "base/error.h"
#include "base/slice.h"

enum { SIGPARSE_COMPONENTS = 3, SIGPARSE_PARAMS = 5, SIGPARSE_FIELD_MAX = 8192 };

enum sigparse_component { SIG_METHOD, SIG_TARGET, SIG_DIGEST };
enum sigparse_param { SIG_CREATED, SIG_NONCE, SIG_KEYID, SIG_ALG, SIG_TAG };

/* The value of the member `cmg`, in the order of the sender: the signature covers that order (RFC 9421 2.5). */
struct sigparse_input {
    enum sigparse_component components[SIGPARSE_COMPONENTS];
    enum sigparse_param params[SIGPARSE_PARAMS];
    struct slice text[SIGPARSE_PARAMS]; /* by enum sigparse_param; borrowed; not for SIG_CREATED */
    int64_t created;
};

const char *sigparse_component_name(enum sigparse_component c);
const char *sigparse_param_name(enum sigparse_param p);

/* Signature-Input: exactly one member `cmg`, each component and each parameter exactly once, no others. R_INVALID. */
MUST_USE enum result sigparse_input(struct slice field, struct sigparse_input *ret, struct error *err);

/* A dictionary of exactly one byte sequence: `<name>=:<base64>:`. Writes at most `size` bytes. R_INVALID. */
MUST_USE enum result sigparse_bytes(struct slice field, const char *name, void *ret, size_t size, size_t *ret_len,
                                    struct error *err);

#endif
