/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the commands of `cmg` share: the table that maps words to functions, the options that most of them have, and
 * how a failure is told. Exit codes: 0 done, 1 it failed or the answer is no, 2 wrong usage.
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

struct ctl_request; /* request.h: commands that are one admin request */

/* argc/argv start behind the command's words. Returns an exit code. */
typedef int ctl_fn(int argc, char **argv);

struct ctl_command {
    const char *words;   /* "token new" */
    const char *summary; /* one line */
    ctl_fn *run;         /* or … */
    const struct ctl_request *request;
};

/* A noun's commands; ends with NULL words. */
extern const struct ctl_command ctl_analyze_commands[], ctl_cert_commands[], ctl_choices_commands[],
    ctl_connector_commands[], ctl_device_commands[], ctl_endpoint_commands[], ctl_gateway_commands[],
    ctl_explain_commands[], ctl_plan_commands[], ctl_policy_commands[], ctl_settings_commands[], ctl_setup_commands[],
    ctl_site_commands[], ctl_source_commands[], ctl_tenant_commands[], ctl_keys_commands[], ctl_token_commands[],
    ctl_trust_commands[];

extern const struct ctl_command ctl_client_settings_commands[], ctl_collection_commands[];

/* Runs the command that argv (without the program's name) names. */
int ctl_main(int argc, char **argv);

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
