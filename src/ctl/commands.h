/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands and the way from a command line to one of them. */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

/* Runs the command that argv (without the program's name) names; returns an exit code (ctl.h). May reorder argv. */
int ctl_main(int argc, char **argv);

#endif
