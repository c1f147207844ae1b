/* SPDX-License-Identifier: Apache-2.0 */
/* A command of `cmg` as its table names it, and the tables: one a noun, defined where its commands are. */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

struct ctl_request; /* request.h: commands that are one admin request */

/* argc/argv start behind the command's words. Returns an exit code (ctl.h). */
typedef int ctl_fn(int argc, char **argv);

struct ctl_command {
    const char *words;   /* "token new" */
    const char *summary; /* one line */
    ctl_fn *run;         /* or … */
    const struct ctl_request *request;
};

/* A noun's commands; ends with NULL words. */
extern const struct ctl_command ctl_analyze_commands[], ctl_audit_commands[], ctl_cert_commands[],
    ctl_choices_commands[], ctl_client_settings_commands[], ctl_collection_commands[], ctl_connector_commands[],
    ctl_device_commands[], ctl_endpoint_commands[], ctl_explain_commands[], ctl_foreign_commands[],
    ctl_gateway_commands[], ctl_keys_commands[], ctl_plan_commands[], ctl_policy_commands[], ctl_settings_commands[],
    ctl_setup_commands[], ctl_site_commands[], ctl_source_commands[], ctl_tenant_commands[], ctl_token_commands[],
    ctl_trust_commands[];

#endif
