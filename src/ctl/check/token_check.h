/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CTL_CHECK_TOKEN_CHECK_H
#define CTL_CHECK_TOKEN_CHECK_H

/* cmg token check (a ctl_fn). */
int ctl_token_check(int argc, char **argv);

#endif
