/* SPDX-License-Identifier: Apache-2.0 */
/* The command line that every daemon shares: --config, --check-config, --reference, --version, --help. */
#ifndef CONF_DAEMON_H
#define CONF_DAEMON_H

#include "conf/log_keys.h"

struct conf_daemon;

/* A first word that is no option, such as "join": what it does instead of running. `argv` stands behind it; the exit
 * code. */
struct conf_daemon_word {
    const char *name;
    const char *usage; /* a line of --help: "join STRING   (joins a site: join --help)"; NULL: not for people */
    int (*run)(const struct conf_daemon *d, int argc, char **argv);
};

struct conf_daemon {
    const char *name, *summary;
    const char *default_config;
    /* Reads and checks the configuration into memory of the program's own. */
    enum result (*load)(const char *path, struct conf_faults *faults);
    /* What --check-config looks at besides, on what was loaded, whole or in part; NULL: nothing. May print to standard
     * output. */
    void (*check)(struct conf_faults *faults);
    /* Does what is configured fit into so many descriptors? Not: a fault for --check-config, a warning at the start. */
    enum result (*fits)(uint64_t descriptors, struct error *err);
    void (*reference)(FILE *out);
    const struct conf_log *(*log)(void);  /* of what was loaded */
    const bool *sandboxed;                /* of what was loaded */
    void (*needs)(struct sandbox *s);     /* names what run() reaches of the configuration */
    int (*run)(void);                     /* the exit code; in the sandbox */
    const struct conf_daemon_word *words; /* end with a NULL name; NULL: none */
};

/* How many descriptors this process may have (its hard limit). */
uint64_t conf_descriptors(void);

/* Exit codes: that of run(); 0 after --help, --version, --reference and a --check-config without a fault; 1 with
 * faults; 2 usage. */
int conf_daemon_main(const struct conf_daemon *d, int argc, char **argv);

/* All that --check-config looks at, but for what it prints: into *faults. False: there are faults. */
bool conf_daemon_check(const struct conf_daemon *d, const char *path, struct conf_faults *faults);

/* Its start has failed: told in the log, and at the terminal too where the log is a file. Returns the exit code. */
int conf_daemon_failed(const char *component, const struct error *err);

/* SIGUSR1: the log says debug lines, too; the next one: no longer. A loop's callback; the argument is not looked at. */
void conf_daemon_toggle_debug(void *unused);

/* What SIGHUP asks of every daemon: the log's file is opened anew, so that it can be rotated. */
void conf_daemon_hangup(const char *component);

#endif
