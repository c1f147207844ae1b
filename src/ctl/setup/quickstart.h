/* SPDX-License-Identifier: Apache-2.0 */
/* cmg quickstart: a whole evaluation site on loopback (SPEC 7). */
#ifndef CTL_SETUP_QUICKSTART_H
#define CTL_SETUP_QUICKSTART_H

#include "ctl/ctl.h"

/* Runs until SIGINT or SIGTERM (then CTL_DONE) or until a program ends (CTL_FAILED). `dir` NULL: a temporary folder,
 * removed at the end; `bin` NULL: where this program is; `store`: as cmg init takes it, NULL: SQLite. */
int ctl_quickstart(const struct ctl_common *common, const char *dir, const char *bin, const char *store);

/* Where the programs are: beside this one, or in a build folder's bin/; malloc'ed. */
char *quick_own_folder(void);

#endif
