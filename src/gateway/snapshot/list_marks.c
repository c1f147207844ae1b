/* SPDX-License-Identifier: Apache-2.0 */
/* The rule against older lists, on disk before it is told: it holds over restarts and over who answers a URL. A
 * lock, for the pool's threads ask while the loop tells of damage. */
#include "gateway/snapshot/list_marks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/host/file.h"
#include "base/host/log.h"
#include "base/mem.h"
#include "json/json.h"

#define FILE_NAME "list-marks.json"

enum { MARKS_MAX = 4096, BYTES_MAX = 1024 * 1024 };

struct list_marks {
    pthread_mutex_t lock;
    char *file, *damaged; /* where it is, and where one goes that is not whole */
    json_t *marks;        /* place → {this_update, number, until} */
};

/* --- the file --- */

static bool is_whole(const json_t *mark)
{
    return json_is_integer(json_object_get(mark, "this_update")) && json_is_string(json_object_get(mark, "number")) &&
           json_is_integer(json_object_get(mark, "until"));
}

/* Takes what is whole; false: not all of it is. */
static bool take_whole(struct list_marks *m, const json_t *from)
{
    const char *key;
    json_t *mark;
    bool all = json_is_object(from);
    json_object_foreach((json_t *)(uintptr_t)from, key, mark) {
        bool whole = is_whole(mark);
        all = all && whole;
        if (whole)
            (void)json_object_set(m->marks, key, mark);
    }
    return all;
}

static enum result write_all(const struct list_marks *m, struct error *err)
{
    char *text = json_text(m->marks);
    enum result r = file_write(m->file, slice_of(text), 0600, err);
    free(text);
    return r;
}

static enum result load_marks(struct list_marks *m, struct error *err)
{
    char *text;
    size_t len;
    json_t *found = NULL;
    enum result r = file_read(m->file, BYTES_MAX, &text, &len, err);
    if (r != OK)
        return r;
    r = json_parse(slice_make(text, len), BYTES_MAX, &found, err);
    free(text);
    if (r == OK && !take_whole(m, found))
        r = error_set(err, R_INVALID, "it holds what is no mark of a list");
    json_decref(found);
    return r;
}

/* What is whole is written again at once: the next start finds it. */
static void begin_anew(const struct list_marks *m, enum result why, const struct error *what)
{
    struct error err;
    log_msg(LOG_ERROR, "source", "%s: how far lists had come is not known of all: %s", m->file, what->text);
    if (why != R_INVALID && why != R_LIMIT)
        return;
    enum result r = file_set_aside(m->file, &err);
    if (r == OK && json_object_size(m->marks) > 0)
        r = write_all(m, &err);
    if (r != OK)
        log_msg(LOG_ERROR, "source", "%s", err.text);
}

struct list_marks *list_marks_new(const char *state)
{
    struct list_marks *m = mem_zalloc(sizeof *m);
    struct error err;
    (void)pthread_mutex_init(&m->lock, NULL);
    m->file = file_join(state, FILE_NAME);
    m->damaged = file_join(state, FILE_NAME ".damaged");
    m->marks = json_object();
    enum result r = load_marks(m, &err);
    if (r != OK && r != R_NOTFOUND)
        begin_anew(m, r, &err);
    return m;
}

bool list_marks_fault(const struct list_marks *m, char ret[ERROR_TEXT_MAX])
{
    if (!file_exists(m->damaged))
        return false;
    (void)snprintf(ret, ERROR_TEXT_MAX,
                   "%s was damaged: a list that is older than one before it may have been taken, where that one is not "
                   "in use any more. Compare what the gateway has (cmg status) with what the issuers publish, then "
                   "remove %s",
                   FILE_NAME, m->damaged);
    return true;
}

void list_marks_free(struct list_marks *m)
{
    if (!m)
        return;
    (void)pthread_mutex_destroy(&m->lock);
    json_decref(m->marks);
    free(m->file);
    free(m->damaged);
    free(m);
}

/* --- one place --- */

/* A delta has a place of its own beside the complete list that it adds to. */
static void key_of(const struct pki_list_info *list, char ret[PKI_HASH_HEX + 1])
{
    size_t len = encode_hex(slice_make(list->place, PKI_SHA256), ret);
    (void)snprintf(ret + len, 2, "%s", list->delta ? "+" : "");
}

static void read_age(const json_t *mark, struct pki_list_age *ret)
{
    ret->this_update = json_opt_int(mark, "this_update", 0);
    cstr_copy(ret->number, sizeof ret->number, json_opt_str(mark, "number", ""));
}

/* The one that ended first has least to lose. */
static void make_room(struct list_marks *m)
{
    const char *key, *first = NULL;
    int64_t ended = INT64_MAX;
    json_t *mark;
    if (json_object_size(m->marks) < MARKS_MAX)
        return;
    json_object_foreach(m->marks, key, mark) {
        if (json_opt_int(mark, "until", 0) <= ended) {
            ended = json_opt_int(mark, "until", 0);
            first = key;
        }
    }
    if (first)
        (void)json_object_del(m->marks, first);
}

static enum result raise_mark(struct list_marks *m, const char *key, const struct pki_list_info *list,
                              const struct pki_list_age *before, struct error *err)
{
    const char *number = list->age.number[0] ? list->age.number : before->number;
    if (list->age.this_update == before->this_update && strcmp(number, before->number) == 0)
        return OK;
    if (!json_object_get(m->marks, key))
        make_room(m);
    json_t *mark = json_pack("{s:I, s:s, s:I}", "this_update", (json_int_t)list->age.this_update, "number", number,
                             "until", (json_int_t)list->next_update);
    (void)json_object_set_new(m->marks, key, mark);
    return write_all(m, err);
}

enum result list_marks_take(struct list_marks *m, const struct pki_list_info *list, struct error *err)
{
    struct pki_list_age before = {0};
    char key[PKI_HASH_HEX + 1];
    key_of(list, key);
    (void)pthread_mutex_lock(&m->lock);
    read_age(json_object_get(m->marks, key), &before);
    enum result r = pki_list_not_older(&list->age, &before, "one that was in use before", err);
    if (r == OK)
        r = raise_mark(m, key, list, &before, err);
    (void)pthread_mutex_unlock(&m->lock);
    return r;
}
