/* SPDX-License-Identifier: Apache-2.0 */
/* See kit.h. */
#include "kit.h"

#include "../base/scratch.h"

int kit_setup(void **state)
{
    struct kit *k = mem_zalloc(sizeof *k);
    join_report_start(&k->report, "cmg-test", true);
    *state = k;
    return scratch_make((void **)&k->dir);
}

int kit_teardown(void **state)
{
    struct kit *k = *state;
    json_decref(k->report.done);
    json_decref(k->report.todo);
    int r = scratch_drop((void **)&k->dir);
    free(k);
    return r;
}

static const char *only_line(const json_t *lines)
{
    if (json_array_size(lines) > 1)
        fail_msg("%zu lines", json_array_size(lines));
    const char *line = json_string_value(json_array_get(lines, 0));
    return line ? line : "";
}

const char *kit_did(const struct kit *k)
{
    return only_line(k->report.done);
}

const char *kit_todo(const struct kit *k)
{
    return only_line(k->report.todo);
}

void kit_forget(struct kit *k)
{
    (void)json_array_clear(k->report.done);
    (void)json_array_clear(k->report.todo);
}

char *kit_put(struct kit *k, const char *name, const char *text, unsigned mode)
{
    scratch_put(k->dir, name, text, mode);
    return file_join(k->dir, name);
}

char *kit_text(struct kit *k, const char *path)
{
    char *text;
    size_t len;
    if (file_read(path, 1024 * 1024, &text, &len, &k->err) != OK)
        fail_msg("%s", k->err.text);
    return text;
}

unsigned kit_mode(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 07777;
}

/* --- what is printed --- */

static FILE *printed;
static int was, instead_of;

void kit_print_here(int fd)
{
    (void)fflush(NULL);
    printed = tmpfile();
    assert_non_null(printed);
    instead_of = fd;
    was = dup(fd);
    assert_int_equal(dup2(fileno(printed), fd), fd);
}

char *kit_printed(void)
{
    char *text = mem_zalloc(64 * 1024);
    (void)fflush(NULL);
    (void)dup2(was, instead_of);
    (void)close(was);
    rewind(printed);
    (void)!fread(text, 1, 64 * 1024 - 1, printed);
    (void)fclose(printed);
    return text;
}
