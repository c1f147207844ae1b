/* SPDX-License-Identifier: Apache-2.0 */
/* What `cmg quickstart` tells: all that one needs to go on, and the end of the log of a program that failed. */
#include <stdlib.h>

#include "base/host/file.h"
#include "ctl/out.h"
#include "ctl/setup/quick.h"

enum { LOG_MAX = 64 * 1024 * 1024, TAIL_BYTES = 3000 };

static void print_devices(const struct quick *q)
{
    const char *dir = q->dir, *bin = q->bin;
    const json_t *pki = json_object_get(q->report, "pki");
    (void)printf("A device with a token:\n"
                 "  %s/cmg-client enroll %s --dir %s/device1\n"
                 "  %s/cmg-client register --token-file %s --dir %s/device1\n"
                 "  %s/cmg-client policy --dir %s/device1\n\n",
                 bin, quick_report_text(q, "enrollment"), dir, bin, quick_report_text(q, "token_file"), dir, bin, dir);
    (void)printf("A device with a PKI certificate:\n"
                 "  %s/cmg-client enroll %s --dir %s/device2\n"
                 "  %s/cmg-client set Certificate=%s Key=%s --dir %s/device2\n"
                 "  %s/cmg-client register --dir %s/device2\n"
                 "  %s/cmg-client policy --dir %s/device2\n\n",
                 bin, quick_report_text(q, "enrollment"), dir, bin, json_opt_str(pki, "certificate", ""),
                 json_opt_str(pki, "key", ""), dir, bin, dir, bin, dir);
}

static void print_text(const struct quick *q)
{
    static const struct ctl_column lines[] = {{"Gateway", "gateway", CTL_TEXT, NULL},
                                              {"Its CA", "ca", CTL_TEXT, NULL},
                                              {"Metrics", "gateway_admin", CTL_TEXT, NULL},
                                              {"Admin socket", "admin_socket", CTL_TEXT, NULL},
                                              {"Enrolment", "enrollment", CTL_TEXT, NULL},
                                              {"Bulk token", "token_file", CTL_TEXT, NULL},
                                              {"Folder", "dir", CTL_TEXT, NULL},
                                              {NULL, NULL, CTL_TEXT, NULL}};
    (void)printf("%sThe evaluation site is ready.%s It is for this machine alone; Ctrl-C ends it.\n\n",
                 term_on(stdout, TERM_GREEN), term_off(stdout));
    ctl_details(stdout, q->report, lines);
    (void)printf("\nTry, in another terminal:\n\n");
    print_devices(q);
    (void)printf("The administrator's side:\n"
                 "  export CMG_ADMIN_SOCKET=%s\n"
                 "  %s/cmg status\n"
                 "  %s/cmg device list\n",
                 quick_report_text(q, "admin_socket"), q->bin, q->bin);
}

void quick_announce(struct quick *q)
{
    json_t *pids = json_object();
    for (size_t i = 0; i < QUICK_PROGRAMS; i++)
        (void)json_object_set_new(pids, q->programs[i].name, json_integer(loop_child_pid(q->programs[i].child)));
    (void)json_object_set_new(q->report, "pids", pids);
    if (q->common->json)
        ctl_print_json(stdout, q->report, false);
    else
        print_text(q);
    (void)fflush(stdout);
}

bool quick_log_tail(const struct quick *q, const struct quick_program *p)
{
    char *path = quick_path(q, p->log), *text = NULL;
    size_t len;
    struct error err;
    bool in_use = false;
    if (file_read(path, LOG_MAX, &text, &len, &err) == OK) {
        struct slice tail = slice_skip(slice_make(text, len), len > TAIL_BYTES ? len - TAIL_BYTES : 0);
        in_use = slice_find_slice(tail, SLICE("ddress already in use")) != SIZE_MAX ||
                 slice_find_slice(tail, SLICE("EADDRINUSE")) != SIZE_MAX;
        (void)fprintf(stderr, "--- the end of %s ---\n%" PRIslice "%s---\n", path, SLICE_ARG(tail),
                      slice_ends(tail, SLICE("\n")) ? "" : "\n");
    } else {
        (void)fprintf(stderr, "%s: %s\n", p->log, err.text);
    }
    free(text);
    free(path);
    return in_use;
}
