/* SPDX-License-Identifier: Apache-2.0 */
/* A table of the process that forgets by being overwritten: a missing pair is verified again. Under one lock. */
#include "pki/path/proof.h"

#include <pthread.h>
#include <string.h>

enum { PLACES = 16384 /* half a megabyte, once they are used */ };

static unsigned char places[PLACES][PKI_SHA256];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A hash spreads evenly; nobody can choose one for a signature that is right. */
static unsigned char *place_of(const unsigned char pair[PKI_SHA256])
{
    return places[((size_t)pair[0] << 8 | pair[1]) % PLACES];
}

bool pki_proof_known(const unsigned char pair[PKI_SHA256])
{
    (void)pthread_mutex_lock(&lock);
    bool ret = memcmp(place_of(pair), pair, PKI_SHA256) == 0;
    (void)pthread_mutex_unlock(&lock);
    return ret;
}

void pki_proof_keep(const unsigned char pair[PKI_SHA256])
{
    (void)pthread_mutex_lock(&lock);
    memcpy(place_of(pair), pair, PKI_SHA256);
    (void)pthread_mutex_unlock(&lock);
}
