/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CHECK_TRUST_CHECK_H
#define CTL_CHECK_TRUST_CHECK_H

int ctl_trust_check(int argc, char **argv); /* "trust check" */

#endif
