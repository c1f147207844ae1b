/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/list_marks.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "json/json.h"

#define FILE_NAME "list-marks.json"

enum { MARKS_MAX = 4096, BYTES_MAX = 1024 * 1024 };

struct list_marks {
    pthread_mutex_t lock;
    char *file;
    json_t *marks; /* place → {this_update, number, until} */
};

struct list_marks *list_marks_new(const char *state)
{
    struct list_marks *m = mem_zalloc(sizeof *m);
    char *text;
    size_t len;
    struct error err;
    (void)pthread_mutex_init(&m->lock, NULL);
    m->file = file_join(state, FILE_NAME);
    enum result r = file_read(m->file, BYTES_MAX, &text, &len, &err);
    if (r == OK) {
        r = json_parse(slice_make(text, len), BYTES_MAX, &m->marks, &err);
        free(text);
    }
    if (r != OK && r != R_NOTFOUND)
        log_msg(LOG_WARN, "source", "how far lists had come is not known: %s", err.text);
    if (!json_is_object(m->marks)) {
        json_decref(m->marks);
        m->marks = json_object();
    }
    return m;
}

void list_marks_free(struct list_marks *m)
{
    if (!m)
        return;
    (void)pthread_mutex_destroy(&m->lock);
    json_decref(m->marks);
    free(m->file);
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
    json_object_foreach(m->marks, key, mark)
    {
        if (json_opt_int(mark, "until", 0) <= ended) {
            ended = json_opt_int(mark, "until", 0);
            first = key;
        }
    }
    if (first)
        (void)json_object_del(m->marks, first);
}

static enum result write_all(const struct list_marks *m, struct error *err)
{
    char *text = json_text(m->marks);
    enum result r = file_write(m->file, slice_of(text), 0600, err);
    free(text);
    return r;
}

static enum result raise(struct list_marks *m, const char *key, const struct pki_list_info *list,
                         const struct pki_list_age *before, struct error *err)
{
    const char *number = list->age.number[0] ? list->age.number : before->number;
    if (list->age.this_update == before->this_update && strcmp(number, before->number) == 0)
        return OK;
    if (!json_object_get(m->marks, key))
        make_room(m);
    json_t *mark = json_pack("{s:I, s:s, s:I}", "this_update", (json_int_t)list->age.this_update, "number", number,
                             "until", (json_int_t)list->next_update);
    if (!mark || json_object_set_new(m->marks, key, mark) != 0)
        fatal("out of memory (marks of lists)");
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
        r = raise(m, key, list, &before, err);
    (void)pthread_mutex_unlock(&m->lock);
    return r;
}
