/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `cmg quickstart` share: quickstart.c runs the programs, quick_site.c makes the site, quick_report.c
 * tells what there is. */
#ifndef CTL_SETUP_QUICK_H
#define CTL_SETUP_QUICK_H

#include "ctl/ctl.h"
#include "ctl/setup/ports.h"
#include "loop/loop.h"

enum quick_program_id { QUICK_MP, QUICK_GATEWAY, QUICK_CONNECTOR, QUICK_PROGRAMS };
enum quick_port { PORT_HTTPS, PORT_EHTTP, PORT_GATEWAY, PORT_ADMIN, QUICK_PORTS };

struct quick_program {
    const char *name; /* "cmg-mp" */
    const char *config, *log;
    struct loop_child *child; /* NULL: not started */
    int code;
    bool ended;
};

struct quick {
    const struct ctl_common *common;
    char *dir, *bin, *socket_dir; /* absolute; socket_dir NULL: the socket is in dir */
    const char *store;            /* as cmg init takes it; NULL: SQLite */
    bool resumed;                 /* the site was there already */
    bool ready, ending, hurried;
    bool retry; /* a port was taken from us */
    struct port ports[QUICK_PORTS];
    json_t *report; /* what is printed once all is ready, kept as dir/quickstart.json */
    struct quick_program programs[QUICK_PROGRAMS];
    struct loop *loop;
    struct loop_timer *tick, *kill_timer;
    size_t step;
    uint64_t step_until_ms;
    int exit_code;
};

/* Names below `dir` that quickstart makes; ends with NULL. */
extern const char *const quick_names[];

/* Steps: OK: done, R_AGAIN: ask again later, else *fault says why. */
enum result quick_make_site(struct quick *q, struct ctl_fault *fault);      /* PKI, keys, all configurations */
enum result quick_configure_site(struct quick *q, struct ctl_fault *fault); /* by the admin API */
enum result quick_make_token(struct quick *q, struct ctl_fault *fault);

/* Reads dir/quickstart.json into q->report; false: there is none. */
MUST_USE bool quick_resume(struct quick *q, struct ctl_fault *fault);

void quick_announce(struct quick *q); /* text or one line of JSON */

/* The last lines of a program's log on standard error; true when they tell of an address in use. */
bool quick_log_tail(const struct quick *q, const struct quick_program *p);

const char *quick_report_text(const struct quick *q, const char *member);
char *quick_path(const struct quick *q, const char *name); /* dir/name, malloc'ed */

#endif
