/* SPDX-License-Identifier: Apache-2.0 */
/* setup.json in the site's folder: the answers (no secret), so that who was stopped goes on, and a second run knows
 * what there is. */
#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/wizard/wizard.h"

enum { KEPT_MAX = 256 * 1024 };

static char *path_of(const struct wizard *w)
{
    return file_join(w->dir, "setup.json");
}

/* An option that says otherwise than the site was made. */
static enum result check_same(const struct wizard *w, enum wizard_id id, const char *kept, struct error *err)
{
    if (!w->text[id] || strcmp(w->text[id], kept) == 0)
        return OK;
    (void)error_set(err, R_CONFLICT, "the site in %s was set up with --%s %s, not %s", w->dir,
                    wizard_questions[id].name, *kept ? kept : "''", w->text[id]);
    error_remedy(err, "leave that option out to go on where it stopped; or make another site with --dir");
    return R_CONFLICT;
}

/* Of a site that is there the answers stand; else an option counts more. */
static enum result take_kept(struct wizard *w, const json_t *answers, struct error *err)
{
    enum result r = json_is_object(answers) ? OK : error_set(err, R_INVALID, "it holds no answers");
    for (unsigned id = 0; r == OK && id < ASK_COUNT; id++) {
        const json_t *answer = json_object_get(answers, wizard_questions[id].name);
        const char *kept = json_string_value(answer);
        if (answer && !kept)
            r = error_set(err, R_INVALID, "the answer '%s' is no text", wizard_questions[id].name);
        if (!kept)
            continue;
        if (w->there && id != ASK_DEVICES)
            r = check_same(w, (enum wizard_id)id, kept, err);
        if (!w->text[id])
            w->text[id] = mem_strdup(kept);
    }
    return r;
}

enum result wizard_recall(struct wizard *w, struct error *err)
{
    char *path = path_of(w), *text = NULL, *config = file_join(w->dir, "mp.yaml");
    size_t len;
    json_t *kept = NULL;
    enum result r = OK;
    w->there = file_exists(config);
    if (file_exists(path)) {
        r = file_read(path, KEPT_MAX, &text, &len, err);
        if (r == OK)
            r = json_parse(slice_make(text, len), KEPT_MAX, &kept, err);
        if (r == OK)
            r = take_kept(w, json_object_get(kept, "answers"), err);
        if (r != OK && r != R_CONFLICT)
            (void)error_prefix(err, "%s", path);
        w->devices_until = json_opt_int(kept, "devices_until", 0);
    } else if (w->there) {
        r = error_set(err, R_CONFLICT, "there is a site in %s already, which cmg setup did not make", w->dir);
        error_remedy(err, "go on with: cmg connector add ID --join, cmg gateway add ID --host NAME --join, cmg "
                          "enrollment --join; or make another site with --dir");
    }
    json_decref(kept);
    free(text);
    free(path);
    free(config);
    return r;
}

enum result wizard_keep(const struct wizard *w, struct error *err)
{
    json_t *answers = json_object();
    for (unsigned id = 0; id < ASK_COUNT; id++) {
        if (w->text[id])
            (void)json_object_set_new(answers, wizard_questions[id].name, json_string(w->text[id]));
    }
    json_t *whole = json_pack("{s:s, s:o, s:I}", "made_by", "cmg setup", "answers", answers, "devices_until",
                              (json_int_t)w->devices_until);
    char *text = json_text(whole), *path = path_of(w);
    enum result r = file_make_dirs(w->dir, w->usual ? 0755 : 0700, err);
    if (r == OK)
        r = file_write(path, slice_of(text), 0600, err);
    json_decref(whole);
    free(text);
    free(path);
    return r;
}
