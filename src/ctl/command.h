/* SPDX-License-Identifier: Apache-2.0 */
/* A command of `cmg` as its table names it, and the tables: one a noun, defined where its commands are. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "base/host/opt.h"

struct ctl_request; /* request.h: commands that are one admin request */

/* argc/argv start behind the command's words. Returns an exit code (ctl.h). */
typedef int ctl_fn(int argc, char **argv);

/* What most commands are: their words parsed by a table of options, then run() with what was found. */
struct ctl_form {
    struct opt_command takes;
    size_t size;          /* of the options; their first member is struct ctl_common */
    const void *defaults; /* what they are before; NULL: zeros */
    int (*run)(const void *options, const char **args, size_t n); /* all borrowed; returns an exit code */
};

/* Rows of a noun's table; the rest is the command's struct opt_command. */
#define CTL_RUN_FROM(defaults_, run_, options_, ...)                                                                   \
    .form = &(const struct ctl_form)                                                                                   \
    {                                                                                                                  \
        .takes = {__VA_ARGS__}, .size = sizeof(options_), .defaults = (defaults_), .run = (run_)                       \
    }
#define CTL_RUN(run_, options_, ...) CTL_RUN_FROM(NULL, run_, options_, __VA_ARGS__)

/* One of the three is there. */
struct ctl_command {
    const char *words;   /* "token new" */
    const char *summary; /* one line */
    ctl_fn *run;         /* looks at its words itself */
    const struct ctl_request *request;
    const struct ctl_form *form;
};

/* A noun's commands; ends with NULL words. */
extern const struct ctl_command ctl_alerts_commands[], ctl_analyze_commands[], ctl_audit_commands[],
    ctl_backup_commands[], ctl_cert_commands[], ctl_choices_commands[], ctl_client_settings_commands[],
    ctl_collection_commands[], ctl_connector_commands[], ctl_content_commands[], ctl_device_commands[],
    ctl_endpoint_commands[], ctl_explain_commands[], ctl_foreign_commands[], ctl_gateway_commands[],
    ctl_inventory_commands[], ctl_keys_commands[], ctl_notify_commands[], ctl_plan_commands[], ctl_policy_commands[],
    ctl_settings_commands[], ctl_setup_commands[], ctl_site_commands[], ctl_source_commands[], ctl_tenant_commands[],
    ctl_token_commands[], ctl_trace_commands[], ctl_trust_commands[], ctl_wizard_commands[];

#endif
