/* SPDX-License-Identifier: Apache-2.0 */
/* state.json in and out. Each function reads it whole and writes it whole: the lock of the state folder makes that
 * safe, and a file that can't be read counts as empty, since nothing but memory of the past is lost. */
#include "client/state/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/host/file.h"
#include "client/state/kept.h"

enum { STATE_MAX = 4 * 1024 * 1024 };

json_t *client_state_load(const char *dir)
{
    json_t *root = client_kept_load(dir, "state.json", STATE_MAX, JSON_OBJECT);
    return root ? root : json_object();
}

static enum result save_state(const char *dir, const json_t *root, struct error *err)
{
    char *path = file_join(dir, "state.json"), *text = json_dumps(root, JSON_INDENT(2));
    if (!text)
        fatal("the state can't be put into JSON");
    enum result r = file_write(path, slice_of(text), 0600, err);
    free(text);
    free(path);
    return r;
}

static void put_member(json_t *root, const char *name, json_t *value)
{
    if (json_object_set_new(root, name, value) != 0)
        fatal("the state can't be put into JSON");
}

void client_state_handled(const char *dir, const char *whose, char ret[PKI_HASH_HEX])
{
    json_t *root = client_state_load(dir);
    (void)snprintf(ret, PKI_HASH_HEX, "%s", json_opt_str(root, whose, ""));
    json_decref(root);
}

enum result client_state_set_handled(const char *dir, const char *whose, const char *fingerprint, struct error *err)
{
    json_t *root = client_state_load(dir);
    put_member(root, whose, json_string(fingerprint));
    enum result r = save_state(dir, root, err);
    json_decref(root);
    return r;
}

static json_t *load_member(const char *dir, const char *name)
{
    json_t *root = client_state_load(dir), *known = json_object_get(root, name);
    known = json_is_object(known) ? json_incref(known) : json_object();
    json_decref(root);
    return known;
}

static enum result save_member(const char *dir, const char *name, json_t *value, struct error *err)
{
    json_t *root = client_state_load(dir);
    put_member(root, name, json_incref(value));
    enum result r = save_state(dir, root, err);
    json_decref(root);
    return r;
}

json_t *client_state_health(const char *dir, const char *whom)
{
    return load_member(dir, whom);
}

enum result client_state_set_health(const char *dir, const char *whom, json_t *health, struct error *err)
{
    return save_member(dir, whom, health, err);
}

/* "told_policy" */
static void told_name(const char *kind, char ret[64])
{
    (void)snprintf(ret, 64, "told_%s", kind);
}

json_t *client_state_told(const char *dir, const char *kind)
{
    char name[64];
    told_name(kind, name);
    return load_member(dir, name);
}

enum result client_state_set_told(const char *dir, const char *kind, json_t *told, struct error *err)
{
    char name[64];
    told_name(kind, name);
    return save_member(dir, name, told, err);
}

#define REPORT_WANTED "report_wanted"

bool client_state_report_wanted(const char *dir)
{
    json_t *root = client_state_load(dir);
    bool ret = json_opt_bool(root, REPORT_WANTED, false);
    json_decref(root);
    return ret;
}

enum result client_state_want_report(const char *dir, bool wanted, struct error *err)
{
    json_t *value = json_boolean(wanted);
    enum result r = client_state_report_wanted(dir) == wanted ? OK : save_member(dir, REPORT_WANTED, value, err);
    json_decref(value);
    return r;
}

enum result client_state_record(const char *dir, const char *operation, json_t *result, struct error *err)
{
    json_t *root = client_state_load(dir), *entry = json_deep_copy(result);
    put_member(entry, "operation", json_string(operation));
    put_member(entry, "time", json_integer(clock_wall_s()));
    put_member(root, "last", json_incref(entry));
    if (!json_opt_bool(result, "ok", false))
        put_member(root, "last_failure", json_incref(entry));
    else if (strcmp(json_opt_str(json_object_get(root, "last_failure"), "operation", operation), operation) == 0 ||
             strcmp(operation, "register") != 0) /* a policy that came in proves the whole way */
        (void)json_object_del(root, "last_failure");
    json_decref(entry);
    enum result r = save_state(dir, root, err);
    json_decref(root);
    return r;
}

enum result client_state_writable(const char *dir, struct error *err)
{
    static const char probe[16 * 1024]; /* about a location document with its chain */
    char *path = file_join(dir, "probe");
    enum result r = file_write(path, slice_make(probe, sizeof probe), 0600, err);
    (void)unlink(path);
    free(path);
    return r;
}
