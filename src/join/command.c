/* SPDX-License-Identifier: Apache-2.0 */
/* From the options to the last line. */
#include "join/command.h"

#include <stdio.h>

#include "join/service.h"

bool join_parse(const struct opt_command *cmd, const char *program, int argc, char **argv, void *ret,
                const char ***ret_args, size_t *ret_count, int *ret_exit)
{
    struct error err;
    enum result r = opt_parse(cmd, argc, argv, ret, ret_args, ret_count, &err);
    *ret_exit = r == R_EOF ? 0 : JOIN_EXIT_USAGE;
    if (r != OK && r != R_EOF)
        (void)join_usage(program, &err);
    return r == OK;
}

int join_usage(const char *program, const struct error *err)
{
    (void)fprintf(stderr, "%s: %s\nremedy: %s join --help lists the options\n", program, err->text, program);
    return JOIN_EXIT_USAGE;
}

void join_finish(struct join_report *report, const struct join_options *o, const struct conf_daemon *daemon,
                 const struct join_place *p)
{
    static struct conf_faults faults;
    char by_hand[4400], unit[64];
    (void)snprintf(by_hand, sizeof by_hand, "%s --config %s", daemon->name, p->config);
    (void)snprintf(unit, sizeof unit, "%s.service", daemon->name);
    if (!conf_daemon_check(daemon, p->config, &faults)) {
        for (size_t i = 0; i < faults.count; i++)
            join_todo(report, "mend %s: %s", p->config, faults.list[i].text);
        join_todo(report, "then start it: %s", by_hand);
        return;
    }
    join_did(report, "Checked the configuration: no fault found");
    struct join_starter *starter = p->usual && !o->no_start ? join_starter_new(unit) : NULL;
    (void)join_starter_start(starter, report, by_hand);
    join_starter_free(starter);
}
