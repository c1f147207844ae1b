/* SPDX-License-Identifier: Apache-2.0 */
/* A receiver's secret, sealed and bound to where it is sent. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mp/watch/alerts.h"
#include "mp/watch/seal.h"

/* All that says to whom, and how, the secret is shown. NULL: too long. */
static struct slice what_for(struct arena *a, const struct store_receiver *x)
{
    return arena_printf(a, "%s\n%s\n%s\n%s\n%s\n%d\n%s", x->id, x->kind, x->url, x->auth, x->user, x->plain, x->ca_pem);
}

enum { WHAT_MAX = 256 * 1024 };

enum result mp_receiver_seal(const struct mp_keys *k, struct arena *a, struct store_receiver *x, const char *secret,
                             struct error *err)
{
    char *sealed;
    x->secret = "";
    if (!secret || !*secret)
        return OK;
    struct slice what = what_for(a, x);
    enum result r = what.ptr ? mp_seal(k, what, slice_of(secret), &sealed, err)
                             : error_set(err, R_LIMIT, "the receiver is larger than may be kept");
    if (r != OK)
        return r;
    x->secret = arena_dup(a, slice_of(sealed)).ptr;
    free(sealed);
    return x->secret ? OK : error_set(err, R_LIMIT, "the receiver is larger than may be kept");
}

enum result mp_receiver_open(const struct mp_keys *k, const struct store_receiver *x, struct notify_receiver *ret,
                             struct error *err)
{
    char *secret = NULL;
    *ret = (struct notify_receiver){.kind = x->kind,
                                    .url = x->url,
                                    .ca_pem = x->ca_pem,
                                    .auth = x->auth,
                                    .user = x->user,
                                    .from = x->from,
                                    .to = x->to,
                                    .plain = x->plain};
    struct arena *a = arena_new(WHAT_MAX);
    struct slice what = what_for(a, x);
    enum result r = OK;
    if (*x->secret)
        r = what.ptr ? mp_unseal(k, what, slice_of(x->secret), &secret, err)
                     : error_set(err, R_LIMIT, "the receiver is larger than may be kept");
    arena_free(a);
    ret->secret = secret ? secret : mem_strdup("");
    return r;
}

void mp_receiver_close(struct notify_receiver *x)
{
    char *secret = (char *)(uintptr_t)x->secret;
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
    x->secret = NULL;
}
