/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options as tables: one declaration gives the parser, the checks and --help. GNU style (--name VALUE,
 * --name=VALUE); a "--" ends the options; options may stand behind positional arguments.
 */
#ifndef BASE_HOST_OPT_H
#define BASE_HOST_OPT_H

#include <stdio.h>

#include "base/error.h"
#include "base/slice.h"

enum opt_kind {
    OPT_FLAG,   /* bool: no value */
    OPT_TEXT,   /* const char *: borrowed from argv */
    OPT_NUMBER, /* uint64_t: decimal, with optional bounds min … max (max 0: none) */
    OPT_CHOICE, /* const char *: one of `choices`, written "a|b|c" */
    OPT_LIST,   /* struct opt_list: may repeat */
};

struct opt_list {
    const char *items[256]; /* borrowed from argv */
    size_t count;
};

struct opt {
    const char *name; /* without the dashes */
    enum opt_kind kind;
    size_t offset;       /* offsetof(struct of the caller, member) */
    const char *value;   /* what --help calls the value: "FILE" */
    const char *help;    /* one line */
    const char *choices; /* OPT_CHOICE: "https|ehttp" */
    uint64_t min, max;   /* OPT_NUMBER */
    bool required;
};

struct opt_command {
    const char *usage;      /* "cmg token new [options]" */
    const char *summary;    /* one line */
    const struct opt *opts; /* ends with a NULL name */
    size_t min_args, max_args;
};

/* Fills *ret_struct by the offsets, and args/arg_count with the positional arguments (borrowed from argv, which is
 * reordered; "-" is one). argv starts behind the command's own words. R_INVALID with what is wrong and what is
 * expected; R_EOF after --help or -h was asked for and printed to standard output. */
MUST_USE enum result opt_parse(const struct opt_command *cmd, int argc, char **argv, void *ret_struct,
                               const char ***ret_args, size_t *ret_arg_count, struct error *err);

void opt_help(const struct opt_command *cmd, FILE *out);

#endif
