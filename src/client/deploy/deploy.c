/* SPDX-License-Identifier: Apache-2.0 */
/* A deployment from its policy to its outcome (deploy.h). */
#include "client/deploy/deploy.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/mem.h"
#include "base/text/progress.h"
#include "client/apart.h"
#include "client/deploy/download.h"
#include "client/state/messages.h"
#include "client/state/state.h"

enum {
    HANDLER_LIMIT_S = 3600,
    TAIL_MAX = CLIENT_MESSAGE_DETAIL_MAX - 256,
    WHY_MAX = 250,
    DRAW_MS = 200,
    NOTE_MS = 2000,
    TOLD_SIZE = WHY_MAX + 16
};

struct deployment {
    struct client_session *s;
    const struct deploy_plan *plan;
    json_t *outcomes; /* of all deployments, by the id of their policy */
    char *folder;
    uint64_t done, began; /* bytes of all files; those that were there before */
    uint64_t began_ms, drawn_ms, noted_ms;
    bool live;            /* progress is drawn */
    char told[TOLD_SIZE]; /* what the site was told last of this deployment; "": nothing */
};

/* --- outcomes --- */

json_t *client_deploy_outcomes(const char *dir)
{
    json_t *all = client_state_health(dir, CLIENT_STATE_DEPLOYMENTS), *list = json_array(), *one;
    const char *id;
    json_object_foreach(all, id, one) {
        if (json_array_append(list, one) != 0)
            fatal("a list of deployments can't be made");
    }
    json_decref(all);
    return list;
}

bool client_deploy_unfinished(const char *dir)
{
    json_t *all = client_state_health(dir, CLIENT_STATE_DEPLOYMENTS), *one;
    const char *id;
    bool ret = false;
    json_object_foreach(all, id, one)
        ret = ret || strcmp(json_opt_str(one, "state", ""), "fetching") == 0;
    json_decref(all);
    return ret;
}

static const json_t *outcome_of(const struct deployment *d)
{
    return json_object_get(d->outcomes, d->plan->id);
}

/* What is known of this very deployment: of the one before with the same policy nothing counts. NULL: nothing. */
static const json_t *known_of(const struct deployment *d)
{
    const json_t *outcome = outcome_of(d);
    bool same = strcmp(json_opt_str(outcome, "fingerprint", ""), d->plan->fingerprint) == 0;
    return same ? outcome : NULL;
}

static void save(const struct deployment *d)
{
    struct error err;
    if (client_state_set_health(d->s->c->dir, CLIENT_STATE_DEPLOYMENTS, d->outcomes, &err) != OK)
        client_logf(&d->s->c->logs, CLIENT_LOG_POLICY, LOG_WARN, "%s", err.text);
}

static void note(const struct deployment *d, const char *state, const char *detail)
{
    const struct deploy_plan *p = d->plan;
    json_t *o = json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s}", "policy", p->policy,
                          "version", (json_int_t)p->version, "content", p->content ? p->content : "", "content_version",
                          p->content_version ? p->content_version : "", "handler", p->handler ? p->handler : "",
                          "state", state, "detail", detail, "bytes", (json_int_t)d->done, "size", (json_int_t)p->size,
                          "at", (json_int_t)clock_wall_s(), "fingerprint", p->fingerprint, "told", d->told);
    if (!o || json_object_set_new(d->outcomes, p->id, o) != 0)
        fatal("the outcome of a deployment can't be kept");
    save(d);
}

/* To the site, but not the same twice; `why` belongs to what is the same, what a program said does not. */
static void tell(struct deployment *d, const char *state, const char *why, struct slice detail)
{
    char now[TOLD_SIZE];
    const struct client_message m = {.kind = "deployment",
                                     .subject = d->plan->policy,
                                     .state = state,
                                     .detail = detail,
                                     .version = d->plan->version};
    struct error err;
    (void)snprintf(now, sizeof now, "%s %s", state, why);
    if (strcmp(now, d->told) == 0)
        return;
    if (client_messages_add(d->s->c->dir, &m, 1, &err) != OK)
        client_logf(&d->s->c->logs, CLIENT_LOG_POLICY, LOG_WARN, "The site will not be told: %s", err.text);
    memcpy(d->told, now, sizeof d->told);
}

/* `said`: the end of what the handler said, malloc'ed and taken; NULL: nothing. */
static void end(struct deployment *d, enum result r, char *said, const struct error *err)
{
    char text[CLIENT_MESSAGE_DETAIL_MAX];
    const char *state = r == OK ? "applied" : "failed", *why = r == OK ? "" : err->text;
    (void)snprintf(text, sizeof text, "%.*s%s%s", WHY_MAX, why, *why && said && *said ? "\n" : "", said ? said : "");
    mem_free_secret(said, said ? strlen(said) : 0);
    tell(d, state, why, slice_of(text));
    note(d, state, why);
    client_logf(&d->s->c->logs, CLIENT_LOG_POLICY, r == OK ? LOG_INFO : LOG_ERROR, "Policy '%.128s', content: %s%s%s",
                d->plan->policy, state, *why ? ": " : "", why);
}

/* --- files --- */

static void draw(struct deployment *d, uint64_t now)
{
    char text[PROGRESS_SIZE];
    if (!d->live || (d->done < d->plan->size && now - d->drawn_ms < DRAW_MS))
        return;
    d->drawn_ms = now;
    progress_text(
        &(struct progress){.done = d->done, .size = d->plan->size, .began = d->began, .elapsed_ms = now - d->began_ms},
        text);
    (void)fprintf(stderr, "\r\033[K%.40s  %s", d->plan->content, text);
}

static void on_progress(void *arg, uint64_t bytes)
{
    struct deployment *d = arg;
    uint64_t now = clock_mono_ms();
    d->done += bytes;
    draw(d, now);
    if (now - d->noted_ms < NOTE_MS)
        return;
    d->noted_ms = now;
    note(d, "fetching", "");
}

/* "<folder>/sub/.<hash>.part": beside its place, since a sandbox of old kernels lets nothing be moved to another
 * folder. malloc'ed. */
static char *part_of(const char *path, const struct deploy_file *f)
{
    char name[DIGEST_HEX + 8];
    const char *slash = strrchr(path, '/');
    char *above = slice_dup(slice_make(path, (size_t)(slash - path)));
    (void)snprintf(name, sizeof name, ".%s.part", f->sha256);
    char *ret = file_join(above, name);
    free(above);
    return ret;
}

static enum result fetch_file(struct deployment *d, const struct deploy_file *f, struct error *err)
{
    char *path = file_join(d->folder, f->path), *part = part_of(path, f);
    enum result r = OK;
    if (client_download_is_there(f, path)) {
        on_progress(d, f->size);
        d->began += f->size;
    } else {
        r = file_make_parent(path, 0700, err);
        if (r == OK)
            r = client_download(
                d->s, &(struct download){.file = f, .part = part, .path = path, .on_progress = on_progress, .arg = d},
                err);
    }
    free(path);
    free(part);
    return r;
}

static enum result check_room(const struct deployment *d, struct error *err)
{
    struct file_space space;
    if (!file_space(d->s->c->dir, &space) || space.free >= d->plan->size + FILE_ROOM || d->done)
        return OK;
    return error_set(err, R_LIMIT, "the device has room for %llu MiB, and the content takes %llu MiB",
                     (unsigned long long)(space.free >> 20), (unsigned long long)((d->plan->size >> 20) + 1));
}

static enum result fetch_all(struct deployment *d, struct error *err)
{
    enum result r = file_make_dirs(d->folder, 0700, err);
    if (r == OK)
        r = check_room(d, err);
    d->began_ms = clock_mono_ms();
    for (size_t i = 0; r == OK && i < d->plan->count; i++)
        r = fetch_file(d, &d->plan->files[i], err);
    if (d->live)
        (void)fputs("\r\033[K", stderr);
    return r;
}

/* --- the handler --- */

static enum result run_handler(const struct deployment *d, char **ret_said, struct error *err)
{
    const char *handlers = client_setting(&d->s->c->settings, SETTING_CONTENT_HANDLERS);
    *ret_said = NULL;
    if (!*d->plan->handler)
        return OK;
    if (!handlers)
        return error_set(err, R_NOTFOUND,
                         "the policy names the handler %s, and this device has no folder of handlers: "
                         "cmg-client set ContentHandlers=FOLDER",
                         d->plan->handler);
    char *program = file_join(handlers, d->plan->handler);
    client_logf(&d->s->c->logs, CLIENT_LOG_POLICY, LOG_INFO, "Running the content handler %s", program);
    enum result r = client_apart_command(
        &(struct program){
            .path = program, .argument = d->folder, .limit_s = HANDLER_LIMIT_S, .output_max = TAIL_MAX, .tail = true},
        ret_said, err);
    free(program);
    return r;
}

/* --- the whole --- */

/* No way to the content is no outcome: the site is not told of it, and what has come waits for the next run. */
static void deploy(struct deployment *d)
{
    char *said = NULL;
    struct error err = {0};
    if (!*d->told)
        tell(d, "started", "", SLICE(""));
    note(d, "fetching", "");
    enum result r = fetch_all(d, &err);
    if (r == R_AGAIN) {
        client_logf(&d->s->c->logs, CLIENT_LOG_POLICY, LOG_WARN, "Policy '%.128s', content: not whole yet: %s",
                    d->plan->policy, err.text);
        note(d, "fetching", err.text);
        return;
    }
    if (r == OK)
        r = run_handler(d, &said, &err);
    end(d, r, said, &err);
}

static void handle_policy(struct client_session *s, const json_t *policy, json_t *outcomes, json_t *kept)
{
    static struct deploy_plan plan; /* too large for a stack */
    char name[GUID_SIZE + 24];
    struct error err;
    enum result r = deploy_plan_read(policy, &plan, &err);
    struct deployment d = {.s = s, .plan = &plan, .outcomes = outcomes, .live = isatty(STDERR_FILENO) == 1};
    if (r == R_NOTFOUND || !*plan.id)
        return;
    (void)snprintf(name, sizeof name, "%s-%lld", plan.id, (long long)plan.version);
    char *content = file_join(s->c->dir, "content");
    d.folder = file_join(content, name);
    free(content);
    if (json_object_set_new(kept, plan.id, json_string(name)) != 0)
        fatal("a list of deployments can't be made");
    const json_t *known = known_of(&d);
    (void)snprintf(d.told, sizeof d.told, "%s", json_opt_str(known, "told", ""));
    if (r != OK)
        end(&d, r, NULL, &err);
    else if (strcmp(json_opt_str(known, "state", ""), "applied") != 0)
        deploy(&d);
    free(d.folder);
}

/* What no policy brings any more, outcomes and files; `kept`: id → folder. */
static void forget_others(const struct client_session *s, json_t *outcomes, const json_t *kept)
{
    char *content = file_join(s->c->dir, "content");
    DIR *dir = opendir(content);
    struct dirent *e;
    const char *id;
    json_t *one;
    void *next;
    json_object_foreach_safe(outcomes, next, id, one)
    {
        if (!json_object_get(kept, id))
            (void)json_object_del(outcomes, id);
    }
    while (dir && (e = readdir(dir))) {
        char *path = file_join(content, e->d_name), *of = slice_dup(slice_of(e->d_name));
        if (strlen(of) >= GUID_SIZE)
            of[GUID_SIZE - 1] = '\0';
        if (*e->d_name != '.' && strcmp(json_opt_str(kept, of, ""), e->d_name) != 0)
            file_remove_tree(path);
        free(of);
        free(path);
    }
    if (dir)
        (void)closedir(dir);
    free(content);
}

void client_deploy(struct client_session *s)
{
    const struct web_outcome before = s->outcome;
    json_t *outcomes = client_state_health(s->c->dir, CLIENT_STATE_DEPLOYMENTS), *kept = json_object(), *policy;
    const size_t known = json_object_size(outcomes);
    size_t i;
    json_array_foreach(s->policies[CHOICE_DEVICE].list, i, policy) {
        if (!web_http_stopped())
            handle_policy(s, policy, outcomes, kept);
    }
    if (!web_http_stopped() && (known || json_object_size(outcomes))) {
        struct deployment d = {.s = s, .outcomes = outcomes};
        forget_others(s, outcomes, kept);
        save(&d);
    }
    json_decref(kept);
    json_decref(outcomes);
    s->outcome = before;
}
