/* SPDX-License-Identifier: Apache-2.0 */
/* The files of an https management point's server certificate: the context they give, and what is wrong with them. */
#ifndef MP_CERTIFICATE_FILES_H
#define MP_CERTIFICATE_FILES_H

#include "mp/config.h"
#include "tls/context.h"
#include "tls/identity_file.h"

/* A server that asks for a client certificate and speaks HTTP/2 and HTTP/1.1. */
MUST_USE enum result mp_certificate_context(const struct tls_identity_text *text, struct tls_context **ret,
                                            struct error *err);

/* Tries the files: a fault when no server can start with them, a warning for each thing that connectors and devices
 * hold against them. */
void mp_certificate_check(const struct mp_config_point *p, struct conf_faults *faults);

/* The anchors that connectors judge it by: all files, malloc'ed. */
MUST_USE enum result mp_certificate_anchors(const struct mp_config_point *p, char **ret, struct error *err);

#endif
