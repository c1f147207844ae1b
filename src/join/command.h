/* SPDX-License-Identifier: Apache-2.0 */
/* What `join` of gateway and connector share on the command line, and how both end. */
#ifndef JOIN_COMMAND_H
#define JOIN_COMMAND_H

#include "base/host/opt.h"
#include "conf/daemon.h"
#include "join/place.h"

struct join_options {
    const char *file, *dir;
    bool no_start, json;
};

#define JOIN_OPTS(type, member)                                                                                        \
    {.name = "file",                                                                                                   \
     .kind = OPT_TEXT,                                                                                                 \
     .offset = offsetof(type, member.file),                                                                            \
     .value = "FILE",                                                                                                  \
     .help = "the join string is in this file (- for standard input), where others on the machine don't see it"},      \
        {.name = "dir",                                                                                                \
         .kind = OPT_TEXT,                                                                                             \
         .offset = offsetof(type, member.dir),                                                                         \
         .value = "DIR",                                                                                               \
         .help = "keep everything in this folder and start no service: for a trial, without root"},                    \
        {.name = "no-start",                                                                                           \
         .kind = OPT_FLAG,                                                                                             \
         .offset = offsetof(type, member.no_start),                                                                    \
         .help = "don't start the service"},                                                                           \
    {                                                                                                                  \
        .name = "json", .kind = OPT_FLAG, .offset = offsetof(type, member.json), .help = "print JSON"                  \
    }

/* False: it ends here with *ret_exit. */
MUST_USE bool join_parse(const struct opt_command *cmd, const char *program, int argc, char **argv, void *ret,
                         const char ***ret_args, size_t *ret_count, int *ret_exit);

/* Tells what is wrong with the options; the exit code. */
int join_usage(const char *program, const struct error *err);

/* Checks the configuration as --check-config does, and starts the service if nothing is wrong with it. */
void join_finish(struct join_report *report, const struct join_options *o, const struct conf_daemon *daemon,
                 const struct join_place *p);

#endif
