/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of `cmg` share: the options that most of them have, and how a failure is told. Exit codes: 0 done,
 * 1 it failed or the answer is no, 2 wrong usage.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/host/opt.h"
#include "json/json.h"

enum ctl_exit { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

/* First member of every command's options. */
struct ctl_common {
    bool json;
    const char *socket; /* NULL: $CMG_ADMIN_SOCKET, else the default */
};

#define CTL_OPT_JSON(type)                                                                                             \
    {                                                                                                                  \
        .name = "json", .kind = OPT_FLAG, .offset = offsetof(type, common.json), .help = "print JSON"                  \
    }
#define CTL_OPT_SOCKET(type)                                                                                           \
    {                                                                                                                  \
        .name = "socket", .kind = OPT_TEXT, .offset = offsetof(type, common.socket), .value = "PATH",                  \
        .help = "admin socket of cmg-mp (default $CMG_ADMIN_SOCKET or " CTL_SOCKET_DEFAULT ")"                         \
    }
#define CTL_SOCKET_DEFAULT "/run/opencmg/admin.sock"
#define CTL_OPT_END                                                                                                    \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

/* The words of the command that runs, for the remedy that names its --help; set before it is started. */
extern const char *ctl_running;

/* --- a failure, for the one who typed the command --- */

struct ctl_fault {
    struct error what;
    char where[256];     /* the request or file; may be empty */
    char remedy[512];    /* may be empty */
    char code[64];       /* of the server's problem document; may be empty */
    char request_id[64]; /* of it; the server's log has it too */
    int status;          /* HTTP status; 0: none */
};

/* Prints it to standard error (as JSON when asked) and returns CTL_FAILED. */
int ctl_fail(const struct ctl_common *common, const struct ctl_fault *fault);
/* The same for a failure of our own: where and remedy may be NULL. */
int ctl_fail_error(const struct ctl_common *common, const struct error *err, const char *where, const char *remedy);

/* For a file that is to hold certificates. */
#define CTL_REMEDY_CERTIFICATE "give a file of certificates in PEM, as: openssl x509 -in FILE -out FILE.pem"

/* Parses options; false when the command ends here: *ret_exit is CTL_DONE after --help, CTL_USAGE after a fault. */
MUST_USE bool ctl_parse(const struct opt_command *cmd, int argc, char **argv, void *ret, const char ***ret_args,
                        size_t *ret_arg_count, int *ret_exit);
/* Prints a fault of usage; returns CTL_USAGE. */
int ctl_usage(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Numbers with a unit on the command line ("3d", "12h"); false and a usage message when malformed. */
MUST_USE bool ctl_duration(const char *option, const char *text, int64_t *ret);
/* ["pki", "token"] of an option's "pki,token" and its repetitions. */
json_t *ctl_words(const struct opt_list *list);

#endif
