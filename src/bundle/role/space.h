/* SPDX-License-Identifier: Apache-2.0 */
/* How much room is left where a role, or the site, keeps what it knows: as reports and the status have it. */
#ifndef BUNDLE_ROLE_SPACE_H
#define BUNDLE_ROLE_SPACE_H

#include <jansson.h>

/* Puts "disk_free" and "disk_size" into *o: bytes, of the file system of `folder`; neither when it can't be told. */
void bundle_put_space(json_t *o, const char *folder);

#endif
