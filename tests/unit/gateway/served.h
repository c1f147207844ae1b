/* SPDX-License-Identifier: Apache-2.0 */
/* Server certificates in files of a folder of their own, and the configuration that names them. */
#ifndef TEST_GATEWAY_SERVED_H
#define TEST_GATEWAY_SERVED_H

#include "../pki/maker.h"
#include "gateway/config.h"

enum { SERVED_MAX = 20 };

struct served {
    char folder[40];
    struct pair root, pairs[SERVED_MAX];
    char *certificates[SERVED_MAX], *keys[SERVED_MAX]; /* paths */
    struct tls_identity_files files[SERVED_MAX];
    struct gateway_config config; /* names those that were added */
};

void served_init(struct served *s);
void served_done(struct served *s); /* and the folder is gone */

/* One more: for these names ("DNS:a,DNS:b"), with a key of this kind (maker.h), until then (0: NOW + 30 days). */
void served_add(struct served *s, const char *names, const char *key, int64_t to);
/* Another one in the same files. */
void served_renew(struct served *s, size_t i, const char *names, int64_t to);
void served_spoil(struct served *s, size_t i); /* what is in the file is no certificate */

#endif
