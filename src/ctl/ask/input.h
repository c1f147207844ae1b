/* SPDX-License-Identifier: Apache-2.0 */
/* The inputs of choices_check() as words of a command line: one table for all commands that take them. */
#ifndef CTL_ASK_INPUT_H
#define CTL_ASK_INPUT_H

#include "choices/choices.h"

struct ctl_input {
    const char *name;                                           /* "crl-check" */
    const char *values;                                         /* "on|off" */
    bool (*set)(struct choices_question *q, struct slice text); /* false: none of the values */
};

enum { CTL_INPUT_WORDS = 96 };
void ctl_input_values(const struct ctl_input *input, char ret[CTL_INPUT_WORDS]); /* "on, off" */

/* NULL: there is no such input. */
const struct ctl_input *ctl_input_find(const char *name);

#endif
