/* SPDX-License-Identifier: Apache-2.0 */
/* cmg setup: from the options to the last line. Options, then what a run before kept, then questions on a terminal or
 * what is proposed; a summary; then the steps. */
#include <limits.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/command.h"
#include "ctl/setup/quickstart.h"
#include "ctl/wizard/wizard.h"
#include "join/place.h"

enum { OWN_OPTIONS = 5 };

struct options {
    struct ctl_common common;
    const char *dir, *bin;
    bool yes, run_here;
    const char *text[ASK_COUNT];
};

static const struct opt own[OWN_OPTIONS] = {
    {.name = "dir",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, dir),
     .value = "DIR",
     .help = "keep the whole site in this folder, and start no service: for a trial, without root (default "
             "/etc/opencmg)"},
    {.name = "bin",
     .kind = OPT_TEXT,
     .offset = offsetof(struct options, bin),
     .value = "DIR",
     .help = "where cmg-mp and cmg-connector are (default: beside cmg)"},
    {.name = "yes",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, yes),
     .help = "ask nothing: what is not given is as proposed"},
    {.name = "run-here",
     .kind = OPT_FLAG,
     .offset = offsetof(struct options, run_here),
     .help = "with --dir: run management point and connector until Ctrl-C"},
    CTL_OPT_JSON(struct options),
};

/* One of the command's own, and one a question. */
static const struct opt *all_options(void)
{
    static struct opt opts[OWN_OPTIONS + ASK_COUNT + 1];
    for (size_t i = 0; i < ASK_COUNT; i++)
        opts[i] = (struct opt){.name = wizard_questions[i].name,
                               .kind = OPT_TEXT,
                               .offset = offsetof(struct options, text) + i * sizeof(char *),
                               .value = wizard_questions[i].value,
                               .help = wizard_questions[i].asks};
    memcpy(opts + ASK_COUNT, own, sizeof own);
    return opts;
}

/* --- where --- */

static enum result find_places(struct wizard *w, const struct options *o, struct error *err)
{
    char real[PATH_MAX];
    const char *dir = o->dir ? o->dir : JOIN_DIR_DEFAULT;
    enum result r = file_make_dirs(dir, o->dir ? 0700 : 0755, err);
    if (r == OK && !realpath(dir, real))
        r = error_set(err, R_IO, "%s can't be found", dir);
    if (r == OK && access(real, W_OK | X_OK) != 0)
        r = error_set(err, R_DENIED, "%s can't be written to", real);
    if (r != OK) {
        error_remedy(err, "run it as root; or name a folder of your own with --dir, for a trial");
        return r;
    }
    w->dir = mem_strdup(real);
    w->bin = o->bin ? realpath(o->bin, NULL) : quick_own_folder();
    w->usual = strcmp(real, JOIN_DIR_DEFAULT) == 0;
    const char *socket = site_paths_for(w->dir).admin_socket;
    w->socket = *socket == '/' ? mem_strdup(socket) : file_join(w->dir, socket);
    if (!w->bin)
        return error_set(err, R_NOTFOUND, "--bin names no folder: %s", o->bin);
    if (strlen(w->socket) < sizeof((struct sockaddr_un *)NULL)->sun_path)
        return OK;
    return error_set(err, R_LIMIT, "%s is too long for the path of a socket: take a shorter --dir", w->socket);
}

/* --- what is answered --- */

static int take_options(struct wizard *w, const struct options *o)
{
    struct error err;
    for (unsigned id = 0; id < ASK_COUNT; id++) {
        enum result r = o->text[id] ? wizard_take(w, (enum wizard_id)id, o->text[id], &err) : OK;
        if (r == R_CONFLICT)
            return ctl_fail_error(w->common, &err, NULL,
                                  "leave out or change one of the options; all rules: cmg choices");
        if (r != OK && err.remedy) {
            (void)error_prefix(&err, "--%s", wizard_questions[id].name);
            (void)ctl_fail_error(w->common, &err, NULL, err.remedy);
            return CTL_USAGE;
        }
        if (r != OK)
            return ctl_usage("--%s: %s", wizard_questions[id].name, err.text);
    }
    return CTL_DONE;
}

/* What is not answered becomes what is proposed; what nobody can propose is named, all of it at once. */
static int take_proposals(struct wizard *w)
{
    struct buf missing;
    struct error err;
    buf_init(&missing, 4096);
    for (unsigned id = 0; id < ASK_COUNT; id++) {
        if (w->text[id] || !wizard_wants(w, (enum wizard_id)id))
            continue;
        char *proposal = wizard_proposal(w, (enum wizard_id)id);
        enum result r = wizard_take(w, (enum wizard_id)id, proposal ? proposal : "", &err);
        free(proposal);
        if (r == R_CONFLICT) {
            buf_free(&missing);
            return ctl_fail_error(w->common, &err, NULL, "change one of the options; all rules: cmg choices");
        }
        if (r != OK)
            (void)!buf_printf(&missing, "%s--%s %s", buf_len(&missing) ? ", " : "", wizard_questions[id].name,
                              wizard_questions[id].value);
    }
    char *text = buf_len(&missing) ? buf_take_str(&missing) : NULL;
    buf_free(&missing);
    if (!text)
        return CTL_DONE;
    int code = ctl_usage("these are missing, and there is nobody to ask: %s", text);
    free(text);
    return code;
}

static int nothing_done(const struct wizard *w)
{
    (void)fputs("Stopped: nothing was done.\n", w->talk);
    return CTL_FAILED;
}

static int answer(struct wizard *w, const struct options *o)
{
    struct error err;
    bool person = !w->yes && isatty(STDIN_FILENO) && isatty(fileno(w->talk));
    int code = take_options(w, o);
    if (code != CTL_DONE)
        return code;
    if (wizard_recall(w, &err) != OK)
        return ctl_fail_error(w->common, &err, NULL, err.remedy);
    if (wizard_judge(w, &err) != OK)
        return ctl_fail_error(w->common, &err, NULL, "leave out or change one of the options; all rules: cmg choices");
    if (person && !w->there && wizard_ask(w) != OK)
        return nothing_done(w);
    code = take_proposals(w);
    if (code != CTL_DONE || w->there)
        return code;
    if (person || !w->common->json)
        wizard_summary(w);
    return person && wizard_confirm(w) != OK ? nothing_done(w) : CTL_DONE;
}

/* --- */

static int stopped_within(struct wizard *w)
{
    (void)fputs("Stopped. What is done stays; cmg setup goes on from there.\n", stderr);
    json_decref(w->report.done);
    json_decref(w->report.todo);
    return CTL_FAILED;
}

static int act(struct wizard *w)
{
    struct ctl_fault fault = {0};
    join_report_start(&w->report, "cmg", w->common->json);
    enum result r = wizard_run(w, &fault);
    if (r == R_EOF)
        return stopped_within(w);
    if (r != OK && r != R_AGAIN) {
        json_decref(w->report.done);
        json_decref(w->report.todo);
        return ctl_fail(w->common, &fault);
    }
    w->incomplete = r == R_AGAIN;
    int code = wizard_announce(w);
    return w->run_here ? wizard_stay(w, code) : code;
}

static void free_secret(char *text)
{
    if (text)
        mem_free_secret(text, strlen(text));
}

static void wizard_done(struct wizard *w)
{
    wizard_end_children(w);
    for (size_t i = 0; i < ASK_COUNT; i++)
        free(w->text[i]);
    free_secret(w->gateway_line);
    free_secret(w->devices_line);
    free(w->dir);
    free(w->bin);
    free(w->socket);
}

static int setup(int argc, char **argv)
{
    const struct opt_command cmd = {
        "cmg setup [options]",
        "Set up a site on this machine: its management point and a connector, and the lines by which a gateway and "
        "devices join. Asks on a terminal what is not given; run again, it goes on where it stopped.",
        all_options(), 0, 0};
    static struct options o;
    const char **args;
    size_t n;
    int code;
    if (!ctl_parse(&cmd, argc, argv, &o, &args, &n, &code))
        return code;
    if (o.run_here && !o.dir)
        return ctl_usage("--run-here goes with --dir: the machine's own site runs as services");
    struct wizard w = {
        .common = &o.common, .yes = o.yes, .run_here = o.run_here, .talk = o.common.json ? stderr : stdout};
    struct error err;
    if (find_places(&w, &o, &err) != OK)
        code = ctl_fail_error(&o.common, &err, o.dir, err.remedy);
    else
        code = answer(&w, &o);
    if (w.dir && code == CTL_DONE)
        code = act(&w);
    wizard_done(&w);
    return code;
}

const struct ctl_command ctl_wizard_commands[] = {
    {"setup", "Set up a site on this machine, asking what is to be chosen", setup, NULL},
    {NULL, NULL, NULL, NULL},
};
