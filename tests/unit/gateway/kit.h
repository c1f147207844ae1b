/* SPDX-License-Identifier: Apache-2.0 */
/* A judge without a gateway: a bundle from JSON, a trust in one root, one client that shows what a test gives it, and
 * hooks that write down what was wanted. No sockets, and the time is an argument. */
#ifndef TEST_GATEWAY_KIT_H
#define TEST_GATEWAY_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../jose/forge.h"
#include "../pki/maker.h"
#include "gateway/judge/authenticate.h"

#define KIT_GUID "6f1c0000-1111-4222-8333-44445555abcd"

struct kit {
    struct pair root, other_root, leaf, stranger; /* the trust knows `root`; `leaf` is below it, `stranger` is not */
    EVP_PKEY *token_key;
    struct jose_signer *signer; /* of the site LAB */
    struct pki_trust_options trusts;
    struct gateway_metrics metrics;
    struct snapshot snapshot;
    struct gateway_judge judge;
    struct judge_client client;
    struct arena *arena;
    struct http_request request;
    unsigned lists_wanted, keys_wanted, reviews;
    char key_source[64]; /* of the last one wanted */
    struct error detail;
    struct authentication who;
};

/* For cmocka: the state is a kit whose bundle is kit_bundle(k, ""), and whose client shows nothing. */
int kit_setup(void **state);
int kit_teardown(void **state);
/* What a gateway keeps until its process ends, and so has no end of its own: leak checkers find it here. */
void kit_keep(void *what);

/* Another bundle, of the next generation: the usual one with these members of JSON besides (",\"x\":…"). */
void kit_bundle(struct kit *k, const char *more);
json_t *kit_content(const struct kit *k, const char *more); /* of such a bundle, for who signs one */

void kit_show(struct kit *k, const struct pair *p); /* from now on the client shows this certificate; NULL: none */
void kit_field(struct kit *k, const char *name, const char *value);
void kit_token(struct kit *k, const struct token *t); /* in Authorization, in place of what was there */
struct token kit_device_token(const struct kit *k);   /* an access token of KIT_GUID, bound to what is shown */

/* Is the client let in at the endpoint of this id (NULL: the gateway's own)? By k->who, k->detail. */
enum verdict_reason kit_ask(struct kit *k, enum judge_route route, const char *endpoint);

long long kit_counted(const struct kit *k, enum gateway_metric which);
void kit_assert_reason(const struct kit *k, enum verdict_reason found, enum verdict_reason wanted);

#endif
