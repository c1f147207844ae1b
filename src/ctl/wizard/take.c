/* SPDX-License-Identifier: Apache-2.0 */
/* Takes an answer: is it one at all, can the services reach what it names, and does it go together with the others? */
#include <stdlib.h>

#include "base/host/file.h"
#include "base/mem.h"
#include "ctl/ask/input.h"
#include "ctl/wizard/wizard.h"

enum { TEXT_MAX = 1024 };

/* One or more values of a choice. */
static enum result check_values(enum wizard_id id, const char *text, struct error *err)
{
    const struct ctl_input *input = ctl_input_find(wizard_questions[id].name);
    struct slice rest = slice_of(text);
    bool is_list = id == ASK_CLIENT;
    while (*text && rest.ptr) {
        struct choices_question q = {0};
        struct slice word = is_list ? slice_trim(slice_cut(&rest, ',')) : rest;
        char wanted[CTL_INPUT_WORDS];
        ctl_input_values(input, wanted);
        if (!input->set(&q, word))
            return error_set(err, R_INVALID, "'%.*s' is none of %s", (int)word.len, word.ptr, wanted);
        if (!is_list)
            break;
    }
    return OK;
}

/* The units see no home folders (ProtectHome). */
static bool is_in_home(const char *path)
{
    struct slice s = slice_of(path);
    return slice_starts(s, SLICE("/root/")) || slice_starts(s, SLICE("/home/"));
}

/* Neither by its name nor where that leads. */
static enum result check_reach(const char *path, struct error *err)
{
    char *real = realpath(path, NULL);
    bool home = is_in_home(path) || (real && is_in_home(real));
    free(real);
    if (!home)
        return OK;
    (void)error_set(err, R_INVALID, "%s is in a home folder, and services don't see these", path);
    error_remedy(err, "copy it to /etc/opencmg (a key with mode 0600, of the user that the service runs as)");
    return R_INVALID;
}

enum result wizard_take(struct wizard *w, enum wizard_id id, const char *text, struct error *err)
{
    const struct wizard_question *q = &wizard_questions[id];
    char *proposal = *text ? NULL : wizard_proposal(w, id);
    bool may_be_none = *text || proposal || id == ASK_CONNECTOR_CERT; /* src/choices has the words for that */
    free(proposal);
    if (!may_be_none || strlen(text) > TEXT_MAX)
        return error_set(err, R_INVALID, *text ? "it is too long" : "it must be given");
    char *before = w->text[id], *taken = q->file && *text ? file_absolute(text) : mem_strdup(text);
    enum result r = q->file == FILE_USED && w->usual ? check_reach(taken, err) : OK;
    if (r == OK)
        r = q->check ? q->check(text, err) : check_values(id, text, err);
    if (r != OK) {
        free(taken);
        return r;
    }
    w->text[id] = taken;
    r = wizard_judge(w, err);
    if (r == OK) {
        free(before);
        return OK;
    }
    free(taken);
    w->text[id] = before;
    return r;
}
