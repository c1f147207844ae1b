/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a gateway or connector lives on its machine: its configuration, bootstrap file and state. Its service's user is
 * the owner of the state folder, and gets what it must read. Usually below /etc/opencmg and /var/lib; with a folder of
 * one's own all of it there, for trials without root.
 */
#ifndef JOIN_PLACE_H
#define JOIN_PLACE_H

#include <sys/stat.h>

#include <openssl/evp.h>

#include "join/report.h"

#define JOIN_DIR_DEFAULT "/etc/opencmg"

struct join_place {
    const char *kind;                               /* "connector" */
    char *dir;                                      /* absolute */
    char *config, *bootstrap, *state, *pending_key; /* the last one: of a machine that asks, until it is answered */
    bool usual;                                     /* not a folder of one's own */
};

/* `dir` NULL: the usual one. In another's folder root becomes that one for good, who could put links to root's files
 * there. Makes the folders that are missing. R_CONFLICT: there is a bootstrap file already;
 * R_DENIED: it may not write there. */
MUST_USE enum result join_place_open(struct join_report *report, const char *kind, const char *dir,
                                     struct join_place *ret, struct error *err);
void join_place_free(struct join_place *p);

/* The machine's own new key: kept until join_place_keep, so that who was stopped between the site's answer and its
 * keeping goes on with the same one. The caller EVP_PKEY_free()s it. */
MUST_USE enum result join_place_key(const struct join_place *p, EVP_PKEY **ret, struct error *err);
/* The bootstrap file, 0600, of the service's user. */
MUST_USE enum result join_place_keep(struct join_report *report, const struct join_place *p, const char *bootstrap,
                                     struct error *err);
/* A configuration of this text, unless there is one: then says what belongs into it. */
MUST_USE enum result join_place_configure(struct join_report *report, const struct join_place *p, const char *text,
                                          struct error *err);
/* May the service's user read this file? Says what to do if not. */
bool join_place_readable(struct join_report *report, const struct join_place *p, const char *path);
/* The same by who they belong to; `state` is the folder of the service's user, with its main group. */
bool join_place_may_read(const struct stat *file, const struct stat *state);

#endif
