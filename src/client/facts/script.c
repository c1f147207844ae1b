/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of the administrator's own: each program of the folder InventoryScripts says one, a text or a JSON object of
 * texts, whole numbers and truths. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "base/host/program.h"
#include "client/facts/part.h"
#include "facts/facts.h"
#include "web/http.h"

enum { SCRIPTS_MAX = 32, SCRIPT_S = 30, ALL_S = 120, OUTPUT_MAX = 16 * 1024 };

/* Nobody else may say what runs here. */
static enum result check_script(const char *path, struct error *err)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
        return error_set(err, R_NOTFOUND, "it is no program");
    if (st.st_mode & (S_IWGRP | S_IWOTH) || (st.st_uid != 0 && st.st_uid != geteuid()))
        return error_set(err, R_DENIED, "others may change it: chown root and chmod go-w it");
    return OK;
}

/* NULL: it is no object of facts. */
static json_t *read_object(struct slice said)
{
    json_t *o = NULL, *section = NULL;
    if (json_parse(said, OUTPUT_MAX, &o, NULL) == OK && json_is_object(o))
        section = json_pack("{s:O}", "script", o);
    bool good = section && facts_check(section, NULL, NULL) == OK;
    json_decref(section);
    if (good)
        return o;
    json_decref(o);
    return NULL;
}

static void put_fault(json_t *all, const char *name, const struct error *err)
{
    json_t *o = json_object();
    client_facts_put_text(o, "fault", slice_of(err->text));
    client_facts_put(all, name, o);
}

static void run_script(json_t *all, const char *name, const char *path, unsigned limit_s)
{
    char *said = NULL;
    struct error err;
    enum result r = check_script(path, &err);
    if (r == R_NOTFOUND)
        return;
    if (r == OK && !limit_s)
        r = error_set(&err, R_TIMEOUT, "the scripts before it took all the time, %d s", ALL_S);
    if (r == OK)
        r = program_run(
            &(struct program){.path = path, .limit_s = limit_s, .output_max = OUTPUT_MAX, .stopped = web_http_stopped},
            &said, &err);
    json_t *object = r == OK ? read_object(slice_of(said)) : NULL;
    if (r != OK)
        put_fault(all, name, &err);
    else if (object)
        client_facts_put(all, name, object);
    else
        client_facts_put_text(all, name, slice_of(said));
    free(said);
}

static int no_dots(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

json_t *client_facts_script(const struct client_facts_of *of)
{
    json_t *all = json_object();
    const char *folder = client_setting(of->settings, SETTING_INVENTORY_SCRIPTS);
    uint64_t until = clock_mono_ms() + (uint64_t)ALL_S * 1000;
    struct dirent **names = NULL;
    int count = folder ? scandir(folder, &names, no_dots, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        char *path = file_join(folder, names[i]->d_name);
        uint64_t now = clock_mono_ms(), left_s = now < until ? (until - now) / 1000 : 0;
        if (i < SCRIPTS_MAX)
            run_script(all, names[i]->d_name, path, left_s < SCRIPT_S ? (unsigned)left_s : SCRIPT_S);
        free(path);
        free(names[i]);
    }
    free(names);
    return all;
}
