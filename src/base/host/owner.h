/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root beside daemons that are not root: whose a folder is, and what root makes there must be. Who calls these without
 * being root, or names a folder that is root's or is not there, changes nothing.
 */
#ifndef BASE_HOST_OWNER_H
#define BASE_HOST_OWNER_H

#include "base/error.h"

/* Gives the file or folder `path` (no link is followed) to the owner of the folder `as`. */
MUST_USE enum result owner_give(const char *path, const char *as, struct error *err);

/* `path` stays root's, but is of the group of the folder `as` from now on. */
MUST_USE enum result owner_give_group(const char *path, const char *as, struct error *err);

/* This process becomes the owner of the folder for good, with the owner's groups: root need not fear what stands in a
 * folder that is another's, and leaves nothing there that the other can't read. Before threads are started. */
MUST_USE enum result owner_become(const char *folder, struct error *err);

/* The same for a folder that somebody named, or the nearest above it that is there: whoever is not root and can put
 * something else in the place of a part of its path is whom this process becomes; where nobody can, it stays root. */
MUST_USE enum result owner_become_along(const char *folder, struct error *err);

/* This process acts as the owner of the folder until owner_return(): whom a database knows, and whose the files are
 * that it makes. */
MUST_USE enum result owner_act_as(const char *folder, struct error *err);
void owner_return(void);

#endif
