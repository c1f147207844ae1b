/* SPDX-License-Identifier: Apache-2.0 */
/* cmg trust add-foreign|list-foreign|remove-foreign (foreign.c), among the commands of cmg trust. */
#ifndef CTL_NOUN_FOREIGN_H
#define CTL_NOUN_FOREIGN_H

#include "ctl/ctl.h"

extern const struct ctl_command ctl_foreign_commands[];

#endif
