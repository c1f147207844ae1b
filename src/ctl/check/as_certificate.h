/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmg analyze --as-certificate FILE: a device's public certificate judged on the gateway itself. The site passes the
 * question on through the tunnel; no private key is needed, and none leaves the file.
 */
#ifndef CTL_CHECK_AS_CERTIFICATE_H
#define CTL_CHECK_AS_CERTIFICATE_H

#include "analyze/analyze.h"
#include "ctl/ctl.h"

enum { AS_CERTIFICATE_GATEWAYS_MAX = 16 };

struct as_certificate {
    const struct ctl_common *common;
    char *pem; /* the file's certificates alone, leaf first */
    char subject[256];
    struct {
        char id[64];
    } gateways[AS_CERTIFICATE_GATEWAYS_MAX]; /* those that are asked */
    size_t count;
    long timeout_ms;
    json_t *answers; /* so far */
    char *root_pem;  /* of the gateway's CA, as the site hands it to its devices; NULL: none */
};

/* Reads the file: PEM or DER, a chain's leaf first, at most 64 certificates and 128 KiB. R_INVALID, R_LIMIT, R_IO. */
MUST_USE enum result as_certificate_read(const char *path, struct as_certificate *ret, struct error *err);
void as_certificate_done(struct as_certificate *a);

/* Finds the site's gateways that `name` means: an id, or the address under which clients reach them; *ret gets that
 * address, a->root_pem what devices trust there. false: told already, *ret_exit is the exit code. */
MUST_USE bool as_certificate_gateways(struct as_certificate *a, const char *name, struct analyze_gateway *ret,
                                      int *ret_exit);

/* A step a gateway: an analyze_more_fn, `arg` is the struct as_certificate. */
void as_certificate_steps(void *arg, struct analyze_report *report, const struct analyze_watch *watch);

#endif
