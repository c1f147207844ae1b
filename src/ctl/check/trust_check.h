/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CHECK_TRUST_CHECK_H
#define CTL_CHECK_TRUST_CHECK_H

#include "ctl/command.h"

extern const struct ctl_form ctl_trust_check; /* cmg trust check */

#endif
