/* SPDX-License-Identifier: Apache-2.0 */
/* Where a gateway's snapshots come to be, without a site: a state folder, a signer of bundles whose root is pinned, one
 * tunnel to the site (way.h), a loop and clocks that the test turns. */
#ifndef TEST_GATEWAY_HOME_H
#define TEST_GATEWAY_HOME_H

#include "../http/fake_clock.h"
#include "../http/fake_loop.h"
#include "gateway/snapshot/home.h"
#include "kit.h"
#include "way.h"

struct home {
    struct kit *k;
    struct loop *loop;
    char state[40];
    struct gateway_config config;
    struct tunnel inside; /* reaches the site */
    struct gateway_tunnels tunnels;
    struct snapshot_current current;
    struct snapshot_home home;
    EVP_PKEY *root_key, *sign_key;
    X509 *root;
    struct document_signer *signer;
    unsigned puts; /* snapshots that came in place */
};

/* For cmocka: the state is a home without a bundle. */
int home_setup(void **state);
int home_teardown(void **state); /* the folder goes, too */

void home_pass(struct home *h, uint64_t ms);

/* A bundle of the kit's content, malloc'ed. `crls`: JSON in place of its lists; NULL: as it is. */
char *home_sign(const struct home *h, int64_t sequence, const char *crls, const char *more);
/* The same by somebody who is not pinned. */
char *home_forge(const struct home *h, int64_t sequence);

bool home_has_file(const struct home *h, const char *name); /* in the state folder */
void home_write_file(const struct home *h, const char *name, const char *text);

#endif
